"""true × predicted labels, one image → counts of cells → scores of cells.

Where a denominator is zero the rule is that of the pixels: nothing to find and nothing claimed is
perfect (1); otherwise the score is 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.metrics.boundary import TOLERANCE_PX, Outlines, count_outlines
from coverslip.metrics.matching import Overlaps, count_overlaps, match_cells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# 0.5, 0.55 … 0.95, each the double nearest to it, so that 11 of 20 pixels reach 0.55.
THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))


@dataclass(frozen=True)
class CellCounts:
    """The cells of one image, or of many, by truth and prediction.

    Attributes:
        n_true: True cells.
        n_pred: Predicted cells.
        tp: For each of `THRESHOLDS`, the pairs of a true and a predicted cell that match there.
        iou_sum: Sum of the IoU of the pairs that match at 0.5.
        aji_shared_px: Numerator of the aggregated Jaccard index, in pixels.
        aji_union_px: Its denominator, in pixels.
        splits: True cells that were split, see `count_splits`.
        merges: Predicted cells that merge several true ones, see `count_splits`.
        outlines: Pixels of the outlines.

    Example:
        >>> from coverslip.metrics import CellCounts
        >>> one = CellCounts(n_true=2, n_pred=3, splits=1)
        >>> both = one + one
        >>> both.n_true, both.n_pred, both.splits
        (4, 6, 2)
    """

    n_true: int = 0
    n_pred: int = 0
    tp: tuple[int, ...] = (0,) * len(THRESHOLDS)
    iou_sum: float = 0.0
    aji_shared_px: int = 0
    aji_union_px: int = 0
    splits: int = 0
    merges: int = 0
    outlines: Outlines = field(default_factory=Outlines)

    def __add__(self, other: CellCounts) -> CellCounts:
        """Pool the cells of two images (or sets of images)."""
        return CellCounts(
            n_true=self.n_true + other.n_true,
            n_pred=self.n_pred + other.n_pred,
            tp=tuple(a + b for a, b in zip(self.tp, other.tp, strict=True)),
            iou_sum=self.iou_sum + other.iou_sum,
            aji_shared_px=self.aji_shared_px + other.aji_shared_px,
            aji_union_px=self.aji_union_px + other.aji_union_px,
            splits=self.splits + other.splits,
            merges=self.merges + other.merges,
            outlines=self.outlines + other.outlines,
        )


def count_cells(
    truth: NDArray[Any], pred: NDArray[Any], *, tolerance_px: float = TOLERANCE_PX
) -> CellCounts:
    """Count the cells of a truth and a prediction, and what they have in common.

    Args:
        truth: Labels, integers, any shape; 0 and below is background.
        pred: Labels, the same shape; its numbers have nothing to do with those of the truth.
        tolerance_px: How far apart two outlines may be and still agree.

    Raises:
        TypeError: One of them is a bool mask, whose cells have no numbers, or not of integers.
        DataError: The shapes differ.
        ValueError: The tolerance is negative.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_cells
        >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2]])
        >>> pred = np.array([[0, 7, 7, 7, 0, 4, 4, 5, 5]])
        >>> counts = count_cells(truth, pred)
        >>> counts.n_true, counts.n_pred, counts.tp[0]
        (2, 3, 2)
    """
    overlaps = count_overlaps(truth, pred)
    matches = [match_cells(overlaps, threshold=threshold) for threshold in THRESHOLDS]
    aji_shared_px, aji_union_px = aggregate(overlaps)
    return CellCounts(
        n_true=len(overlaps.true_area_px),
        n_pred=len(overlaps.pred_area_px),
        tp=tuple(map(len, matches)),
        iou_sum=float(overlaps.iou[matches[0]].sum()),
        aji_shared_px=aji_shared_px,
        aji_union_px=aji_union_px,
        splits=count_splits(overlaps),
        merges=count_splits(swap(overlaps)),
        outlines=count_outlines(truth, pred, tolerance_px=tolerance_px),
    )


def pool_cells(counts: Iterable[CellCounts]) -> CellCounts:
    """Add up the counts of many images; no image gives zeros.

    Example:
        >>> from coverslip.metrics import CellCounts, pool_cells
        >>> pool_cells([CellCounts(n_true=2), CellCounts(n_true=3)]).n_true
        5
    """
    return sum(counts, start=CellCounts())


def aggregate(overlaps: Overlaps) -> tuple[int, int]:
    """Numerator and denominator of the aggregated Jaccard index, in pixels.

    Kumar et al. 2017 (IEEE Trans. Med. Imaging 36:1550, algorithm 1): every true cell takes the
    predicted cell with which its IoU is highest, and adds their shared pixels to the one and their
    union to the other; a predicted cell may be taken more than once. A true cell without any, and
    predicted cells that none took, add their area to the denominator.

    Of predicted cells with the same IoU the one with the lowest number is taken.
    """
    best_last = np.lexsort((overlaps.pred, -overlaps.iou, overlaps.true))
    found, first = np.unique(overlaps.true[best_last], return_index=True)
    best = best_last[first]
    missed = np.delete(overlaps.true_area_px, found)
    untaken = np.delete(overlaps.pred_area_px, overlaps.pred[best])
    union = overlaps.union_px[best].sum() + missed.sum() + untaken.sum()
    return int(overlaps.shared_px[best].sum()), int(union)


def count_splits(overlaps: Overlaps) -> int:
    """Count the true cells that were split, see `find_splits`."""
    return int(np.count_nonzero(find_splits(overlaps)))


def find_splits(overlaps: Overlaps) -> NDArray[np.bool_]:
    """Find the true cells that were split, (n_true,) in the order of their numbers.

    A true cell is split if no predicted cell has an IoU above 0.5 with it, and two or more that lie
    in it with more than half of their own area together cover more than half of it. So what was
    found is not split (but for an IoU of exactly 0.5, which is a match and can be a split), and
    specks in a cell that was missed do not split it. A merge is the same with truth and prediction
    exchanged: `find_splits(swap(overlaps))`.

    To belong to what one lies in by more than half is the rule of the Cell Tracking Challenge
    (Matula et al. 2015, PLoS ONE 10:e0144959). Caicedo et al. 2019 (Cytometry A 95:952) count
    splits and merges among all cells with an IoU above 0.1, found or not; such counts differ.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_overlaps, find_splits
        >>> truth, pred = np.array([1, 1, 1, 1, 2, 2]), np.array([3, 3, 4, 4, 5, 5])
        >>> find_splits(count_overlaps(truth, pred)).tolist()
        [True, False]
    """
    true, shared = overlaps.true, overlaps.shared_px
    n_true = len(overlaps.true_area_px)
    inside = 2 * shared > overlaps.pred_area_px[overlaps.pred]
    pieces = np.bincount(true[inside], minlength=n_true)
    covered_px = np.bincount(true[inside], weights=shared[inside], minlength=n_true)
    is_found = np.bincount(true[overlaps.iou > 0.5], minlength=n_true) > 0
    is_split: NDArray[np.bool_] = (
        ~is_found & (pieces > 1) & (2 * covered_px > overlaps.true_area_px)
    )
    return is_split


def swap(overlaps: Overlaps) -> Overlaps:
    """Exchange truth and prediction: what is split then, was merged.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_overlaps, find_splits, swap
        >>> truth, pred = np.array([1, 1, 2, 2]), np.array([7, 7, 7, 7])
        >>> find_splits(swap(count_overlaps(truth, pred))).tolist()
        [True]
    """
    order = np.lexsort((overlaps.true, overlaps.pred))
    return replace(
        overlaps,
        true_area_px=overlaps.pred_area_px,
        pred_area_px=overlaps.true_area_px,
        true=overlaps.pred[order],
        pred=overlaps.true[order],
        shared_px=overlaps.shared_px[order],
    )


def cell_precision(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """Share of the predicted cells that match a true one, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import cell_precision, count_cells
        >>> counts = count_cells(np.array([[1, 1, 0, 0]]), np.array([[1, 1, 0, 2]]))
        >>> cell_precision(counts)
        0.5
    """
    return _ratio(_tp(counts, threshold), counts.n_pred, counts=counts)


def cell_recall(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """Share of the true cells that match a predicted one, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import cell_recall, count_cells
        >>> counts = count_cells(np.array([[1, 1, 0, 2]]), np.array([[1, 1, 0, 0]]))
        >>> cell_recall(counts)
        0.5
    """
    return _ratio(_tp(counts, threshold), counts.n_true, counts=counts)


def cell_f1(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """2 TP / (2 TP + FP + FN), which at 0.5 is also the recognition quality RQ, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import cell_f1, count_cells
        >>> counts = count_cells(np.array([[1, 1, 0, 2, 0, 3]]), np.array([[1, 1, 0, 0, 0, 0]]))
        >>> cell_f1(counts)  # one found, two missed: 2 / (2 + 0 + 2)
        0.5
    """
    return _ratio(2 * _tp(counts, threshold), counts.n_true + counts.n_pred, counts=counts)


def average_precision(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """TP / (TP + FP + FN), in [0, 1].

    So the field calls it since the Data Science Bowl 2018 (Caicedo et al. 2019, Nat. Methods
    16:1247), StarDist and Cellpose among others. It is no area under a curve as the average
    precision of COCO is, and the two cannot be compared.

    Raises:
        ValueError: The threshold is none of `THRESHOLDS`.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import average_precision, count_cells
        >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2]])
        >>> pred = np.array([[1, 1, 1, 0, 0, 2, 2]])
        >>> counts = count_cells(truth, pred)
        >>> average_precision(counts, threshold=0.5)
        1.0
        >>> round(average_precision(counts, threshold=0.8), 3)  # the first has an IoU of 3/4
        0.333
    """
    tp = _tp(counts, threshold)
    return _ratio(tp, counts.n_true + counts.n_pred - tp, counts=counts)


def mean_average_precision(counts: CellCounts) -> float:
    """Mean of `average_precision` over the IoU 0.5, 0.55 … 0.95, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_cells, mean_average_precision
        >>> counts = count_cells(np.array([[1, 1, 1, 1]]), np.array([[1, 1, 1, 0]]))
        >>> mean_average_precision(counts)  # found at 6 of the 10 thresholds, 0.5 to 0.75
        0.6
    """
    precisions = [average_precision(counts, threshold=threshold) for threshold in THRESHOLDS]
    return sum(precisions) / len(precisions)


def segmentation_quality(counts: CellCounts) -> float:
    """SQ, mean IoU of the pairs that match at 0.5, in [0, 1] (Kirillov et al. 2019).

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_cells, segmentation_quality
        >>> counts = count_cells(np.array([[1, 1, 1, 1, 0, 2]]), np.array([[1, 1, 1, 0, 0, 2]]))
        >>> segmentation_quality(counts)  # the mean of 3/4 and 1
        0.875
    """
    return _ratio(counts.iou_sum, _tp(counts, 0.5), counts=counts)


def panoptic_quality(counts: CellCounts) -> float:
    """PQ = SQ x RQ at 0.5, in [0, 1] (Kirillov et al. 2019, CVPR, eq. 1).

    Kirillov matches at an IoU above 0.5, this at 0.5 and above, as `average_precision` does.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_cells, panoptic_quality
        >>> counts = count_cells(np.array([[1, 1, 1, 1, 0, 2]]), np.array([[1, 1, 1, 0, 0, 2]]))
        >>> panoptic_quality(counts)
        0.875
    """
    return segmentation_quality(counts) * cell_f1(counts)


def aggregated_jaccard(counts: CellCounts) -> float:
    """AJI, in [0, 1] (Kumar et al. 2017); `coverslip.metrics.objects.aggregate` says how.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import aggregated_jaccard, count_cells
        >>> counts = count_cells(np.array([[1, 1, 1, 1, 0, 2]]), np.array([[1, 1, 1, 0, 0, 0]]))
        >>> aggregated_jaccard(counts)  # 3 shared, of a union of 4 and a missed one of 1
        0.6
    """
    return _ratio(counts.aji_shared_px, counts.aji_union_px, counts=counts)


def boundary_precision(counts: CellCounts) -> float:
    """Share of the predicted outlines that is near a true one, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import boundary_precision, count_cells
        >>> labels = np.array([[0, 1, 1, 1, 0, 0]])
        >>> boundary_precision(count_cells(labels, labels))
        1.0
    """
    return _boundary_ratio(counts.outlines.pred_near_px, counts.outlines.pred_px, counts=counts)


def boundary_recall(counts: CellCounts) -> float:
    """Share of the true outlines that is near a predicted one, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import boundary_recall, count_cells
        >>> labels = np.array([[0, 1, 1, 1, 0, 0]])
        >>> boundary_recall(count_cells(labels, 0 * labels))
        0.0
    """
    return _boundary_ratio(counts.outlines.true_near_px, counts.outlines.true_px, counts=counts)


def boundary_f(counts: CellCounts) -> float:
    """Harmonic mean of boundary precision and recall, in [0, 1].

    The BF of Csurka et al. 2013 (BMVC), but over the outlines of cells in place of those of
    classes, so that the line between two cells that touch counts; and with a tolerance in pixels.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import boundary_f, count_cells
        >>> truth = np.array([[0, 1, 1, 0, 0, 0, 0, 0, 0, 0]])
        >>> pred = np.array([[0, 1, 1, 0, 0, 0, 0, 2, 2, 0]])
        >>> round(boundary_f(count_cells(truth, pred)), 3)  # precision 1/2, recall 1
        0.667
    """
    precision, recall = boundary_precision(counts), boundary_recall(counts)
    both = precision + recall
    return 2 * precision * recall / both if both > 0 else 0.0


def cell_scores(counts: CellCounts) -> dict[str, float]:
    """All scores of cells, in [0, 1], in the order of the tables.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import cell_scores, count_cells
        >>> labels = np.array([[0, 1, 1, 0, 2, 2, 0]])
        >>> set(cell_scores(count_cells(labels, labels)).values())
        {1.0}
    """
    return {
        "ap50": average_precision(counts, threshold=0.5),
        "ap75": average_precision(counts, threshold=0.75),
        "mean_ap": mean_average_precision(counts),
        "cell_precision": cell_precision(counts),
        "cell_recall": cell_recall(counts),
        "cell_f1": cell_f1(counts),
        "sq": segmentation_quality(counts),
        "pq": panoptic_quality(counts),
        "aji": aggregated_jaccard(counts),
        "boundary_f": boundary_f(counts),
    }


def _tp(counts: CellCounts, threshold: float) -> int:
    if threshold not in THRESHOLDS:
        raise ValueError(f"the threshold is {threshold}; wanted one of {THRESHOLDS}")
    return counts.tp[THRESHOLDS.index(threshold)]


def _ratio(part: float, whole: float, *, counts: CellCounts) -> float:
    """Divide; a zero whole is 1 when there was nothing to find and nothing claimed, else 0."""
    if whole > 0:
        return part / whole
    return 0.0 if counts.n_true or counts.n_pred else 1.0


def _boundary_ratio(part: int, whole: int, *, counts: CellCounts) -> float:
    """Divide; without an outline, a cell that fills the image agrees with one that does too."""
    if whole > 0:
        return part / whole
    no_outlines = counts.outlines.true_px == counts.outlines.pred_px
    return float(no_outlines and bool(counts.n_true) == bool(counts.n_pred))
