"""pairs of files → batches: selection, seeded splits, and the order of the images."""

from coverslip.data.dataset import PairDataset, Sample, SampleSettings, load_pair, random_crop
from coverslip.data.order import Draw, balance_weights, epoch_batches
from coverslip.data.select import fingerprint, fold_pairs, read_groups, select_pairs, split_pairs

__all__ = [
    "Draw",
    "PairDataset",
    "Sample",
    "SampleSettings",
    "balance_weights",
    "epoch_batches",
    "fingerprint",
    "fold_pairs",
    "load_pair",
    "random_crop",
    "read_groups",
    "select_pairs",
    "split_pairs",
]
