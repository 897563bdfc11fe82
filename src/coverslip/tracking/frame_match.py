"""labels of a frame × its true labels → which cell is which.

A cell of the truth is found where one cell of the result covers more than half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FrameMatch:
    """The cells of a frame, true ones and those of a result, and who covers whom.

    Attributes:
        truth: (n,), the true numbers, ascending.
        result: (m,), those of the result.
        true_matched: (k,), the true numbers that are found, ascending.
        matched: (k,), by which number of the result each.
        iou: (k,), intersection over union of each.
    """

    truth: Whole
    result: Whole
    true_matched: Whole
    matched: Whole
    iou: NDArray[np.float64]


def match_frame(truth: NDArray[Any], result: NDArray[Any]) -> FrameMatch:
    """Find for every true cell the cell that covers more than half of it.

    Args:
        truth: (H, W) integers, 0 is background; numbers of any size.
        result: Likewise.

    Raises:
        DataError: Two sizes.

    Example:
        >>> import numpy as np
        >>> match = match_frame(np.array([[1, 1, 1, 0, 2]]), np.array([[0, 7, 7, 7, 0]]))
        >>> match.true_matched, match.matched, match.iou
        (array([1]), array([7]), array([0.5]))
    """
    if truth.shape != result.shape:
        sizes = [" × ".join(map(str, labels.shape)) for labels in (result, truth)]
        raise DataError(f"the result has {sizes[0]} pixels, and the truth {sizes[1]}.")
    true_ids, t = _number(truth)
    ids, r = _number(result)
    # only pairs that lie on each other somewhere, not all
    pairs, shared = np.unique(t * len(ids) + r, return_counts=True)
    one, other = np.divmod(pairs, len(ids))
    area = np.bincount(one, weights=shared, minlength=len(true_ids))
    own_area = np.bincount(other, weights=shared, minlength=len(ids))
    covers = (2 * shared > area[one]) & (one > 0) & (other > 0)
    at, by, shared = one[covers], other[covers], shared[covers]
    return FrameMatch(
        truth=true_ids[1:],
        result=ids[1:],
        true_matched=true_ids[at],
        matched=ids[by],
        iou=shared / (area[at] + own_area[by] - shared),
    )


def _number(labels: NDArray[Any]) -> tuple[Whole, Whole]:
    """The numbers of a frame, ascending from 0, and of each pixel which of them it has.

    0 is among them also where cells cover all of the frame. Numbers that are not much larger than
    there are pixels are looked up in a table, others are sorted.
    """
    flat = labels.ravel()
    largest = int(flat.max(initial=0))
    if largest > 4 * flat.size or flat.min(initial=0) < 0:
        ids, at = np.unique(np.append(0, flat).astype(np.int64), return_inverse=True)
        return ids, at[1:]
    there = np.zeros(largest + 1, dtype=bool)
    there[flat] = True
    there[0] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[flat]
