"""images and their truth → the settings of PHANTAST that find it best."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from coverslip.classical.phantast import PhantastSettings, phantast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


def tune_phantast(
    pairs: Sequence[tuple[NDArray[np.floating[Any]], Mask]],
    *,
    sigmas: Sequence[float],
    epsilons: Sequence[float],
    score: Callable[[Mask, Mask], float],
    start: PhantastSettings | None = None,
) -> PhantastSettings:
    """Try every sigma with every epsilon and take the pair of greatest mean score.

    Only images to learn from may be given, never those that the result is tested on.

    Args:
        pairs: image (H, W) as `phantast` takes it, at the size it will be used at, and true mask.
        sigmas: windows to try, in px.
        epsilons: thresholds to try.
        score: (truth, prediction) → a number, greater is better; by custom the Jaccard index.
        start: the other settings; None: the usual ones.

    Returns:
        The best; of equals, the first sigma, then the first epsilon.

    Raises:
        ValueError: no image, no sigma or no epsilon.
        SettingsError: a sigma or epsilon that cannot be.
    """
    if not (pairs and sigmas and epsilons):
        raise ValueError("wanted at least one image, one sigma and one epsilon")
    candidates = [
        replace(start or PhantastSettings(), sigma=float(sigma), epsilon=float(epsilon))
        for sigma, epsilon in product(sigmas, epsilons)
    ]

    def total(settings: PhantastSettings) -> float:
        return sum(score(truth, phantast(image, settings=settings)) for image, truth in pairs)

    return max(candidates, key=total)
