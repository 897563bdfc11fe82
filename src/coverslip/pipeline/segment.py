"""image + model → labelled cells and their table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coverslip.cells import mask_to_labels, probs_to_mask
from coverslip.images import preprocess
from coverslip.measure import measure
from coverslip.predict import PredictSettings, predict

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.checkpoint import Checkpoint


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of a segmentation, together with its image and model."""

    threshold: float = 0.5  # a pixel is cell where its probability is above this
    min_area_px: int = 16  # smaller pieces are specks, not cells, at any magnification
    fill_holes: bool = False  # a ring of cells may be a ring
    predict: PredictSettings = field(default_factory=PredictSettings)


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
        settings: thresholds, tiles, test-time augmentation and device.
        pixel_size_um: height and width of a pixel, for a table in micrometres.

    Raises:
        SettingsError: a setting that makes no sense, or a device that is not there.
        ValueError: an image of another shape, or without a finite pixel.
    """
    settings = settings or SegmentSettings()
    prepared = preprocess(image, model.preprocess)
    prediction = predict(model.network, prepared, settings=settings.predict)
    mask = probs_to_mask(
        prediction.probs[0],
        threshold=settings.threshold,
        min_area_px=settings.min_area_px,
        fill_holes=settings.fill_holes,
    )
    labels = mask_to_labels(mask)
    return Segmentation(
        labels=labels,
        probs=prediction.probs[0],
        spread=None if prediction.spread is None else prediction.spread[0],
        cells=measure(labels, image, pixel_size_um=pixel_size_um),
    )
