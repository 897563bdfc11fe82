"""cells found before and after, image by image → the scores in resamplings: how sure they are.

Bootstrap on two levels. Of few images it is the cells that say most about chance: those of each
image are drawn anew, with replacement, and, where there are three images or more, so are the
images. A true cell is drawn together before and after, so that the gain is that of the same cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.training.validation import CellHits

RESAMPLINGS = 2000
SURE = (2.5, 97.5)  # percentiles
FEW_IMAGES = 3  # of fewer none is drawn
FEW_CELLS = 10  # of fewer, resamplings say nothing


def resample_ap(
    before: Sequence[CellHits], after: Sequence[CellHits], *, seed: int = 0
) -> NDArray[np.float64] | None:
    """The mean AP before and after, of each resampling of the cells and the images.

    Args:
        before: which cells match, of each image.
        after: the same by another model; the true cells are the same, in the same order.
        seed: of the draws.

    Returns:
        (RESAMPLINGS, 2), or None where there are fewer than `FEW_CELLS` true cells.
    """
    if sum(len(hits.true) for hits in before) < FEW_CELLS:
        return None
    rng, n = np.random.default_rng(seed), len(before)
    scores = np.stack(
        [resample_image(one, other, rng) for one, other in zip(before, after, strict=True)]
    )  # (n_images, RESAMPLINGS, 2)
    if n < FEW_IMAGES:
        means: NDArray[np.float64] = scores.mean(axis=0)
        return means
    drawn = rng.integers(0, n, (n, RESAMPLINGS))
    means = scores[drawn, np.arange(RESAMPLINGS)].mean(axis=0)
    return means


def resample_image(
    before: CellHits, after: CellHits, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(RESAMPLINGS, 2) mean AP of an image, its cells drawn anew."""
    weights = draw(len(before.true), rng)
    return np.stack(
        [mean_ap(hits, weights, draw(len(hits.pred), rng)) for hits in (before, after)], axis=1
    )


def draw(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(RESAMPLINGS, n) how often each of n is drawn, n times with replacement."""
    if not n:
        return np.zeros((RESAMPLINGS, 0), dtype=np.int64)
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLINGS)


def mean_ap(
    hits: CellHits, true: NDArray[np.int64], pred: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(n,) mean AP over the thresholds, with each cell counted as often as it was drawn.

    Args:
        hits: which cells match.
        true: (n, n_true) how often each true cell counts.
        pred: (n, n_pred) how often each predicted cell counts.

    Example:
        >>> import numpy as np
        >>> from coverslip.training.bootstrap import mean_ap
        >>> from coverslip.training.validation import CellHits
        >>> hits = CellHits(np.array([[True], [False]]), np.array([[True], [False]]))
        >>> mean_ap(hits, np.array([[1, 1], [2, 0]]), np.array([[1, 1], [2, 0]])).tolist()
        [0.3333333333333333, 1.0]
    """
    found, wrong = true @ hits.true, pred @ ~hits.pred
    total = true.sum(axis=1, keepdims=True) + wrong
    ap: NDArray[np.float64] = np.where(total > 0, found / np.maximum(total, 1), 1.0).mean(axis=1)
    return ap


def middle_of(values: NDArray[np.float64]) -> tuple[float, float]:
    """Between which 95 % of the resamplings lie."""
    low, high = np.percentile(values, SURE)
    return float(low), float(high)
