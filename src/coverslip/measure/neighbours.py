"""rims and surroundings → how many cells are beside each cell, and how near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.measure.nearest import nearest_cells
from coverslip.measure.rim import SIDES, WAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from coverslip.measure.around import Surroundings
    from coverslip.measure.gather import Floats, Integers
    from coverslip.measure.rim import Rim


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
