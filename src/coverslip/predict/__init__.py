"""network × image → probabilities, and how sure they are."""

from coverslip.predict.choose import check_predict, pick_backend
from coverslip.predict.grid import halve_tiles, lay_grid
from coverslip.predict.image import predict, say_smaller
from coverslip.predict.settings import Prediction, PredictSettings
from coverslip.predict.window import Kept, Source, predict_window

__all__ = [
    "Kept",
    "PredictSettings",
    "Prediction",
    "Source",
    "check_predict",
    "halve_tiles",
    "lay_grid",
    "pick_backend",
    "predict",
    "predict_window",
    "say_smaller",
]
