from .annotated import load_labelled, load_pair, prepare_labelled, prepare_pair
from .comparison import Comparison, compare
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
from .effort import Choice, fit_to_images, fit_to_time, say_minutes
from .fine_tuning import FineTuned, Watch, fine_tune, finish, plan_fine_tuning
from .loop import StopTraining, train
from .network import settings_from
from .run_folder import Plan, resume_plan, start_run
from .sampling import Draw, balance_weights, epoch_batches
from .settings import TrainSettings
from .splits import fold_pairs, hash_pairs, read_groups, select_pairs, split_pairs
from .step import one_cycle

__all__ = [
    "BYTES_PER_PIXEL",
    "Batch",
    "Choice",
    "Comparison",
    "Draw",
    "FineTuned",
    "PairDataset",
    "Plan",
    "Ranks",
    "ResidentPairs",
    "Sample",
    "SampleSettings",
    "StopTraining",
    "TrainSettings",
    "Watch",
    "Whole",
    "balance_weights",
    "compare",
    "epoch_batches",
    "fine_tune",
    "finish",
    "fit_to_images",
    "fit_to_time",
    "fold_pairs",
    "hash_pairs",
    "joined",
    "leave",
    "load_labelled",
    "load_pair",
    "median_cell_size",
    "one_cycle",
    "plan_fine_tuning",
    "prepare_labelled",
    "prepare_pair",
    "random_crop",
    "read_groups",
    "resume_plan",
    "say_minutes",
    "select_pairs",
    "settings_from",
    "split_pairs",
    "stack_samples",
    "start_run",
    "train",
]
