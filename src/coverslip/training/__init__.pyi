from .annotated import load_labelled, load_pair, prepare_labelled, prepare_pair
from .dataset import (
    BYTES_PER_PIXEL,
    Batch,
    PairDataset,
    ResidentPairs,
    Sample,
    SampleSettings,
    Whole,
    median_cell_size,
    random_crop,
    stack_samples,
)
from .distributed import Ranks, joined, leave
from .loop import train
from .network import settings_from
from .run_folder import Plan, resume_plan, start_run
from .sampling import Draw, balance_weights, epoch_batches
from .settings import TrainSettings
from .splits import fold_pairs, hash_pairs, read_groups, select_pairs, split_pairs
from .step import one_cycle

__all__ = [
    "BYTES_PER_PIXEL",
    "Batch",
    "Draw",
    "PairDataset",
    "Plan",
    "Ranks",
    "ResidentPairs",
    "Sample",
    "SampleSettings",
    "TrainSettings",
    "Whole",
    "balance_weights",
    "epoch_batches",
    "fold_pairs",
    "hash_pairs",
    "joined",
    "leave",
    "load_labelled",
    "load_pair",
    "median_cell_size",
    "one_cycle",
    "prepare_labelled",
    "prepare_pair",
    "random_crop",
    "read_groups",
    "resume_plan",
    "select_pairs",
    "settings_from",
    "split_pairs",
    "stack_samples",
    "start_run",
    "train",
]
