"""image + model → labelled cells and their table: the instance segmentation of one image."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from coverslip.checkpoints import Checkpoint, load_model
from coverslip.errors import FileError
from coverslip.figures import overlay
from coverslip.io import open_image, read_frame
from coverslip.pipeline.choose import AUTO, choose_for_array
from coverslip.pipeline.frame import hold_array
from coverslip.pipeline.infer import check_model, predict_prepared, probs_to_labels
from coverslip.pipeline.region import Margins, find_in_region, measure_region, pack_region
from coverslip.pipeline.region_rows import bands_of_rows
from coverslip.pipeline.scale import resolve_settings
from coverslip.pipeline.settings import SegmentSettings, own_settings, scale_for_size
from coverslip.pipeline.stitch import RegionLabels, stitch_regions
from coverslip.pipeline.store import HeldRegions
from coverslip.pipeline.sureness import fit_score, sum_sureness
from coverslip.tiling import whole_region

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.inference import Prediction
    from coverslip.pipeline.infer import Model


@dataclass(frozen=True, repr=False)
class Segmentation:
    """What was found in one image.

    Attributes:
        labels: (H, W) uint32, 0 is background, cells are 1 to n.
        probs: (H, W) float32 in [0, 1], how likely each pixel is cell.
        spread: (H, W) float32, standard deviation of `probs` over the symmetries, the uncertainty;
            None without test-time augmentation.
        cells: one row per cell; the columns are those of `coverslip.measurements.COLUMNS`.
        confluence: share of the image covered by cells, 0 to 1, those at the image's edge included
            even if `drop_border` leaves them out of `labels` and `cells`.
        image: (H, W) or (H, W, 3), what was segmented.
        fit: how well the model fits the image, 0 to 1: about the share of what it calls cell that
            is right; NaN where it calls nothing so, and of a method without learning.

    Example:
        >>> import coverslip
        >>> found = coverslip.segment("examples/nuclei/stained_tissue.png", "nuclei")
        >>> len(found.cells) == int(found.labels.max()), 0 < found.confluence < 1
        (True, True)
    """

    labels: NDArray[np.uint32]
    probs: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    cells: pd.DataFrame
    confluence: float
    image: NDArray[Any]
    fit: float = float("nan")

    def __repr__(self) -> str:
        """How much was found, in a line."""
        height, width = self.labels.shape
        return (
            f"<Segmentation: {len(self.cells)} cells in {height} × {width} px, "
            f"confluence {self.confluence:.1%}>"
        )

    def show(self) -> Image.Image:
        """The image with the outlines of its cells, as a picture that a notebook draws."""
        return Image.fromarray(overlay(self.image, self.labels))

    def _repr_png_(self) -> bytes:
        """What a notebook draws where a segmentation is the last line of a cell."""
        buffer = io.BytesIO()
        self.show().save(buffer, format="PNG")
        return buffer.getvalue()


def segment(
    image: Any,
    model: Model | str,
    *,
    settings: SegmentSettings | None = None,
    threshold: float | None = None,
    cell_size: float | str | None = None,
    tta: str | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    channels: NDArray[Any] | Mapping[str, NDArray[Any]] | None = None,
    on_message: Callable[[str], None] = lambda text: None,
) -> Segmentation:
    """Find the cells in one image.

    Args:
        image: an array (H, W) grey or (H, W, 3) colour of any number type; or a Pillow image, a
            tensor, a list of rows, or the path of a file with one frame.
        model: its name or path, or what `coverslip.load_model` gives: then the network is opened
            once for all images; "auto": the one that ships and fits the image best.
        settings: thresholds, tiles, test-time augmentation and device. What is not set is the
            model's own.
        threshold: in place of that of `settings`: a pixel is cell above this probability.
        cell_size: the cells' usual diameter in pixels, or "auto", in place of the settings' scale.
        tta: in place of that of `settings`: "none", "pair" (2 views), "paper" (5)
            or "d4" (8).
        pixel_size_um: height and width of a pixel, for a table in micrometres.
        channels: where to measure how bright the cells are, as for `measure`; None: in the image.
        on_message: called with what the user should know, such as smaller tiles for want of memory.

    Raises:
        SettingsError: a setting that makes no sense to this model, or a device that is not there.
        FileError: a path that cannot be read, or a file with several frames.
        ValueError: an image of another shape, or without a finite pixel.

    Example:
        >>> import coverslip
        >>> import numpy as np
        >>> coverslip.segment(np.zeros((64, 64), np.uint8), "nuclei")
        <Segmentation: 0 cells in 64 × 64 px, confluence 0.0%>
    """
    image = to_image(image)
    if isinstance(model, str):
        model = load_model(choose_for_array(image) if model == AUTO else model)
    frame = hold_array(image, model, channels=channels)
    for note in frame.notes:
        on_message(note)
    region = whole_region(frame.shape)
    wanted = choose_settings(settings, model, threshold=threshold, cell_size=cell_size, tta=tta)
    check_model(model, wanted)
    resolved = resolve_settings(wanted, frame.stretched, model)
    found = find_in_region(
        frame,
        region,
        model=model,
        settings=resolved,
        margins=Margins(first=1, most=1),
        on_message=on_message,
    )
    rows = measure_region(frame, found, model=model, settings=resolved, pixel_size_um=pixel_size_um)
    labels = RegionLabels([region], HeldRegions({0: pack_region(found, region, rows)}))
    cells = stitch_regions(
        labels, min_area_px=resolved.min_area_px or 0, drop_border=resolved.drop_border
    )
    (table,) = bands_of_rows(labels, cells, pixel_size_um=pixel_size_um)
    return Segmentation(
        labels=labels.final(region.core, cells.numbers),
        probs=found.probs,
        spread=found.spread,
        cells=table,
        confluence=cells.confluence,
        image=frame.pixels,
        fit=fit_score(sum_sureness(found.probs)) if isinstance(model, Checkpoint) else float("nan"),
    )


def choose_settings(
    settings: SegmentSettings | None,
    model: Model,
    *,
    threshold: float | None = None,
    cell_size: float | str | None = None,
    tta: str | None = None,
) -> SegmentSettings:
    """Put what is said apart in the place of what the settings say, and the model's own elsewhere.

    Raises:
        SettingsError: a value that cannot be.
    """
    wanted = settings or SegmentSettings()
    if threshold is not None:
        wanted = replace(wanted, threshold=threshold)
    if cell_size is not None:
        wanted = replace(wanted, scale=scale_for_size(model, cell_size))
    if tta is not None:
        wanted = replace(wanted, predict=replace(wanted.predict, tta=tta))
    return own_settings(wanted, model)


def to_image(image: Any) -> NDArray[Any]:
    """An array (H, W) or (H, W, 3) of whatever holds an image.

    Args:
        image: an array, a Pillow image, a tensor, a list of rows, or the path of a file.

    Raises:
        FileError: a path that cannot be read, or a file with several frames.
        ValueError: anything else, with what to do.
    """
    if isinstance(image, str | Path):
        file = open_image(Path(image))
        if file.n_frames > 1:
            raise FileError(
                f"{image}: has {file.n_frames} frames, and one is wanted: use segment_files, or "
                "read_frames and segment each."
            )
        return read_frame(file)
    if isinstance(image, Image.Image):
        image = image if image.mode in ("L", "RGB", "I;16", "I", "F") else image.convert("RGB")
    array = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    if array.dtype == object or not (array.ndim == 2 or array.shape[2:] == (3,)):
        raise ValueError(
            f"an image of shape {array.shape} and type {array.dtype}: wanted (H, W) or (H, W, 3). "
            "Of a stack or film give one frame at a time (image[0]); of channels first, "
            "(3, H, W), give image.transpose(1, 2, 0); of several channels the one to segment, "
            "and the others as channels=."
        )
    return array


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

    Example:
        >>> import coverslip
        >>> from coverslip.pipeline import labels_of
        >>> model = coverslip.load_model("nuclei")
        >>> image = coverslip.read_frame(coverslip.open_image("examples/nuclei/stained_tissue.png"))
        >>> prepared = coverslip.prepare_image(image, model)
        >>> found = labels_of(prepared, model, settings=coverslip.SegmentSettings(scale=0.5))
        >>> found.labels.shape == prepared.shape[:2]
        True
    """
    settings = resolve_settings(settings, image, model)
    prediction = predict_prepared(image, model, settings=settings)
    labels = probs_to_labels(prediction.probs, model.maps, settings=settings)
    return Found(labels, prediction, settings)
