"""labels → the cells beside each cell, and how near the nearest is.

Contacts, local density and nearest-neighbour distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from coverslip.measurements.pixels import SIDES, WAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from coverslip.measurements.pixels import Floats, Integers, Labels, Pixels, Rim


def contacts(
    rim: Rim, ids: Integers, *, pixel_size: tuple[float, float] = (1.0, 1.0)
) -> dict[str, NDArray[Any]]:
    """Count the cells that touch each cell, and say how much of its outline they take."""
    height, width = pixel_size
    lengths = {"n": width, "s": width, "e": height, "w": height}
    whole, shared = np.zeros(rim.n_cells), np.zeros(rim.n_cells)
    for way, length in lengths.items():
        leaves = rim.leaves(way)
        whole += length * rim.count(leaves)
        shared += length * rim.count(leaves & (rim.facing[way] != 0))
    return {
        "n_touching_4": _count_others(rim, ids, SIDES),
        "n_touching_8": _count_others(rim, ids, WAYS),
        "shared_border": shared / whole,
    }


def _count_others(rim: Rim, ids: Integers, ways: Iterable[str]) -> Integers:
    """How many different cells each cell meets that way."""
    pairs = []
    for way in ways:
        met = rim.leaves(way) & (rim.facing[way] != 0)
        others = np.searchsorted(ids, rim.facing[way][met].astype(np.int64))
        pairs.append(rim.cell[met] * rim.n_cells + others)
    pair = np.unique(np.concatenate(pairs))
    return np.bincount(pair // max(rim.n_cells, 1), minlength=rim.n_cells)


def count_near(around: Surroundings, *, distance: float) -> Integers:
    """How many other cells lie within a distance of each cell."""
    return np.array([np.count_nonzero(gaps <= distance) for gaps in around.gaps], dtype=np.int64)


def nearest(
    rim: Rim, ids: Integers, around: Surroundings, *, pixel_size: tuple[float, float] = (1.0, 1.0)
) -> tuple[Integers, Floats]:
    """The label of the nearest other cell, 0 without any, and its distance, then NaN.

    Where a cell has others within reach, they are known; for the rest the search goes on.
    """
    labels = np.zeros(len(ids), dtype=np.int64)
    distances = np.full(len(ids), np.nan)
    for number, (others, gaps) in enumerate(zip(around.others, around.gaps, strict=True)):
        if len(others):
            best = int(np.argmin(gaps))  # the first, so the lowest label, of equal ones
            labels[number], distances[number] = others[best], gaps[best]
    lonely = np.flatnonzero(labels == 0)
    found, far = nearest_cells(rim, lonely, pixel_size=pixel_size)
    there = found >= 0
    labels[lonely[there]] = ids[found[there]]
    distances[lonely] = far
    return labels, distances


@dataclass(frozen=True)
class Surroundings:
    """What lies within reach of each cell.

    Attributes:
        reach: how far it was looked.
        background: pixels outside all cells, as places in the flat image, with their distances.
        others: the label of every other cell within reach, ascending.
        gaps: and how far away it is.
    """

    reach: float
    background: list[tuple[Integers, Floats]]
    others: list[Labels]
    gaps: list[Floats]


def surroundings(
    labels: Labels,
    pixels: Pixels,
    *,
    reach: float,
    pixel_size: tuple[float, float] = (1.0, 1.0),
) -> Surroundings:
    """Measure from each cell's edge to everything within reach, in the unit of the pixel size.

    A distance is that between the nearest points of two squares: 0 to what shares a side or a
    corner with the cell, 1 over one pixel between them.
    """
    found = Surroundings(reach, [], [], [])
    for top, left, window, own in _windows(labels, pixels, reach=reach, pixel_size=pixel_size):
        gap = ndimage.distance_transform_edt(~_widen(own), sampling=pixel_size)
        near = (gap <= reach) & ~own
        free = window == 0
        y, x = np.nonzero(near & free)
        place = (y + top) * labels.shape[1] + x + left
        found.background.append((place, gap[y, x]))
        met = near & ~free
        others, inverse = np.unique(window[met], return_inverse=True)
        gaps = np.full(len(others), np.inf)
        np.minimum.at(gaps, inverse, gap[met])
        found.others.append(others)
        found.gaps.append(gaps)
    return found


def _windows(
    labels: Labels, pixels: Pixels, *, reach: float, pixel_size: tuple[float, float]
) -> Iterator[tuple[int, int, Labels, NDArray[np.bool_]]]:
    """Cut out each cell with all that may be within reach; and say which of it is the cell."""
    more_y, more_x = (int(reach / size) + 1 for size in pixel_size)
    for own in pixels.slices:
        y, x = pixels.y[own], pixels.x[own]
        top, left = max(int(y[0]) - more_y, 0), max(int(x.min()) - more_x, 0)
        window = labels[top : y[-1] + more_y + 1, left : x.max() + more_x + 1]
        inside = np.zeros(window.shape, dtype=bool)
        inside[y - top, x - left] = True
        yield top, left, window, inside


def _widen(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the eight pixels around each pixel: from centre to centre is then from edge to edge."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    high = wide.copy()
    wide[:, 1:] |= high[:, :-1]
    wide[:, :-1] |= high[:, 1:]
    return wide


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
