"""labels → a colour for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.figures import colour_cells
from coverslip.figures.colours import N_USUAL, PALETTE

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cell_colours(labels: NDArray[np.integer[Any]]) -> dict[int, tuple[int, int, int]]:
    """Red, green and blue of every cell, those of the overlays.

    Args:
        labels: (H, W), where neighbours differ; or (n, H, W), where a number has one colour in all
            frames and numbers in a row differ.

    Returns:
        The colours by the cells' numbers, ascending; 0 to 255.
    """
    ids = np.unique(labels)
    ids = ids[ids > 0]
    if labels.ndim == 2 and len(ids):
        # Numbers may go up to billions, and a table of colours is as long as the largest.
        small = np.searchsorted(ids, labels) + 1
        chosen = colour_cells(np.where(labels > 0, small, 0))[1:]
    else:
        chosen = np.arange(len(ids)) % N_USUAL
    colours = PALETTE[chosen].tolist()
    return {number: tuple(rgb) for number, rgb in zip(ids.tolist(), colours, strict=True)}
