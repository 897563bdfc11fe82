"""image + model → labelled cells and their table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coverslip.cells import drop_cells
from coverslip.checkpoint import Checkpoint
from coverslip.measure import confluence, measure
from coverslip.pipeline.label import probs_to_labels
from coverslip.pipeline.model import predict_prepared, prepare_image
from coverslip.pipeline.settings import usual_settings
from coverslip.pipeline.size import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.pipeline.model import Model
    from coverslip.pipeline.settings import SegmentSettings


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
    tell: Callable[[str], None] = lambda text: None,
) -> Segmentation:
    """Find the cells in one image.

    Args:
        image: (H, W) grey or (H, W, 3) colour, any number type, any size.
        model: a loaded model: a network's checkpoint, or a method without learning.
        settings: thresholds, tiles, test-time augmentation and device; None: `usual_settings`.
        pixel_size_um: height and width of a pixel, for a table in micrometres.
        channels: where to measure how bright the cells are, as for `measure`; None: in the image.
        tell: called with what the user should know, such as tiles made smaller for memory.

    Raises:
        SettingsError: a setting that makes no sense to this model, or a device that is not there.
        ValueError: an image of another shape, or without a finite pixel.
    """
    prepared = prepare_image(image, model)
    settings = settle(settings or usual_settings(model), prepared, model)
    prediction = predict_prepared(prepared, model, settings=settings, tell=tell)
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
