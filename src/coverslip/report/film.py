"""outlines and images of a time-lapse → frames small enough for a page that plays them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.report.html import data_url
from coverslip.report.images import pick_frames
from coverslip.report.pictures import encode_picture, fit_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ring = NDArray[np.integer[Any]]

# All outlines of a page take about so many bytes at most, and all pictures.
MOST_OUTLINE_BYTES = 12_000_000
MOST_PICTURE_BYTES = 8_000_000
# Of a film with more cells, summed over its frames, or with more frames, not every frame is shown.
MOST_CELLS = 150_000
MOST_FRAMES = 1000
PICTURE_SIDE_PX = 900
POINTS = (6, 60)


def choose_frames(counts: Sequence[int]) -> list[int]:
    """Choose the frames that a page plays: all, or evenly spread ones of a large film.

    Args:
        counts: Cells in each frame.
    """
    total = int(np.sum(counts))
    most = min(MOST_FRAMES, len(counts))
    if total > MOST_CELLS:
        most = min(most, max(2, int(len(counts) * MOST_CELLS / total)))
    return list(pick_frames(len(counts), most=most))


def most_points(n_cells: int) -> int:
    """How many corners an outline may have, so that those of `n_cells` fit into the page."""
    bytes_each = 0.75 * MOST_OUTLINE_BYTES / max(n_cells, 1)
    return int(np.clip((bytes_each - 6) / 2, *POINTS))


def encode_outlines(cells: Mapping[int, Sequence[Ring]], *, points: int) -> str:
    """Write the outlines of a frame's cells in few bytes.

    Of each cell, ascending: its number less the last one's, the number of its rings; of each ring
    the number of its corners, and each corner's y and x less those of the corner before, in half
    pixels. Numbers below 0 are written between those above (0, -1, 1, -2 …), seven bits a byte,
    the low ones first; the high bit says that more follow. Then base64.

    Args:
        cells: By the number of each cell's track its rings: (n, 2) integers, y and x of the corners
            on the edges of pixels, without the first again at the end.
        points: Corners of an outline at most; the outline of a larger cell is made coarser.
    """
    numbers: list[NDArray[Any]] = []
    last_label, last = 0, np.zeros((1, 2), dtype=np.int64)
    for label, rings in sorted(cells.items()):
        numbers.append(np.array([label - last_label, len(rings)]))
        last_label = label
        for ring in rings:
            corners = smooth_ring(ring, points=points)
            steps = np.diff(corners, axis=0, prepend=last)
            numbers += [np.array([len(corners)]), steps.ravel()]
            last = corners[-1:]
    if not numbers:
        return ""
    return base64.b64encode(_to_bytes(np.concatenate(numbers))).decode("ascii")


def smooth_ring(ring: NDArray[np.integer[Any]], *, points: int) -> NDArray[np.int64]:
    """Walk from the middle of each pixel's edge to the next, in (n, 2) half pixels.

    Staircases become slopes; of more than `points` corners, evenly spread ones stay.
    """
    after = np.roll(ring, -1, axis=0).astype(np.int64)
    steps = after - ring
    length = np.abs(steps).sum(axis=1)
    start = np.repeat(np.cumsum(length) - length, length)
    along = np.arange(length.sum()) - start
    heading = np.repeat(np.sign(steps), length, axis=0)
    middles: NDArray[np.int64] = 2 * (np.repeat(ring, length, axis=0) + heading * along[:, None])
    middles = middles + heading
    if len(middles) > points:
        middles = middles[:: -(-len(middles) // points)]
    turns = np.roll(middles, -1, axis=0) - middles
    straight = (turns == np.roll(turns, 1, axis=0)).all(axis=1)
    return middles[~straight] if (~straight).sum() > 2 else middles


def _to_bytes(numbers: NDArray[np.int64]) -> bytes:
    folded = np.where(numbers < 0, -2 * numbers - 1, 2 * numbers).astype(np.uint64)
    digits = np.stack([(folded >> np.uint64(7 * n)) & np.uint64(127) for n in range(5)], axis=1)
    follow = np.stack([folded >> np.uint64(7 * (n + 1)) > 0 for n in range(5)], axis=1)
    is_there = np.concatenate([np.ones((len(folded), 1), dtype=bool), follow[:, :-1]], axis=1)
    written: NDArray[np.uint8] = (digits + 128 * follow).astype(np.uint8)[is_there]
    return written.tobytes()


def picture_uri(picture: NDArray[np.uint8], *, n_pictures: int) -> str:
    """Make the picture of a frame a JPEG in a link, so small that all of a film fit into a page."""
    file = encode_picture(picture, side_px=PICTURE_SIDE_PX)
    file = fit_picture(file, most_bytes=MOST_PICTURE_BYTES * 3 // 4 // max(n_pictures, 1))
    return data_url(file, "image/jpeg")
