"""pixels of cells → convex hulls, and the distances across them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

if TYPE_CHECKING:
    from coverslip.measure.gather import Floats, Pixels


@dataclass(frozen=True)
class Hulls:
    """The convex hull of each cell's squares.

    Attributes:
        areas: (n cells,), in pixels.
        corners: of each cell (m, 2), row and column, one after the other around the hull.
    """

    areas: Floats
    corners: list[Floats]


def hulls(pixels: Pixels) -> Hulls:
    """Wrap the squares of each cell's pixels."""
    # Of each row of a cell only the first and the last pixel can touch the hull.
    begins = np.ones(len(pixels.y), dtype=bool)
    begins[1:] = np.diff(pixels.y) != 0
    begins[pixels.starts] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(pixels.y))[: len(first)] - 1
    y, left, right = pixels.y[first], pixels.x[first], pixels.x[last] + 1
    points = np.stack([[y, left], [y + 1, left], [y, right], [y + 1, right]]).transpose(2, 0, 1)
    bounds = np.append(np.searchsorted(first, pixels.starts), len(first))
    areas, corners = [], []
    for i, j in pairwise(bounds):
        own = points[i:j].reshape(-1, 2).astype(np.float64)
        hull = ConvexHull(own)
        areas.append(hull.volume)  # in two dimensions that is the area
        corners.append(own[hull.vertices])
    return Hulls(np.array(areas, dtype=np.float64), corners)


def ferets(hulls: Hulls, *, pixel_size: tuple[float, float] = (1.0, 1.0)) -> tuple[Floats, Floats]:
    """The greatest and the least distance across each cell, in the unit of the pixel size.

    The greatest is between two corners of the hull; the least is across one of its sides.
    """
    across = [_feret(corners * pixel_size) for corners in hulls.corners]
    greatest, least = np.array(across, dtype=np.float64).reshape(-1, 2).T
    return greatest, least


def _feret(corners: Floats) -> tuple[float, float]:
    y, x = corners.T
    down, right = np.roll(y, -1) - y, np.roll(x, -1) - x
    # (side, corner): twice the area of the triangle between them, over the side's length
    heights = abs(np.outer(right, y) - np.outer(down, x) - (right * y - down * x)[:, None])
    across = heights.max(axis=1) / np.hypot(down, right)
    return float(pdist(corners).max()), float(across.min())
