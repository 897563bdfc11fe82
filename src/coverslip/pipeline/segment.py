"""image + model → labelled cells and their table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.cells import check_limits, mask_to_labels, probs_to_mask
from coverslip.errors import SettingsError
from coverslip.images import normalise, resize_image, stretch
from coverslip.measure import measure
from coverslip.predict import Prediction, PredictSettings, predict

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.checkpoint import Checkpoint


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of a segmentation, together with its image and model.

    Raises:
        SettingsError: a value that cannot be, with what can.
    """

    threshold: float = 0.5  # a pixel is cell where its probability is above this
    min_area_px: int = 16  # smaller pieces are specks, not cells, at any magnification
    fill_holes: bool = False  # a ring of cells may be a ring
    scale: float = 1.0  # predict at this share of the image's size, where cells are unusually large
    predict: PredictSettings = field(default_factory=PredictSettings)

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        check_limits(threshold=self.threshold, min_area_px=self.min_area_px)
        if not 0.05 <= self.scale <= 20:
            raise SettingsError(
                f"the scale is {self.scale}; wanted 0.05 to 20, such as 0.5 for an image whose "
                "cells are twice as large as those the model knows."
            )


@dataclass(frozen=True)
class Segmentation:
    """What was found in one image.

    Attributes:
        labels: (H, W) uint32, 0 is background, cells are 1 to n.
        probs: (H, W) float32 in [0, 1], how likely each pixel is cell.
        spread: (H, W) float32, standard deviation of `probs` over the symmetries, the uncertainty;
            None without test-time augmentation.
        cells: one row per cell; the columns are those of `coverslip.measure.COLUMNS`.
    """

    labels: NDArray[np.uint32]
    probs: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    cells: pd.DataFrame


def segment(
    image: NDArray[Any],
    model: Checkpoint,
    *,
    settings: SegmentSettings | None = None,
    pixel_size_um: tuple[float, float] | None = None,
) -> Segmentation:
    """Find the cells in one image.

    Args:
        image: (H, W) grey or (H, W, 3) colour, any number type, any size.
        model: a loaded checkpoint.
        settings: thresholds, tiles, test-time augmentation and device; None: the usual ones, with
            the model's own threshold.
        pixel_size_um: height and width of a pixel, for a table in micrometres.

    Raises:
        SettingsError: a setting that makes no sense, or a device that is not there.
        ValueError: an image of another shape, or without a finite pixel.
    """
    settings = settings or SegmentSettings(threshold=model.threshold)
    how = model.preprocess
    stretched = stretch(
        image, low_percentile=how.low_percentile, high_percentile=how.high_percentile
    )
    prediction = predict_stretched(stretched, model, settings=settings)
    probs = prediction.probs[0]
    labels = mask_to_labels(settings_to_mask(probs, settings))
    return Segmentation(
        labels=labels,
        probs=probs,
        spread=None if prediction.spread is None else prediction.spread[0],
        cells=measure(labels, image, pixel_size_um=pixel_size_um),
    )


def predict_stretched(
    image: NDArray[np.float32], model: Checkpoint, *, settings: SegmentSettings
) -> Prediction:
    """Predict an image that is stretched to [0, 1] already, at the scale that is wanted.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1].
        model: a loaded checkpoint.
        settings: scale, tiles, test-time augmentation and device.

    Returns:
        Maps of the image's own height and width.
    """
    shape = image.shape[:2]
    height, width = (max(1, round(settings.scale * length)) for length in shape)
    prepared = normalise(resize_image(image, (height, width)), model.preprocess)
    prediction = predict(model.network, prepared, settings=settings.predict)
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


def settings_to_mask(probs: NDArray[np.float32], settings: SegmentSettings) -> NDArray[np.bool_]:
    """Probabilities (H, W) → mask (H, W), by the settings' threshold, area and holes."""
    return probs_to_mask(
        probs,
        threshold=settings.threshold,
        min_area_px=settings.min_area_px,
        fill_holes=settings.fill_holes,
    )
