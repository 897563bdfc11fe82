"""a part of an image + model → its cells at several thresholds and cell sizes, side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from coverslip.errors import SettingsError
from coverslip.figures import overlay
from coverslip.io import Reading, find_channel, open_frame
from coverslip.pipeline.frame import hold_array
from coverslip.pipeline.infer import network_of, predict_prepared, probs_to_labels
from coverslip.pipeline.scale import find_scale
from coverslip.pipeline.settings import (
    LEAST_SCALE,
    MOST_SCALE,
    SegmentSettings,
    least_area,
    own_settings,
    scale_of,
    threshold_of,
)
from coverslip.pipeline.sureness import fit_score, sum_sureness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from coverslip.io import ImageFile
    from coverslip.pipeline.infer import Model

PART_PX = 512  # side of the part of an image that is looked at
THRESHOLDS = (0.2, 0.35, 0.5, 0.65, 0.8)
STEPS = (0.5, 2**-0.5, 1.0, 2**0.5, 2.0)  # times the cell size that is found, or given


class Tried(NamedTuple):
    """What one threshold and one scale make of the part of an image."""

    threshold: float
    scale: float
    cell_size_px: float | None  # in pixels of the image; None: the model knows no size
    n_cells: int
    confluence: float
    picture: NDArray[np.uint8]  # (h, w, 3), the cells outlined
    is_own: bool  # whether it is what `segment` does by itself


class Tuning(NamedTuple):
    """All that was tried.

    Attributes:
        rows: by cell size, the smallest first; in each by threshold.
        fits: the score of fit at each size.
        part: rows and columns of the image that were looked at.
        shape: height and width of the image.
    """

    rows: list[list[Tried]]
    fits: list[float]
    part: tuple[slice, slice]
    shape: tuple[int, int]


def tune_frame(
    file: ImageFile,
    model: Model,
    *,
    frame: int = 0,
    reading: Reading | None = None,
    settings: SegmentSettings | None = None,
) -> Tuning:
    """Find the cells of the middle of a frame at each of some thresholds and cell sizes.

    Args:
        file: an opened image file.
        model: a loaded network.
        frame: of the file.
        reading: which channel is meant; None: the first.
        settings: device and backend; the scale, in place of that which is found.

    Raises:
        FileError: the frame cannot be read.
        SettingsError: a frame that is not there.
    """
    network_of(model)
    if not 0 <= frame < file.n_frames:
        raise SettingsError(f"--frame {frame}: {file.path} has frames 0 to {file.n_frames - 1}.")
    own = own_settings(settings, model)
    with open_frame(file, frame, channel=find_channel(file, reading or Reading())) as reader:
        part = middle_part(reader.shape)
        held = hold_array(reader.read(*part), model)
    found = find_scale([held.stretched], model, settings=own) if own.scale == "auto" else None
    scale = scale_of(own) if found is None else found
    rows, fits = [], []
    for step in STEPS:
        settings_here = replace(own, scale=min(max(scale / step, LEAST_SCALE), MOST_SCALE))
        probs = predict_prepared(held.stretched, model, settings=settings_here).probs
        fits.append(fit_score(sum_sureness(probs[0])))
        rows.append(try_thresholds(held.pixels, probs, model, settings=settings_here))
        if step == 1:
            rows[-1] = [one._replace(is_own=one.threshold == own.threshold) for one in rows[-1]]
    return Tuning(rows, fits, part, file.frame_shape)


def try_thresholds(
    image: NDArray[Any], probs: NDArray[np.float32], model: Model, *, settings: SegmentSettings
) -> list[Tried]:
    """The cells at each threshold, the model's own among them, of one prediction."""
    thresholds = sorted({*THRESHOLDS, threshold_of(settings)})
    scale, found = scale_of(settings), []
    for threshold in thresholds:
        here = replace(settings, threshold=threshold, min_area_px=least_area(settings, model))
        labels = probs_to_labels(probs, model.maps, settings=here)
        found.append(
            Tried(
                threshold,
                scale,
                model.cell_size_px / scale if model.cell_size_px else None,
                int(labels.max()),
                float((labels > 0).mean()),
                overlay(image, labels),
                is_own=False,
            )
        )
    return found


def middle_part(shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns in the middle of a frame that are looked at: all of a small one."""
    rows, columns = (
        slice(max(0, (length - PART_PX) // 2), min(length, (length + PART_PX) // 2))
        for length in shape
    )
    return rows, columns
