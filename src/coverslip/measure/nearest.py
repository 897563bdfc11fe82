"""rims → the nearest other cell, however far away."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from coverslip.measure.gather import Floats, Integers
    from coverslip.measure.rim import Rim

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def nearest_cells(
    rim: Rim, wanted: Integers, *, pixel_size: tuple[float, float] = (1.0, 1.0)
) -> tuple[Integers, Floats]:
    """Find the nearest other cell of some cells, and the distance from edge to edge.

    Squares of one grid are nearest to each other at their corners. The cell whose centre is nearest
    gives a distance to begin with; then come those whose bounding boxes are no farther, the nearest
    box first.

    Args:
        rim: of all cells.
        wanted: the numbers of some of them in the table.
        pixel_size: height and width of a pixel; distances are in its unit.

    Returns:
        (n wanted,) the numbers of the nearest in the table, -1 without any other; and (n wanted,)
        how far they are, NaN without any other.
    """
    nearest, distances = np.full(len(wanted), -1), np.full(len(wanted), np.nan)
    if not len(wanted) or rim.n_cells == 1:
        return nearest, distances
    yx = np.stack([rim.y, rim.x], axis=1)
    starts = np.searchsorted(rim.cell, np.arange(rim.n_cells))
    low = np.minimum.reduceat(yx, starts) * pixel_size
    high = (np.maximum.reduceat(yx, starts) + 1) * pixel_size
    parts = np.split(yx, starts[1:])
    centres, radii = (low + high) / 2, np.linalg.norm(high - low, axis=1) / 2
    boxes, largest = KDTree(centres), radii.max()
    beside = np.asarray(boxes.query(centres[wanted], k=2)[1])

    @lru_cache(maxsize=4096)
    def tree(cell: int) -> KDTree:
        return KDTree(_corners(parts[cell]) * pixel_size)

    @lru_cache(maxsize=4096)
    def distance(one: int, other: int) -> float:
        few, many = sorted((tree(one), tree(other)), key=lambda it: it.n)
        gaps, _ = many.query(few.data)
        return float(np.min(gaps))

    for number, cell in enumerate(wanted.tolist()):
        best = distance(*sorted((cell, int(beside[number][beside[number] != cell][0]))))
        reach = best + radii[cell] + largest
        others = np.sort(boxes.query_ball_point(centres[cell], reach * (1 + 1e-9)))
        others = others[others != cell]
        apart = np.maximum(np.maximum(low[others] - high[cell], low[cell] - high[others]), 0.0)
        least = np.hypot(apart[:, 0], apart[:, 1])  # between the boxes: no more than the truth
        for place in np.argsort(least, kind="stable").tolist():
            if least[place] > best * (1 + 1e-9):
                break
            other = int(others[place])
            gap = distance(*sorted((cell, other)))
            if gap < best or (gap == best and not 0 <= nearest[number] < other):
                best, nearest[number], distances[number] = gap, other, gap
    return nearest, distances


def _corners(squares: Integers) -> Integers:
    """The corners of squares (n, 2), each once."""
    (top, left), width = squares.min(axis=0), int(np.ptp(squares[:, 1])) + 2
    place = (squares[:, 0] - top) * width + squares[:, 1] - left
    place = np.unique(np.concatenate([place + down * width + right for down, right in CORNERS]))
    return np.stack([place // width + top, place % width + left], axis=1)
