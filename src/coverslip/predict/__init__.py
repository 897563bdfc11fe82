"""network × image → probabilities, and how sure they are."""

from coverslip.predict.predictor import (
    Predictor,
    Source,
    TileStore,
    check_predict,
    make_predictor,
    open_predictor,
    pick_backend,
    predict,
    smaller_tiles_message,
)
from coverslip.predict.settings import Prediction, PredictSettings

__all__ = [
    "PredictSettings",
    "Prediction",
    "Predictor",
    "Source",
    "TileStore",
    "check_predict",
    "make_predictor",
    "open_predictor",
    "pick_backend",
    "predict",
    "smaller_tiles_message",
]
