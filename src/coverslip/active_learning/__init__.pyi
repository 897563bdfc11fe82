from .copy import copy_frames, write_frame
from .features import image_to_features
from .rank import (
    SUGGESTION_COLUMNS,
    Choice,
    Suggestions,
    Uncertainty,
    choose,
    measure_uncertainty,
    suggest_frames,
)

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
    "write_frame",
]
