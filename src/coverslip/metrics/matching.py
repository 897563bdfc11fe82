"""true × predicted labels, one image → which cells share pixels, and which of them match.

Instances of ground truth and prediction are matched by their intersection over union (IoU).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from coverslip.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Overlaps:
    """The areas of all cells, and every pair of a true and a predicted cell that shares pixels.

    Cells are counted from 0 in the order of their numbers; pairs are sorted by the true cell, then
    by the predicted one.

    Attributes:
        true_area_px: (n_true,) int, of every true cell.
        pred_area_px: (n_pred,) int, of every predicted cell.
        true: (n_pairs,) int, the true cell of each pair.
        pred: (n_pairs,) int, its predicted cell.
        shared_px: (n_pairs,) int, the pixels that both have, 1 or more.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_overlaps
        >>> overlaps = count_overlaps(np.array([1, 1, 1, 1]), np.array([0, 7, 7, 7]))
        >>> overlaps.iou.tolist()
        [0.75]
    """

    true_area_px: NDArray[np.int64]
    pred_area_px: NDArray[np.int64]
    true: NDArray[np.intp]
    pred: NDArray[np.intp]
    shared_px: NDArray[np.int64]

    @property
    def union_px(self) -> NDArray[np.int64]:
        """(n_pairs,) int, the pixels that one of them or both have."""
        return self.true_area_px[self.true] + self.pred_area_px[self.pred] - self.shared_px

    @property
    def iou(self) -> NDArray[np.float64]:
        """(n_pairs,) shared over union, above 0 and up to 1."""
        iou: NDArray[np.float64] = self.shared_px / self.union_px
        return iou


def count_overlaps(truth: NDArray[Any], pred: NDArray[Any]) -> Overlaps:
    """Find out how many pixels each true cell shares with each predicted one.

    Labels are long runs of one number, so runs are counted and not pixels; and cells overlap few
    others, so only the pairs that do are kept. 20,000 cells need no table of 20,000 × 20,000.

    Args:
        truth: Labels, integers, any shape; 0 and below is background, numbers need not follow one
            another.
        pred: Labels, the same shape; its numbers have nothing to do with those of the truth.

    Raises:
        TypeError: One of them is a bool mask, whose cells have no numbers, or not of integers.
        DataError: The shapes differ.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_overlaps
        >>> truth = np.array([1, 1, 1, 1, 0, 2, 2, 2])
        >>> pred = np.array([0, 7, 7, 7, 0, 0, 4, 4])
        >>> overlaps = count_overlaps(truth, pred)
        >>> overlaps.true_area_px.tolist(), overlaps.pred_area_px.tolist()
        ([4, 3], [2, 3])
        >>> overlaps.shared_px.tolist(), overlaps.union_px.tolist()
        ([3, 2], [4, 3])
    """
    _check(truth, pred)
    true_runs, pred_runs, lengths = _runs(truth.ravel(), pred.ravel())
    true_ids, rows = np.unique(true_runs, return_inverse=True)
    pred_ids, columns = np.unique(pred_runs, return_inverse=True)
    shape = (len(true_ids), len(pred_ids))
    table = sparse.coo_array((lengths, (rows, columns)), shape=shape).tocsr()  # adds up the runs
    cells = table[np.flatnonzero(true_ids > 0)][:, np.flatnonzero(pred_ids > 0)].tocsr()
    cells.sort_indices()
    pairs = cells.tocoo()
    return Overlaps(
        true_area_px=table.sum(axis=1)[true_ids > 0],
        pred_area_px=table.sum(axis=0)[pred_ids > 0],
        true=pairs.row.astype(np.intp),
        pred=pairs.col.astype(np.intp),
        shared_px=pairs.data,
    )


def match_cells(overlaps: Overlaps, *, threshold: float = 0.5) -> NDArray[np.intp]:
    """Pair true cells with predicted ones, each at most once, where their IoU is high enough.

    At an IoU above 0.5 a cell has one partner at most, so there is nothing to optimise. At 0.5
    exactly it can have two, each of them one half of it, of which the first is taken; the number of
    matches and their summed IoU are those of the optimal matching (the Hungarian method) there too.

    Args:
        overlaps: From `count_overlaps`.
        threshold: The least IoU of a match, 0.5 to 1.

    Returns:
        (n_matches,) positions in the pairs of `overlaps`.

    Raises:
        ValueError: The threshold is outside 0.5 to 1, so that cells could have several partners.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_overlaps, match_cells
        >>> truth = np.array([1, 1, 1, 1, 0, 2, 2, 2, 2])
        >>> pred = np.array([0, 7, 7, 7, 0, 0, 0, 0, 4])
        >>> overlaps = count_overlaps(truth, pred)
        >>> match_cells(overlaps, threshold=0.5).tolist()  # the second pair has an IoU of 1/4
        [0]
    """
    if not 0.5 <= threshold <= 1:
        raise ValueError(f"the threshold is {threshold}; wanted 0.5 to 1, where a match is unique")
    match = np.flatnonzero(overlaps.iou >= threshold)
    match = match[np.unique(overlaps.true[match], return_index=True)[1]]
    return match[np.unique(overlaps.pred[match], return_index=True)[1]]


def _check(truth: NDArray[Any], pred: NDArray[Any]) -> None:
    for name, labels in (("truth", truth), ("pred", pred)):
        if labels.dtype == np.bool_:
            raise TypeError(
                f"{name} is a bool mask, whose cells have no numbers. If its connected pieces are "
                "cells, number them with coverslip.mask_to_labels."
            )
        if not np.issubdtype(labels.dtype, np.integer):
            raise TypeError(f"{name} has type {labels.dtype}, integer labels were wanted")
    if truth.shape != pred.shape:
        raise DataError(
            f"The truth is {truth.shape} pixels and the prediction {pred.shape}: the same shape "
            "was wanted. Score both at one size (resize label images with nearest neighbour)."
        )


def _runs(
    truth: NDArray[Any], pred: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Stretches where neither changes: the number in each, and their lengths in px."""
    changes = (truth[1:] != truth[:-1]) | (pred[1:] != pred[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])[: truth.size]
    lengths = np.diff(starts, append=truth.size).astype(np.int64)
    return truth[starts], pred[starts], lengths
