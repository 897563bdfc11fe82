"""probabilities and their spread × pixels of cells → how sure each cell is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.measure.gather import Pixels


def confidences(probs: NDArray[Any], pixels: Pixels) -> dict[str, NDArray[Any]]:
    """Average the probabilities (H, W) over each cell.

    A probability that is true says how many such pixels in a hundred are cell; so their mean is the
    share of the cell's pixels that may be expected to be. A cell that the model is unsure of lies
    little above the threshold, a sure one near 1.
    """
    return {"confidence": pixels.means(probs[pixels.y, pixels.x])}


def disagreements(spread: NDArray[Any], pixels: Pixels) -> dict[str, NDArray[Any]]:
    """Mean and maximum over each cell of what the views of test-time augmentation differ by."""
    values = spread[pixels.y, pixels.x]
    return {
        "spread_mean": pixels.means(values),
        "spread_max": pixels.greatest(values).astype(float),
    }
