"""labels + probabilities → the same cells, each cut at a share of what it reaches itself.

A network that is less sure of a kind of cell than of another draws it too small at one threshold
for all; a threshold relative to the cell's own probabilities draws both alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.segmentation.labels import number_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLATEAU = 0.9  # quantile of a cell's probabilities that says what it reaches, rim and specks aside


def trim_cells(
    labels: NDArray[np.integer[Any]], probs: NDArray[np.float32], *, share: float, least: float
) -> NDArray[np.uint32]:
    """Keep of each cell what exceeds a share of its own plateau, and no cell whose plateau is low.

    Args:
        labels: (H, W), 0 is background; found at a low threshold, such as 0.3, and parted.
        probs: (H, W) in [0, 1], of being cell.
        share: of the cell's plateau, such as 0.5.
        least: plateau of a cell, below which it is none, such as 0.6.

    Returns:
        (H, W) uint32, numbered anew in reading order. A cell may be left in pieces.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import trim_cells
        >>> labels = np.array([[1, 1, 1, 0, 2, 2, 2]])
        >>> probs = np.array([[0.3, 0.8, 0.8, 0, 0.4, 0.4, 0.4]], np.float32)
        >>> trim_cells(labels, probs, share=0.5, least=0.6).tolist()
        [[0, 1, 1, 0, 0, 0, 0]]
    """
    heights = plateaus(labels, probs)
    heights[heights < least] = np.inf
    heights[0] = np.inf
    return number_cells(np.where(probs > share * heights[labels], labels, 0))


def plateaus(labels: NDArray[np.integer[Any]], probs: NDArray[np.float32]) -> NDArray[np.float64]:
    """The `PLATEAU` quantile of each number's probabilities: of n pixels the ⌈0.9 n⌉-th smallest.

    Returns:
        (1 + largest number,); 0 for background and for numbers that are missing.
    """
    inside = labels > 0
    cells, values = labels[inside], probs[inside]
    order = np.lexsort((values, cells))
    counts = np.bincount(cells, minlength=1)
    ends = np.cumsum(counts)
    found = np.zeros(len(counts))
    there = counts > 0
    places = ends - counts + np.ceil(PLATEAU * counts).astype(np.int64) - 1
    found[there] = values[order][places[there]]
    return found
