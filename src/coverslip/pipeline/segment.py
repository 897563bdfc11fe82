"""image + model → labelled cells and their table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from coverslip.cells import (
    check_limits,
    drop_cells,
    fill_cells,
    mask_to_labels,
    probs_to_mask,
    separate,
)
from coverslip.checkpoint import Checkpoint
from coverslip.errors import SettingsError
from coverslip.measure import MeasureSettings, confluence, measure
from coverslip.pipeline.model import predict_prepared, prepare_image
from coverslip.predict import PredictSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.pipeline.model import Model

LEAST_SCALE, MOST_SCALE = 0.05, 20.0


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of a segmentation, together with its image and model.

    Raises:
        SettingsError: a value that cannot be, with what can.
    """

    threshold: float = 0.5  # a pixel is cell where its probability is above this
    separate: bool = True  # tell touching cells apart; else each connected piece is one cell
    min_area_px: int = 16  # smaller pieces are specks, not cells, at any magnification
    fill_holes: bool = False  # those that one cell alone surrounds
    drop_border: bool = False  # leave out cells at the image's edge, which may be cut off
    scale: float = 1.0  # predict at this share of the image's size, where cells are unusually large
    predict: PredictSettings = field(default_factory=PredictSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        check_limits(threshold=self.threshold, min_area_px=self.min_area_px)
        if not LEAST_SCALE <= self.scale <= MOST_SCALE:
            raise SettingsError(
                f"the scale is {self.scale}; wanted {LEAST_SCALE:g} to {MOST_SCALE:g}, such as 0.5 "
                "for an image whose cells are twice as large as those the model knows."
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
        confluence: share of the image covered by cells, 0 to 1, those at the image's edge included
            even if `drop_border` leaves them out of `labels` and `cells`.
    """

    labels: NDArray[np.uint32]
    probs: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    cells: pd.DataFrame
    confluence: float


def segment(
    image: NDArray[Any],
    model: Model,
    *,
    settings: SegmentSettings | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    channels: NDArray[Any] | Mapping[str, NDArray[Any]] | None = None,
) -> Segmentation:
    """Find the cells in one image.

    Args:
        image: (H, W) grey or (H, W, 3) colour, any number type, any size.
        model: a loaded model: a network's checkpoint, or a method without learning.
        settings: thresholds, tiles, test-time augmentation and device; None: the usual ones, with
            the model's own threshold and least area.
        pixel_size_um: height and width of a pixel, for a table in micrometres.
        channels: where to measure how bright the cells are, as for `measure`; None: in the image.

    Raises:
        SettingsError: a setting that makes no sense to this model, or a device that is not there.
        ValueError: an image of another shape, or without a finite pixel.
    """
    settings = settings or SegmentSettings(threshold=model.threshold, min_area_px=model.min_area_px)
    prediction = predict_prepared(prepare_image(image, model), model, settings=settings)
    probs = prediction.probs[0]
    spread = None if prediction.spread is None else prediction.spread[0]
    whole = replace(settings, drop_border=False)
    labels = probs_to_labels(prediction.probs, model.maps, settings=whole)
    covered = confluence(labels)
    if settings.drop_border:
        labels = drop_cells(labels, touching_border=True)
    return Segmentation(
        labels=labels,
        probs=probs,
        spread=spread,
        cells=measure(
            labels,
            image if channels is None else channels,
            pixel_size_um=pixel_size_um,
            # a method without learning is sure of everything
            probs=probs if isinstance(model, Checkpoint) else None,
            spread=spread,
            settings=settings.measure,
        ),
        confluence=covered,
    )


def probs_to_labels(
    probs: NDArray[np.float32], maps: Sequence[str], *, settings: SegmentSettings
) -> NDArray[np.uint32]:
    """Turn what a model says into cells.

    Args:
        probs: (K, H, W) in [0, 1].
        maps: what they are of, the mask first; further ones than are named are passed over.
        settings: threshold, and what counts as a cell.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order.
    """
    mask = probs_to_mask(probs[0], threshold=settings.threshold)
    if settings.separate:
        labels = separate(mask, dict(zip(maps, probs, strict=False)))
    else:
        labels = mask_to_labels(mask)
    if settings.fill_holes:
        labels = fill_cells(labels)
    return drop_cells(
        labels, min_area_px=settings.min_area_px, touching_border=settings.drop_border
    )
