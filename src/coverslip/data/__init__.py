"""pairs of files → batches: selection, seeded splits, and the order of the images."""

from coverslip.data.crop import random_crop
from coverslip.data.dataset import (
    Batch,
    PairDataset,
    Sample,
    SampleSettings,
    Whole,
    median_cell_size,
    stack_samples,
)
from coverslip.data.order import Draw, balance_weights, epoch_batches
from coverslip.data.read import load_labelled, load_pair, prepare_labelled, prepare_pair
from coverslip.data.resident import BYTES_PER_PIXEL, ResidentPairs
from coverslip.data.select import fold_pairs, hash_pairs, read_groups, select_pairs, split_pairs

__all__ = [
    "BYTES_PER_PIXEL",
    "Batch",
    "Draw",
    "PairDataset",
    "ResidentPairs",
    "Sample",
    "SampleSettings",
    "Whole",
    "balance_weights",
    "epoch_batches",
    "fold_pairs",
    "hash_pairs",
    "load_labelled",
    "load_pair",
    "median_cell_size",
    "prepare_labelled",
    "prepare_pair",
    "random_crop",
    "read_groups",
    "select_pairs",
    "split_pairs",
    "stack_samples",
]
