"""labels → the pixels at the rim of each cell, and what each of them faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.measure.gather import Floats, Integers, Labels, Pixels

# The eight ways from a pixel to those beside it: rows down, columns to the right.
WAYS = {
    "n": (-1, 0),
    "e": (0, 1),
    "s": (1, 0),
    "w": (0, -1),
    "ne": (-1, 1),
    "se": (1, 1),
    "sw": (1, -1),
    "nw": (-1, -1),
}
SIDES = ("n", "e", "s", "w")


@dataclass(frozen=True)
class Rim:
    """The pixels with something else than their own cell beside them, cell after cell.

    Attributes:
        y: their rows.
        x: their columns.
        cell: the number of each one's cell in the table, ascending from 0.
        own: each one's label.
        facing: the label that lies that way, for each of `WAYS`; 0 beyond the image.
        n_cells: how many cells there are.
    """

    y: Integers
    x: Integers
    cell: Integers
    own: Labels
    facing: dict[str, Labels]
    n_cells: int

    def leaves(self, way: str) -> NDArray[np.bool_]:
        """Whether a step that way leaves the cell."""
        leaves: NDArray[np.bool_] = self.facing[way] != self.own
        return leaves

    def count(self, values: NDArray[Any]) -> Floats:
        """Add up over each cell: (n pixels,) → (n cells,)."""
        total = np.bincount(self.cell, weights=values, minlength=self.n_cells)
        return total.astype(np.float64)


def find_rim(labels: Labels, pixels: Pixels) -> Rim:
    """Find the rims of all cells."""
    padded = np.pad(labels, 1).ravel()
    width = labels.shape[1] + 2
    place = (pixels.y + 1) * width + pixels.x + 1
    steps = {way: down * width + right for way, (down, right) in WAYS.items()}
    own = padded[place]
    inner = np.ones(len(place), dtype=bool)
    for step in steps.values():
        inner &= padded[place + step] == own
    at = np.flatnonzero(~inner)
    cell = np.repeat(np.arange(len(pixels.starts)), pixels.areas)
    return Rim(
        y=pixels.y[at],
        x=pixels.x[at],
        cell=cell[at],
        own=own[at],
        facing={way: padded[place[at] + step] for way, step in steps.items()},
        n_cells=len(pixels.starts),
    )
