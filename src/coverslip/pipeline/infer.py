"""image + model, whether learnt or not → probabilities → labels: the one door of both kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.checkpoints import Checkpoint, Method
from coverslip.errors import SettingsError
from coverslip.inference import Prediction
from coverslip.pipeline.settings import scale_of, threshold_of
from coverslip.preprocessing import (
    image_range,
    normalise,
    replace_nonfinite,
    resize_image,
    stretch_between,
    to_grey,
)
from coverslip.segmentation import (
    NOWHERE,
    at_the_edge,
    drop_cells,
    edge_distance,
    fill_cells,
    mask_to_labels,
    probs_to_mask,
    separate_part,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.segmentation import Sides
    from coverslip.value_range import ValueRange

Model = Checkpoint | Method


def check_model(model: Model, settings: SegmentSettings) -> None:
    """Find what would stop every prediction, which a caller may want before a long work.

    Raises:
        SettingsError: for a network, a device that is not there or tiles too small for it; for a
            method without learning, views to average or a threshold, of which it has none.

    Example:
        >>> import coverslip
        >>> from coverslip.pipeline import check_model
        >>> check_model(coverslip.load_model("nuclei"), coverslip.SegmentSettings())
    """
    if isinstance(model, Checkpoint):
        model.settle(settings.predict)
        return
    if settings.predict.tta != "none":
        raise SettingsError(
            f"{model.name} is a method without learning, and test-time augmentation is for "
            f"networks: leave --tta {settings.predict.tta} out."
        )
    if settings.threshold not in (None, model.threshold):
        raise SettingsError(
            f"{model.name} is a method without learning and gives a mask, not probabilities: "
            f"leave --threshold {settings.threshold} out, and set its own settings by --argument."
        )


def network_of(model: Model) -> Checkpoint:
    """The model, where it must be a network.

    Raises:
        TypeError: it is a method without learning, which a caller should have refused.
    """
    if isinstance(model, Checkpoint):
        return model
    raise TypeError(f"{model.name} is a method without learning, and a network is needed")


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
    return prepare_in_range(image, model)[0]


def prepare_in_range(
    image: NDArray[Any], model: Model
) -> tuple[NDArray[np.float32], ValueRange | None]:
    """The same, and the range of values that became 0 to 1; None: that of the image's type."""
    if isinstance(model, Method):
        return to_grey(image), None
    how = model.preprocess
    finite, _ = replace_nonfinite(image)
    found = image_range(
        finite, low_percentile=how.low_percentile, high_percentile=how.high_percentile
    )
    return stretch_between(finite, found.low, found.high), found


def predict_prepared(
    image: NDArray[np.float32],
    model: Model,
    *,
    settings: SegmentSettings,
    on_message: Callable[[str], None] = lambda text: None,
) -> Prediction:
    """Predict an image of `prepare_image`, at the scale that is wanted.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1].
        model: a loaded model. The probabilities of a method without learning are 0 and 1.
        settings: scale (1 where it is left open) and, for a network, tiles, test-time augmentation
            and device.
        on_message: called with what the user should know, such as tiles made smaller for memory.

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
    shape = (image.shape[0], image.shape[1])
    scaled = resize_image(image, scaled_shape(shape, scale_of(settings)))
    if isinstance(model, Method):
        check_model(model, settings)
        prediction = Prediction(probs=model.mask(scaled)[None].astype(np.float32), spread=None)
    else:
        predictor = model.predictor(settings.predict)
        prepared = normalise(scaled, model.preprocess)
        prediction = predictor.predict(prepared, on_message=on_message)
    if shape == scaled.shape[:2]:
        return prediction
    spread = prediction.spread
    return Prediction(
        probs=resize_maps(prediction.probs, shape),
        spread=None if spread is None else resize_maps(spread, shape),
    )


def scaled_shape(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    """The height and width at which an image is predicted."""
    height, width = (max(1, round(scale * length)) for length in shape)
    return height, width


def resize_maps(maps: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize maps (K, h, w) to (K, *shape), with linear interpolation.

    Example:
        >>> import numpy as np
        >>> from coverslip.pipeline import resize_maps
        >>> resize_maps(np.ones((2, 4, 4), np.float32), (8, 6)).shape
        (2, 8, 6)
    """
    return np.stack([resize_image(one, shape) for one in maps])


def probs_to_labels(
    probs: NDArray[np.float32], maps: Sequence[str], *, settings: SegmentSettings
) -> NDArray[np.uint32]:
    """Turn what a model says into cells.

    Args:
        probs: (K, H, W) in [0, 1].
        maps: what they are of, the mask first; further ones than are named are passed over.
        settings: threshold, and what counts as a cell; without a least area all pieces do.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order.

    Example:
        >>> import coverslip, numpy as np
        >>> from coverslip.pipeline import probs_to_labels
        >>> probs = np.zeros((1, 30, 30), np.float32)
        >>> probs[0, 5:15, 5:15] = 0.9
        >>> probs[0, 20:25, 20:25] = 0.6
        >>> settings = coverslip.SegmentSettings(threshold=0.5, min_area_px=0)
        >>> int(probs_to_labels(probs, ["mask"], settings=settings).max())
        2
    """
    labels, _ = probs_to_parts(probs, maps, settings=settings)
    return drop_cells(
        labels, min_area_px=settings.min_area_px or 0, touching_border=settings.drop_border
    )


def probs_to_parts(
    probs: NDArray[np.float32],
    maps: Sequence[str],
    *,
    settings: SegmentSettings,
    open_sides: Sides = NOWHERE,
) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """The same for what may be a window of a larger image, before any cell is dropped.

    Args:
        probs: (K, H, W) in [0, 1].
        maps: as for `probs_to_labels`.
        settings: as for `probs_to_labels`.
        open_sides: at which sides the image goes on.

    Returns:
        (H, W) uint32; and (H, W) bool, where the labels are not sure, since the image goes on.
    """
    mask = probs_to_mask(probs[0], threshold=threshold_of(settings))
    if settings.separate:
        labels, edge = separate_part(mask, dict(zip(maps, probs, strict=False)), beyond=open_sides)
    else:
        distance = edge_distance(mask.shape, open_sides)
        labels, edge = mask_to_labels(mask & (distance > 0)), at_the_edge(distance)
    return fill_cells(labels) if settings.fill_holes else labels, edge
