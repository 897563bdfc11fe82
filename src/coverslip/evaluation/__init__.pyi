from .degradations import DEGRADATIONS, UNDISTURBED, Degradation, degrade
from .label_files import FilePair, Matches, evaluate, evaluate_files, evaluate_folders, match_files
from .model_scores import score_model
from .robustness import (
    ROBUSTNESS_COLUMNS,
    ROBUSTNESS_SUMMARY_COLUMNS,
    measure_robustness,
    summarise_robustness,
)
from .score_table import CELL_COLUMNS, COLUMNS, SUMMARY_COLUMNS, summarise, summary_in_percent

__all__ = [
    "CELL_COLUMNS",
    "COLUMNS",
    "DEGRADATIONS",
    "ROBUSTNESS_COLUMNS",
    "ROBUSTNESS_SUMMARY_COLUMNS",
    "SUMMARY_COLUMNS",
    "UNDISTURBED",
    "Degradation",
    "FilePair",
    "Matches",
    "degrade",
    "evaluate",
    "evaluate_files",
    "evaluate_folders",
    "match_files",
    "measure_robustness",
    "score_model",
    "summarise",
    "summarise_robustness",
    "summary_in_percent",
]
