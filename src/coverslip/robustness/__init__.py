"""model + annotated images, made worse step by step → what is left of the score."""

from coverslip.robustness.degradations import DEGRADATIONS, UNDISTURBED, Degradation, degrade
from coverslip.robustness.run import measure_robustness
from coverslip.robustness.table import ROBUSTNESS_COLUMNS, SUMMARY_COLUMNS, summarise_robustness

__all__ = [
    "DEGRADATIONS",
    "ROBUSTNESS_COLUMNS",
    "SUMMARY_COLUMNS",
    "UNDISTURBED",
    "Degradation",
    "degrade",
    "measure_robustness",
    "summarise_robustness",
]
