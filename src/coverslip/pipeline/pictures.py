"""pixels and labels of a frame → its overlay, and what the report shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.figures import draw_outlines, to_picture
from coverslip.file_measurements import channel_names
from coverslip.io import write_bytes, write_image, write_labels
from coverslip.pipeline.page_tiles import page_channels
from coverslip.pipeline.store import HeldRegions
from coverslip.report import PictureChannels, encode_picture, pick_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.pipeline.frame import HeldFrame
    from coverslip.pipeline.plan import FramePlan
    from coverslip.pipeline.stitch import RegionLabels, Stitched

# Longer side of the pictures for the page, which reduces them further where it has many.
PAGE_SIDE_PX = 1280
# What is drawn on the page at most; beyond, outlines are dots, and the page too long to be mailed.
MAX_OUTLINES = 20_000


def write_frame_pictures(
    plan: FramePlan, frame: HeldFrame, arrays: dict[str, NDArray[Any]]
) -> None:
    """Write a held frame's overlay and, if the page shows the frame, the picture beneath it."""
    found, cells = plan.stitch(HeldRegions({0: arrays}))
    labels = found.final(plan.regions[0].core, cells.numbers)
    write_pictures(plan, frame.pixels, labels, stained=stained_picture(plan, frame))


def stained_picture(
    plan: FramePlan, frame: HeldFrame
) -> tuple[NDArray[np.uint8], PictureChannels] | None:
    """Up to three channels of a frame as one picture, what is segmented first; None of one channel.

    Each is stretched by itself, as the page shows it.
    """
    if not isinstance(frame.measured, Mapping) or len(frame.measured) < 2:
        return None
    names = channel_names(plan.file.apart or plan.file)
    ranked = [names[n] for n in page_channels(plan.file, plan.job)]
    shown = [name for name in ranked if name in frame.measured]
    picture = np.zeros((*frame.shape, 3), np.uint8)
    for place, name in enumerate(shown):
        picture[..., place] = to_picture(frame.measured[name])[..., 0]
    n_shown = min(max(1, len(plan.file.together)), len(shown))
    return picture, PictureChannels(tuple(shown), n_shown)


def write_pictures(
    plan: FramePlan,
    picture: NDArray[Any],
    labels: NDArray[np.uint32],
    *,
    stained: tuple[NDArray[np.uint8], PictureChannels] | None = None,
) -> None:
    """Write the overlay of a picture and, if the page shows the frame, the picture itself.

    Args:
        plan: of the frame.
        picture: what was segmented.
        labels: its cells.
        stained: for the page, with the other channels; None: there is one.
    """
    target, frame, n_frames = plan.opened.target, plan.index, plan.file.n_frames
    shown = to_picture(picture)
    write_image(target.overlay(frame, n_frames), draw_outlines(shown, labels))
    if frame in pick_frames(n_frames):
        for_page, channels = stained or (shown, None)
        small = encode_picture(for_page, side_px=PAGE_SIDE_PX, channels=channels)
        write_bytes(target.thumbnail(frame), small)


@dataclass(frozen=True)
class Overview:
    """A large frame as a picture.

    Attributes:
        picture: (h, w) or (h, w, 3) float32, in the image's own values.
        labels: (h, w) uint32, the cell in the middle of each of its pixels.
    """

    picture: NDArray[np.float32]
    labels: NDArray[np.uint32]


def make_overview(found: RegionLabels, cells: Stitched, *, reduce: int) -> Overview:
    """Put the reduced pictures of the regions together, and the labels beneath them."""
    height, width = (-(-length // reduce) for length in found.shape)
    labels = np.zeros((height, width), dtype=np.uint32)
    picture = np.zeros((height, width), dtype=np.float32)
    for region in found.regions:
        part = found.store.get(region, "picture")["picture"]
        if region.number == 0:  # colour or not
            picture = np.zeros((height, width, *part.shape[2:]), dtype=np.float32)
        rows, columns = (slice(p.start // reduce, -(-p.stop // reduce)) for p in region.core)
        picture[rows, columns] = part
        middles = found.final(region.core, cells.numbers)
        across = _middles(middles.shape[1], reduce)
        labels[rows, columns] = middles[_middles(middles.shape[0], reduce)[:, None], across]
    return Overview(picture, labels)


def _middles(length: int, reduce: int) -> NDArray[np.int64]:
    """The middle of each stretch of so many pixels."""
    starts = np.arange(0, length, reduce)
    middles: NDArray[np.int64] = (starts + np.minimum(starts + reduce, length)) // 2
    return np.minimum(middles, length - 1)


def write_overview(overview: Overview, plan: FramePlan, *, n_cells: int) -> None:
    """Write the overlay of a large frame, smaller than the frame, and what the page shows of it."""
    write_pictures(plan, overview.picture, overview.labels)
    if plan.index in pick_frames(plan.file.n_frames) and n_cells <= MAX_OUTLINES:
        write_labels(
            plan.opened.target.small_labels(plan.index),
            iter([overview.labels]),
            shape=overview.labels.shape,
            axes="YX",
        )
