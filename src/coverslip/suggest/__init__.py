"""images + model → those that are worth annotating next, with the reason for each."""

from coverslip.suggest.choose import Choice, choose
from coverslip.suggest.copy import copy_frames
from coverslip.suggest.features import image_to_features
from coverslip.suggest.frames import SUGGESTION_COLUMNS, Suggestions, suggest_frames
from coverslip.suggest.uncertainty import Uncertainty, measure_uncertainty

__all__ = [
    "SUGGESTION_COLUMNS",
    "Choice",
    "Suggestions",
    "Uncertainty",
    "choose",
    "copy_frames",
    "image_to_features",
    "measure_uncertainty",
    "suggest_frames",
]
