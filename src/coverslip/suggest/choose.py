"""features × uncertainty → which images to take, one after the other.

Core-set selection (Sener and Savarese 2018, arXiv 1708.00489): take again and again the image that
is farthest from all that are taken, the greedy k-center, so that a few stand for all and none is
taken twice. It knows nothing of what the network finds hard; so every distance is multiplied by how
uncertain the image is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = 0.1  # what is left to images of which the network is sure: it may be sure and wrong
SAME = 1e-3  # images nearer than this, by the first one's farthest, are the same


@dataclass(frozen=True)
class Choice:
    """One image that is taken.

    Attributes:
        index: which.
        distance: to the nearest of those taken before, 1 for the farthest that any image is from
            the first; 1 for the first itself.
        nearest: index of that nearest one; None for the first.
        gain: distance × weight, which was the greatest.
    """

    index: int
    distance: float
    nearest: int | None
    gain: float


def choose(
    features: NDArray[np.floating[Any]], uncertainty: NDArray[np.float64], *, n: int
) -> list[Choice]:
    """Take up to n images, the most uncertain first.

    Args:
        features: (images, K).
        uncertainty: (images,) 0 or more; the greatest has the weight 1, and one of 0 has `SURE`.
        n: how many; fewer are taken where the others are the same as those taken.
    """
    most = float(uncertainty.max(initial=0.0))
    share = uncertainty / most if most > 0 else np.ones(len(uncertainty))
    weights = SURE + (1 - SURE) * share
    distances = np.ones(len(features))
    nearest = np.full(len(features), -1)
    scale, chosen = 0.0, list[Choice]()
    while len(chosen) < min(n, len(features)):
        best = int(np.argmax(distances * weights))
        if chosen and distances[best] <= SAME:
            break
        before = int(nearest[best]) if chosen else None
        gain = float(distances[best] * weights[best])
        chosen.append(Choice(best, float(distances[best]), before, gain))
        away = np.linalg.norm(features - features[best], axis=1)
        scale = scale or max(float(away.max()), 1e-12)
        away = away / scale
        nearer = (away < distances) | (nearest < 0)
        distances = np.where(nearer, away, distances)
        nearest = np.where(nearer, best, nearest)
        distances[best] = 0.0
    return chosen
