"""probabilities of an image → the score of fit: how much of what is called cell is likely right.

It is what the network's own sureness foretells: the mean probability of all pixels above a half,
turned into the Jaccard index that images of as much sureness have. docs/results/fit.md says on
which this was calibrated, and how well it holds on kinds that were left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURENESS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.975)
JACCARD = (0.0, 0.1, 0.2, 0.32, 0.4, 0.75, 0.8, 0.88, 0.93, 0.95)  # of images of such sureness


def sum_sureness(probs: NDArray[np.float32]) -> NDArray[np.float64]:
    """(2,): the sum of the probabilities above a half, and how many they are."""
    sure = probs[probs > 0.5]
    return np.array([sure.sum(dtype=np.float64), sure.size], dtype=np.float64)


def fit_score(sums: NDArray[np.float64]) -> float:
    """The score of fit, 0 to 1, of `sum_sureness`; NaN where nothing is above a half.

    Example:
        >>> from coverslip.pipeline.sureness import fit_score
        >>> import numpy as np
        >>> fit_score(np.array([90.0, 100.0])), fit_score(np.array([60.0, 100.0]))
        (0.8, 0.1)
    """
    total, n = sums.tolist()
    if not n:
        return float("nan")
    return round(float(np.interp(total / n, SURENESS, JACCARD)), 3)
