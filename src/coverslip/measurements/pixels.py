"""labels → the pixels of each cell, and those at its rim."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Pixels:
    """The pixels of all cells, cell after cell, in reading order within a cell."""

    y: Integers
    x: Integers
    starts: Integers  # of each cell, in y and x

    @property
    def areas(self) -> Integers:
        """Number of pixels of each cell."""
        return np.diff(self.starts, append=len(self.y))

    @property
    def slices(self) -> Iterator[slice]:
        """Where each cell's pixels are."""
        return (slice(*ends) for ends in pairwise([*self.starts.tolist(), len(self.y)]))

    def sums(self, values: NDArray[Any]) -> Floats:
        """Add up over each cell: (n pixels,) → (n cells,)."""
        total: Floats = np.add.reduceat(values, self.starts, dtype=np.float64)
        return total

    def means(self, values: NDArray[Any]) -> Floats:
        """Average over each cell."""
        return self.sums(values) / self.areas

    def least(self, values: NDArray[Any]) -> NDArray[Any]:
        """The least value of each cell."""
        return np.asarray(np.minimum.reduceat(values, self.starts))

    def greatest(self, values: NDArray[Any]) -> NDArray[Any]:
        """The greatest value of each cell."""
        return np.asarray(np.maximum.reduceat(values, self.starts))


def check_labels(labels: NDArray[Any]) -> None:
    """Refuse what is no label image.

    Raises:
        ValueError: it is not (H, W) integers from 0 on.
    """
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise ValueError(f"the labels are {labels.dtype} {labels.shape}; wanted integers (H, W)")
    if labels.min(initial=0) < 0:
        raise ValueError(f"the labels go down to {labels.min()}; wanted 0 for the background")


def gather(labels: Labels) -> tuple[Integers, Pixels]:
    """Sort the pixels by cell: the numbers of the cells, ascending, and their pixels."""
    y, x = np.nonzero(labels)
    values = labels[y, x]
    order = np.argsort(values, kind="stable")  # keeps the reading order within a cell
    ids, starts = np.unique(values[order], return_index=True)
    return ids.astype(np.int64), Pixels(y[order], x[order], starts)


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
