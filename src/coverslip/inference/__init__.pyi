from .predictor import (
    Predictor,
    Source,
    TileStore,
    check_predict,
    make_predictor,
    open_predictor,
    pick_backend,
    predict,
    settle,
    smaller_tiles_message,
)
from .settings import Prediction, PredictSettings

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
    "settle",
    "smaller_tiles_message",
]
