from .compare import Comparison, compare_conditions, look_at_images
from .conditions import Conditions, Rule, read_conditions
from .dose_response import DoseResponse, fit_dose_response, hill_curve
from .effects import Effect, compare_means, effects_table, find_control, hedges_g
from .quality import Look, judge_images, look_at
from .replicates import Design, find_design, replicate_means
from .wells import PlateSize, Well, path_to_well, smallest_plate, text_to_well
from .write import PAGE, write_comparison

__all__ = [
    "PAGE",
    "Comparison",
    "Conditions",
    "Design",
    "DoseResponse",
    "Effect",
    "Look",
    "PlateSize",
    "Rule",
    "Well",
    "compare_conditions",
    "compare_means",
    "effects_table",
    "find_control",
    "find_design",
    "fit_dose_response",
    "hedges_g",
    "hill_curve",
    "judge_images",
    "look_at",
    "look_at_images",
    "path_to_well",
    "read_conditions",
    "replicate_means",
    "smallest_plate",
    "text_to_well",
    "write_comparison",
]
