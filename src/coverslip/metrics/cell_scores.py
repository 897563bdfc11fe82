"""counts of cells → scores of cells.

Where a denominator is zero the rule is that of the pixels: nothing to find and nothing claimed is
perfect (1); otherwise the score is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.metrics.cells import THRESHOLDS

if TYPE_CHECKING:
    from coverslip.metrics.cells import CellCounts


def cell_precision(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """Share of the predicted cells that match a true one, in [0, 1]."""
    return _ratio(_tp(counts, threshold), counts.n_pred, counts=counts)


def cell_recall(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """Share of the true cells that match a predicted one, in [0, 1]."""
    return _ratio(_tp(counts, threshold), counts.n_true, counts=counts)


def cell_f1(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """2 TP / (2 TP + FP + FN), which at 0.5 is also the recognition quality RQ, in [0, 1]."""
    return _ratio(2 * _tp(counts, threshold), counts.n_true + counts.n_pred, counts=counts)


def average_precision(counts: CellCounts, *, threshold: float = 0.5) -> float:
    """TP / (TP + FP + FN), in [0, 1].

    So the field calls it since the Data Science Bowl 2018 (Caicedo et al. 2019, Nat. Methods
    16:1247), StarDist and Cellpose among others. It is no area under a curve as the average
    precision of COCO is, and the two cannot be compared.

    Raises:
        ValueError: The threshold is none of `THRESHOLDS`.
    """
    tp = _tp(counts, threshold)
    return _ratio(tp, counts.n_true + counts.n_pred - tp, counts=counts)


def mean_average_precision(counts: CellCounts) -> float:
    """Mean of `average_precision` over the IoU 0.5, 0.55 … 0.95, in [0, 1]."""
    precisions = [average_precision(counts, threshold=threshold) for threshold in THRESHOLDS]
    return sum(precisions) / len(precisions)


def segmentation_quality(counts: CellCounts) -> float:
    """SQ, mean IoU of the pairs that match at 0.5, in [0, 1] (Kirillov et al. 2019)."""
    return _ratio(counts.iou_sum, _tp(counts, 0.5), counts=counts)


def panoptic_quality(counts: CellCounts) -> float:
    """PQ = SQ x RQ at 0.5, in [0, 1] (Kirillov et al. 2019, CVPR, eq. 1).

    Kirillov matches at an IoU above 0.5, this at 0.5 and above, as `average_precision` does.
    """
    return segmentation_quality(counts) * cell_f1(counts)


def aggregated_jaccard(counts: CellCounts) -> float:
    """AJI, in [0, 1] (Kumar et al. 2017); `coverslip.metrics.cells.aggregate` says how."""
    return _ratio(counts.aji_shared_px, counts.aji_union_px, counts=counts)


def boundary_precision(counts: CellCounts) -> float:
    """Share of the predicted outlines that is near a true one, in [0, 1]."""
    return _boundary_ratio(counts.outlines.pred_near_px, counts.outlines.pred_px, counts=counts)


def boundary_recall(counts: CellCounts) -> float:
    """Share of the true outlines that is near a predicted one, in [0, 1]."""
    return _boundary_ratio(counts.outlines.true_near_px, counts.outlines.true_px, counts=counts)


def boundary_f(counts: CellCounts) -> float:
    """Harmonic mean of boundary precision and recall, in [0, 1].

    The BF of Csurka et al. 2013 (BMVC), but over the outlines of cells in place of those of
    classes, so that the line between two cells that touch counts; and with a tolerance in pixels.
    """
    precision, recall = boundary_precision(counts), boundary_recall(counts)
    both = precision + recall
    return 2 * precision * recall / both if both > 0 else 0.0


def cell_scores(counts: CellCounts) -> dict[str, float]:
    """All scores of cells, in [0, 1], in the order of the tables."""
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
