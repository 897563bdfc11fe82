"""image + model → labelled cells and their table: the instance segmentation of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from coverslip.pipeline.frame import hold_array
from coverslip.pipeline.infer import predict_prepared, probs_to_labels
from coverslip.pipeline.region import Margins, find_in_region, measure_region, pack_region
from coverslip.pipeline.region_rows import bands_of_rows
from coverslip.pipeline.scale import resolve_settings
from coverslip.pipeline.settings import usual_settings
from coverslip.pipeline.stitch import RegionLabels, stitch_regions
from coverslip.pipeline.store import HeldRegions
from coverslip.regions import whole_region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.predict import Prediction


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
    on_message: Callable[[str], None] = lambda text: None,
) -> Segmentation:
    """Find the cells in one image.

    Args:
        image: (H, W) grey or (H, W, 3) colour, any number type, any size.
        model: a loaded model: a network's checkpoint, or a method without learning.
        settings: thresholds, tiles, test-time augmentation and device; None: `usual_settings`.
        pixel_size_um: height and width of a pixel, for a table in micrometres.
        channels: where to measure how bright the cells are, as for `measure`; None: in the image.
        on_message: called with what the user should know, such as smaller tiles for want of memory.

    Raises:
        SettingsError: a setting that makes no sense to this model, or a device that is not there.
        ValueError: an image of another shape, or without a finite pixel.

    Example:
        >>> import coverslip
        >>> from coverslip.models import MODELS
        >>> import numpy as np
        >>> image = np.zeros((64, 64), np.uint8)
        >>> found = coverslip.segment(image, coverslip.load_model("nuclei"))
        >>> int(found.labels.max()), len(found.cells)
        (0, 0)
    """
    frame = hold_array(image, model, channels=channels)
    region = whole_region(frame.shape)
    settings = resolve_settings(settings or usual_settings(model), frame.stretched, model)
    found = find_in_region(
        frame,
        region,
        model=model,
        settings=settings,
        margins=Margins(first=1, most=1),
        on_message=on_message,
    )
    rows = measure_region(frame, found, model=model, settings=settings, pixel_size_um=pixel_size_um)
    labels = RegionLabels([region], HeldRegions({0: pack_region(found, region, rows)}))
    cells = stitch_regions(
        labels, min_area_px=settings.min_area_px or 0, drop_border=settings.drop_border
    )
    (table,) = bands_of_rows(labels, cells, pixel_size_um=pixel_size_um)
    return Segmentation(
        labels=labels.final(region.core, cells.numbers),
        probs=found.probs,
        spread=found.spread,
        cells=table,
        confluence=cells.confluence,
    )


class Found(NamedTuple):
    """What a model finds in a prepared image."""

    labels: NDArray[np.uint32]  # (H, W)
    prediction: Prediction
    settings: SegmentSettings  # with nothing left open


def labels_of(image: NDArray[np.float32], model: Model, *, settings: SegmentSettings) -> Found:
    """Find the cells in an image of `prepare_image`, at the scale that its cells ask for.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1].
        model: a loaded model.
        settings: what is wanted; what is left open is settled by the image.

    Raises:
        SettingsError: settings that the model cannot follow.
    """
    settings = resolve_settings(settings, image, model)
    prediction = predict_prepared(image, model, settings=settings)
    labels = probs_to_labels(prediction.probs, model.maps, settings=settings)
    return Found(labels, prediction, settings)
