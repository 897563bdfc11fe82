"""integers → whether they are a photograph's grey values, and not the numbers of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CLASSES = 32  # fewer numbers may be kinds of tissue, each of which lies in many places
MANY_PIECES = 8  # a cell that was cut by others, or badly resized, has two or three
PIECE_PX = 16  # smaller pieces are specks and no cells
SHARE = 0.25  # of a cell's pixels lie in its largest piece, at the least
SMALLEST_PX = 4096  # in a smaller picture chance might do it


def is_photograph(labels: NDArray[Any]) -> bool:
    """Tell the grey values of a photograph from the numbers of cells.

    A grey value lies all over a photograph, in specks of a few pixels; where there are nearly as
    many values as pixels, there are nearly as many specks. A cell lies in one place, and however
    crowded, cut or ragged, its largest piece is most of it. In doubt they are cells.

    Args:
        labels: (..., H, W) integers from 0 on. Of several frames, the first with a number counts.
    """
    frames = labels.reshape(-1, *labels.shape[-2:]) if labels.size else labels[None][:0]
    frame = next((frame for frame in frames if frame.any()), None)
    if frame is None or frame.size < SMALLEST_PX or _count(frame) <= MOST_CLASSES:
        return False
    from skimage.measure import label  # its import takes longer than all of the above

    pieces, n_pieces = label(  # type: ignore[no-untyped-call]
        frame, connectivity=2, background=0, return_num=True
    )
    areas = np.bincount(pieces.ravel())[1:]
    if np.median(areas) >= PIECE_PX:
        return False
    value = np.zeros(n_pieces + 1, dtype=frame.dtype)
    value[pieces.ravel()] = frame.ravel()
    _, of, n_each = np.unique(value[1:], return_inverse=True, return_counts=True)
    largest = np.zeros(len(n_each), dtype=areas.dtype)
    np.maximum.at(largest, of, areas)
    share = np.median(largest / np.bincount(of, weights=areas))
    is_scattered = np.median(n_each) > MANY_PIECES and share < SHARE
    return bool(is_scattered or n_pieces > frame.size / 4)


def _count(frame: NDArray[Any]) -> int:
    values = np.unique(frame)
    return int(np.count_nonzero(values))
