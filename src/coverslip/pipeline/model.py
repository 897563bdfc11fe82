"""image + model, whether learnt or not → probabilities: the one door of both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.checkpoint import Checkpoint
from coverslip.errors import SettingsError
from coverslip.images import normalise, resize_image, stretch, to_grey
from coverslip.method import Method
from coverslip.predict import Prediction, check_predict, predict

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.pipeline.settings import SegmentSettings

Model = Checkpoint | Method


def check_model(model: Model, settings: SegmentSettings) -> None:
    """Find what would stop every prediction, which a caller may want before a long work.

    Raises:
        SettingsError: for a network, a device that is not there or tiles too small for it; for a
            method without learning, views to average or a threshold, of which it has none.
    """
    if isinstance(model, Checkpoint):
        check_predict(model.network, settings.predict)
        return
    if settings.predict.tta != "none":
        raise SettingsError(
            f"{model.name} is a method without learning, and test-time augmentation is for "
            f"networks: leave --tta {settings.predict.tta} out."
        )
    if settings.threshold != model.threshold:
        raise SettingsError(
            f"{model.name} is a method without learning and gives a mask, not probabilities: "
            f"leave --threshold {settings.threshold} out, and set its own settings by --argument."
        )


def prepare_image(image: NDArray[Any], model: Model) -> NDArray[np.float32]:
    """Bring an image into [0, 1] as a model wants it.

    A network's is stretched to the percentiles of its training. A method without learning gets grey
    values with their zero: PHANTAST's contrast is a ratio, which stretching would change.

    Args:
        image: (H, W) or (H, W, 3), any number type.
        model: a loaded model.

    Returns:
        (H, W) or, for a network, as the image (H, W, 3).

    Raises:
        ValueError: an image of another shape, or without a finite pixel.

    Example:
        >>> import coverslip, numpy
        >>> model = coverslip.load_model("phase")
        >>> image = coverslip.prepare_image(numpy.arange(64.0).reshape(8, 8), model)
        >>> float(image.min()), float(image.max())
        (0.0, 1.0)
    """
    if isinstance(model, Method):
        return to_grey(image)
    how = model.preprocess
    return stretch(image, low_percentile=how.low_percentile, high_percentile=how.high_percentile)


def predict_prepared(
    image: NDArray[np.float32],
    model: Model,
    *,
    settings: SegmentSettings,
    tell: Callable[[str], None] = lambda text: None,
) -> Prediction:
    """Predict an image of `prepare_image`, at the scale that is wanted.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1].
        model: a loaded model. The probabilities of a method without learning are 0 and 1.
        settings: scale (1 where it is left open) and, for a network, tiles, test-time augmentation
            and device.
        tell: called with what the user should know, such as tiles made smaller for memory.

    Returns:
        Maps of the image's own height and width.

    Raises:
        SettingsError: settings that the model cannot follow.

    Example:
        >>> import coverslip, numpy
        >>> model = coverslip.load_model("phase")
        >>> image = coverslip.prepare_image(numpy.random.default_rng(0).random((64, 80)), model)
        >>> settings = coverslip.SegmentSettings(predict=coverslip.PredictSettings(tta="none"))
        >>> coverslip.predict_prepared(image, model, settings=settings).probs.shape[-2:]
        (64, 80)
    """
    check_model(model, settings)
    shape = image.shape[:2]
    height, width = (max(1, round((settings.scale or 1.0) * length)) for length in shape)
    scaled = resize_image(image, (height, width))
    if isinstance(model, Method):
        prediction = Prediction(probs=model.mask(scaled)[None].astype(np.float32), spread=None)
    else:
        prepared = normalise(scaled, model.preprocess)
        prediction = predict(model.network, prepared, settings=settings.predict, tell=tell)
    if shape == (height, width):
        return prediction
    spread = prediction.spread
    return Prediction(
        probs=resize_maps(prediction.probs, shape),
        spread=None if spread is None else resize_maps(spread, shape),
    )


def resize_maps(maps: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """(K, h, w) → (K, H, W)."""
    return np.stack([resize_image(one, shape) for one in maps])
