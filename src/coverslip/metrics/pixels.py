"""true × predicted mask, one image → scores of its pixels.

Two steps: the four pixel counts once, then any score from the counts. Counts add up, so the scores
of a whole data set, pooled over its pixels, are the scores of the sum of its images' counts.

The scores are eqs. 4 to 7 of Ayanzadeh et al. 2021 (doi 10.3906/elk-2105-244). Where a denominator
is zero there is one rule: nothing to find and nothing claimed is perfect (1); otherwise the score
is 0. So two empty masks have 1 in every score, an empty prediction of a real truth has precision
0, and cells predicted where there are none have recall 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coverslip.errors import DataError


@dataclass(frozen=True)
class Counts:
    """The pixels of one image, or of many, by truth and prediction.

    Attributes:
        tp: Pixels of cells, predicted as cells.
        fp: Pixels of background, predicted as cells.
        fn: Pixels of cells, predicted as background.
        tn: Pixels of background, predicted as background.

    Example:
        >>> from coverslip.metrics import Counts
        >>> Counts(tp=1, fp=2, fn=3, tn=4) + Counts(tp=10, fp=20, fn=30, tn=40)
        Counts(tp=11, fp=22, fn=33, tn=44)
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def __add__(self, other: "Counts") -> "Counts":
        """Pool the pixels of two images (or sets of images)."""
        return Counts(
            tp=self.tp + other.tp,
            fp=self.fp + other.fp,
            fn=self.fn + other.fn,
            tn=self.tn + other.tn,
        )


def count_pixels(truth: NDArray[np.bool_], pred: NDArray[np.bool_]) -> Counts:
    """Count the pixels of a truth and a prediction.

    Args:
        truth: Mask, bool, any shape.
        pred: Mask, bool, the same shape.

    Raises:
        TypeError: One of them is not bool. A probability map or a label image is never thresholded
            here by accident: pass `probs > 0.5` or `labels > 0`.
        DataError: The shapes differ.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_pixels
        >>> truth = np.array([1, 1, 1, 0, 0, 0]) > 0
        >>> pred = np.array([1, 1, 0, 1, 0, 0]) > 0
        >>> count_pixels(truth, pred)
        Counts(tp=2, fp=1, fn=1, tn=2)
    """
    for name, mask in (("truth", truth), ("pred", pred)):
        if mask.dtype != np.bool_:
            raise TypeError(
                f"{name} has type {mask.dtype}, a bool mask was wanted: pass labels > 0"
            )
    if truth.shape != pred.shape:
        raise DataError(
            f"The truth is {truth.shape} pixels and the prediction {pred.shape}: the same shape "
            "was wanted. Score both at one size (resize label images with nearest neighbour)."
        )
    tp = int(np.count_nonzero(truth & pred))
    fp = int(np.count_nonzero(pred)) - tp
    fn = int(np.count_nonzero(truth)) - tp
    return Counts(tp=tp, fp=fp, fn=fn, tn=truth.size - tp - fp - fn)


def pool(counts: Iterable[Counts]) -> Counts:
    """Add up the counts of many images; no image gives four zeros.

    Example:
        >>> from coverslip.metrics import Counts, pool
        >>> pool([Counts(tp=1, fp=0, fn=1, tn=2), Counts(tp=2, fp=1, fn=0, tn=1)])
        Counts(tp=3, fp=1, fn=1, tn=3)
    """
    return sum(counts, start=Counts(0, 0, 0, 0))


def precision(counts: Counts) -> float:
    """Share of the predicted pixels that are true, tp / (tp + fp), in [0, 1] (eq. 4).

    Example:
        >>> from coverslip.metrics import Counts, precision
        >>> precision(Counts(tp=3, fp=1, fn=9, tn=0))
        0.75
    """
    return _ratio(counts.tp, counts.tp + counts.fp, counts=counts)


def recall(counts: Counts) -> float:
    """Share of the true pixels that are predicted, tp / (tp + fn), in [0, 1] (eq. 5).

    Example:
        >>> from coverslip.metrics import Counts, recall
        >>> recall(Counts(tp=3, fp=9, fn=1, tn=0))
        0.75
    """
    return _ratio(counts.tp, counts.tp + counts.fn, counts=counts)


def jaccard(counts: Counts) -> float:
    """Intersection over union, tp / (tp + fp + fn), in [0, 1] (eq. 6).

    Example:
        >>> from coverslip.metrics import Counts, jaccard
        >>> jaccard(Counts(tp=2, fp=1, fn=1, tn=0))
        0.5
    """
    return _ratio(counts.tp, counts.tp + counts.fp + counts.fn, counts=counts)


def dice(counts: Counts) -> float:
    """Twice the intersection over the sum, 2 tp / (2 tp + fp + fn), in [0, 1] (eq. 7).

    On the same counts it equals 2 J / (1 + J) and 2 P R / (P + R) exactly; means over images of
    the three do not.

    Example:
        >>> from coverslip.metrics import Counts, dice
        >>> dice(Counts(tp=3, fp=1, fn=1, tn=0))
        0.75
    """
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, counts=counts)


def scores(counts: Counts) -> dict[str, float]:
    """All four scores, in [0, 1], in the order of the tables.

    Example:
        >>> from coverslip.metrics import Counts, scores
        >>> scores(Counts(tp=3, fp=1, fn=1, tn=0))
        {'precision': 0.75, 'recall': 0.75, 'jaccard': 0.6, 'dice': 0.75}
    """
    return {
        "precision": precision(counts),
        "recall": recall(counts),
        "jaccard": jaccard(counts),
        "dice": dice(counts),
    }


def _ratio(part: int, whole: int, *, counts: Counts) -> float:
    """Divide; a zero whole is 1 when there was nothing to find and nothing claimed, else 0."""
    if whole > 0:
        return part / whole
    return 0.0 if counts.fp or counts.fn else 1.0
