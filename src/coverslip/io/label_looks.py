"""the numbers of a label file → the pieces they lie in; what only looks like labels is refused.

Photographs, masks with soft grey edges and labels that were resized with smoothing are known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from coverslip.errors import DataError
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Shares and sizes that tell cells from what is none; all were chosen on labels of many sources.
MOST_CLASSES = 32  # fewer numbers may be kinds of tissue, each of which lies in many places
MANY_PIECES = 8  # a cell that was cut by others, or badly resized, has two or three
PIECE_PX = 16  # smaller pieces are specks and no cells
SHARE = 0.25  # of a cell's pixels lie in its largest piece, at the least
SMALLEST_PX = 4096  # in a smaller picture chance might do it
RAMP = 0.25  # of the pixels at edges lie between their neighbours, where numbers were averaged
OVERSHOT = 0.2  # of the greatest number; sharp filters ring by less
PLATEAU = 0.5  # of a soft mask's pixels are of nearly its greatest value


class Counts(NamedTuple):
    """How often each number occurs.

    Attributes:
        numbers: All but 0, in order.
        areas: Of each, in px.
        n_zero: Pixels that are 0.
    """

    numbers: NDArray[Any]
    areas: NDArray[np.int64]
    n_zero: int

    def without(self, number: int) -> Counts:
        """One number made background."""
        kept = self.numbers != number
        return Counts(
            self.numbers[kept], self.areas[kept], self.n_zero + int(self.areas[~kept].sum())
        )


def count_numbers(labels: NDArray[Any]) -> Counts:
    """Count how often each number occurs."""
    if labels.size and labels.max() < 2**22:  # much faster than sorting
        areas = np.bincount(labels.ravel().astype(np.int64, copy=False))
        numbers = np.flatnonzero(areas)
        areas = areas[numbers]
    else:
        numbers, areas = np.unique(labels, return_counts=True)
    is_zero = numbers == 0
    return Counts(numbers[~is_zero], areas[~is_zero], int(areas[is_zero].sum()))


def first_frame(labels: NDArray[Any]) -> NDArray[Any] | None:
    """The first picture with a number: what a film's numbers are is seen there."""
    if not labels.size:
        return None
    frames = labels.reshape(-1, *labels.shape[-2:])
    return next((frame for frame in frames if frame.any()), None)


class Looks(NamedTuple):
    """The 8-connected pieces of equal number in a picture.

    Attributes:
        areas: Of each piece, in px.
        values: Its number.
    """

    areas: NDArray[np.int64]
    values: NDArray[Any]


def find_pieces(frame: NDArray[Any]) -> Looks:
    """Find the pieces of equal number in a picture (H, W)."""
    from skimage.measure import label  # its import takes longer than all that follows

    pieces, n_pieces = label(  # type: ignore[no-untyped-call]
        frame, connectivity=2, background=0, return_num=True
    )
    values = np.zeros(n_pieces + 1, dtype=frame.dtype)
    values[pieces.ravel()] = frame.ravel()
    return Looks(np.bincount(pieces.ravel(), minlength=n_pieces + 1)[1:], values[1:])


def refuse_others(frame: NDArray[Any], looks: Looks, counts: Counts, *, what: str | Path) -> None:
    """Refuse what only looks like labels.

    Raises:
        DataError: A soft mask, a photograph, or numbers that were averaged.
    """
    if len(counts.numbers) < 2:
        return
    # A number that was averaged comes again wherever two cells' edges are alike.
    is_averaged = len(looks.areas) > 1.5 * len(counts.numbers) and _is_averaged(frame)
    if _is_soft(frame, looks, is_averaged=is_averaged):
        raise DataError(
            f"{what}: grey values between 0 and {frame.max()}, as in a mask saved as JPEG or "
            "resized with smoothing; each would count as a cell. Save it as 0/255 PNG or TIFF, "
            "resized with nearest neighbour."
        )
    # Cells that were resized have most of their pixels in large pieces, and a background of 0.
    are_cells = (
        is_averaged
        and looks.areas[looks.areas >= PIECE_PX].sum() > looks.areas.sum() / 2
        and np.count_nonzero(frame == 0) > frame.size / 10
    )
    if not are_cells and _is_scattered(frame, looks):
        raise DataError(
            f"{what}: a photograph and no labels, by its look: most of its numbers lie in many "
            "scattered specks, as grey values do, where every cell should have one number in one "
            "place. Name the label file that belongs to it; coverslip segment makes one."
        )
    if is_averaged:
        raise DataError(
            f"{what}: numbers between those of neighbouring cells along their edges, as labels "
            "have that were resized or turned with smoothing; each would count as a cell. Make "
            "them again from the labels as they were, with nearest neighbour."
        )


def _is_averaged(frame: NDArray[Any]) -> bool:
    """Whether numbers at edges lie between those on either side, as after any smoothing.

    A number that is a cell's own is as likely above both its neighbours, or below. A little above
    or below, numbers lie where the smoothing overshot.
    """
    if min(frame.shape) < 3:
        return False
    little = frame.dtype.type(OVERSHOT * float(frame.max()))
    middle = frame[1:-1, 1:-1]
    is_edge = np.zeros(middle.shape, dtype=bool)
    is_between, is_spike = is_edge.copy(), is_edge.copy()
    sides = ((frame[1:-1, :-2], frame[1:-1, 2:]), (frame[:-2, 1:-1], frame[2:, 1:-1]))
    for one, other in sides:
        low, high = np.minimum(one, other), np.maximum(one, other)
        is_edge |= (low != middle) | (high != middle)
        is_between |= (low < middle) & (middle < high)
        is_spike |= (middle < low) & (low - middle > little)
        is_spike |= (high < middle) & (middle - high > little)
    cells = middle > 0
    edge, between, spike = (
        int(np.count_nonzero(found & cells)) for found in (is_edge, is_between, is_spike)
    )
    return between > RAMP * edge and between > 2 * spike


def _is_soft(frame: NDArray[Any], looks: Looks, *, is_averaged: bool) -> bool:
    """Whether what is no background has nearly the greatest value, but for specks."""
    top = int(frame.max())
    above = np.count_nonzero(frame > 0.1 * top)
    if np.count_nonzero(frame > 0.9 * top) <= PLATEAU * above:
        return False
    is_grey = looks.values <= 0.9 * top
    greys = looks.areas[is_grey]
    if is_averaged or not len(greys):
        return is_averaged
    many = len(greys) > 2 * np.count_nonzero(~is_grey & (looks.areas >= PIECE_PX))
    return bool(many and len(greys) > MANY_PIECES and np.median(greys) < PIECE_PX)


def _is_scattered(frame: NDArray[Any], looks: Looks) -> bool:
    """Tell the grey values of a photograph from the numbers of cells.

    A grey value lies all over a photograph, in specks of a few pixels; where there are nearly as
    many values as pixels, there are nearly as many specks. A cell lies in one place, and however
    crowded, cut or ragged, its largest piece is most of it. In doubt they are cells.
    """
    n_pieces, middle = len(looks.areas), np.median(looks.areas)
    if frame.size < SMALLEST_PX or middle >= PIECE_PX:
        return False
    values, of, n_each = np.unique(looks.values, return_inverse=True, return_counts=True)
    if len(values) <= MOST_CLASSES:
        return bool(len(values) > 4 and n_pieces > MANY_PIECES * len(values))
    largest = np.zeros(len(n_each), dtype=looks.areas.dtype)
    np.maximum.at(largest, of, looks.areas)
    share = np.median(largest / np.bincount(of, weights=looks.areas))
    is_scattered = np.median(n_each) > MANY_PIECES and share < SHARE
    return bool(is_scattered or n_pieces > frame.size / 4)


def count_pieces(labels: NDArray[Any]) -> int:
    """Of the picture with the most 8-connected pieces, how many it has."""
    frames = labels.reshape(-1, *labels.shape[-2:])
    return max(int(mask_to_labels(frame > 0).max()) for frame in frames)
