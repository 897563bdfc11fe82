"""the regions of a frame → the number of every cell, the same whoever did what and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.regions import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from coverslip.pipeline.large.cores import Cores
    from coverslip.regions import Region


@dataclass(frozen=True)
class Giant:
    """A cell that no region saw whole, put together of the parts that they did see.

    Attributes:
        first: where it begins in the flat frame.
        area: its pixels.
        centre: means of its rows and columns.
        box: first row, last row + 1, first column, last column + 1.
    """

    first: int
    area: int
    centre: tuple[float, float]
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Joined:
    """The cells of a frame.

    Attributes:
        firsts: where they begin in the flat frame, ascending: cell n is the n-th.
        areas: their pixels.
        confluence: share of the frame that is covered by cells, those at its edge included.
        numbers: for each region, the cell that each of its own numbers stands for; 0: none.
        giants: those that no region saw whole.
        n_disputed: pixels that two regions gave to two cells.
    """

    firsts: NDArray[np.int64]
    areas: NDArray[np.int64]
    confluence: float
    numbers: list[NDArray[np.uint32]]
    giants: list[Giant]
    n_disputed: int


def join_regions(cores: Cores, *, min_area_px: int, drop_border: bool) -> Joined:
    """Number the cells of a frame in reading order of their first pixels.

    Every cell that a region has seen whole is that region's alone. What is left in the cores are
    parts of cells that no region saw whole; a region that says of a pixel beside its core that it
    belongs to one of its parts, and the region whose core that pixel is in, mean the same cell.

    Args:
        cores: of all regions.
        min_area_px: cells of fewer pixels go.
        drop_border: those at the frame's edge go.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile: a region is not there, or broken.
    """
    facts = [cores.folder.get(one, "n", "own", "first", "area", "stays") for one in cores.regions]
    parts, n_disputed = _find_parts(cores)
    cells = _join_parts(cores, parts)
    height, width = cores.shape
    large = [cell for cell in cells if sum(part.area for part in cell) >= min_area_px]
    kept = [cell for cell in large if not (drop_border and any(part.at_border for part in cell))]
    giants = [_to_giant(cell) for cell in kept]
    firsts = np.concatenate([*(_stay(own, "first") for own in facts), [g.first for g in giants]])
    areas = np.concatenate([*(_stay(own, "area") for own in facts), [g.area for g in giants]])
    order = np.argsort(firsts, kind="stable")
    firsts, areas = firsts[order].astype(np.int64), areas[order].astype(np.int64)
    numbers = [np.zeros(int(own["n"]) + 1, dtype=np.uint32) for own in facts]
    for lut, own in zip(numbers, facts, strict=True):
        lut[_stay(own, "own")] = np.searchsorted(firsts, _stay(own, "first")) + 1
    for giant, cell in zip(giants, kept, strict=True):
        for part in cell:
            numbers[part.region][part.number] = np.searchsorted(firsts, giant.first) + 1
    covered = sum(int(own["area"].sum()) for own in facts)
    covered += sum(part.area for cell in large for part in cell)
    return Joined(
        firsts=firsts,
        areas=areas,
        confluence=covered / (height * width),
        numbers=numbers,
        giants=giants,
        n_disputed=n_disputed,
    )


def _stay(own: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """What a region says of those of its own cells that were not dropped."""
    kept: NDArray[Any] = own[name][own["stays"]]
    return kept


@dataclass(frozen=True)
class Part:
    """What is left of a cell in one region's core, once all own cells are in their places."""

    region: int
    number: int  # the region's own
    area: int
    first: int  # in the flat frame
    sums: tuple[int, int]  # of rows and of columns
    box: tuple[int, int, int, int]
    at_border: bool


def _find_parts(cores: Cores) -> tuple[dict[tuple[int, int], Part], int]:
    """The parts that are left, by region and number; and how many pixels two cells were given."""
    parts, n_disputed = {}, 0
    for region in cores.regions:
        labels, left, disputed = cores.left(region.number)
        n_disputed += disputed
        for part in _to_parts(region, np.where(left, labels, 0)):
            parts[region.number, part.number] = part
    return parts, n_disputed


def _to_parts(region: Region, left: NDArray[Any]) -> Iterator[Part]:
    y, x = np.nonzero(left)
    numbers, inverse = np.unique(left[y, x], return_inverse=True)
    height, width = region.shape
    y, x = y + region.core[0].start, x + region.core[1].start
    for n, number in enumerate(numbers.tolist()):
        rows, columns = y[inverse == n], x[inverse == n]
        box = (int(rows[0]), int(rows[-1]) + 1, int(columns.min()), int(columns.max()) + 1)
        yield Part(
            region=region.number,
            number=number,
            area=len(rows),
            first=int(rows[0]) * width + int(columns[0]),
            sums=(int(rows.sum()), int(columns.sum())),
            box=box,
            at_border=box[0] == 0 or box[1] == height or box[2] == 0 or box[3] == width,
        )


def _join_parts(cores: Cores, parts: dict[tuple[int, int], Part]) -> list[list[Part]]:
    """The parts of each cell."""
    names = list(parts)
    places = {name: n for n, name in enumerate(names)}
    pairs = []
    for number in sorted({region for region, _ in names}):
        ring = cores.folder.get(cores.regions[number], "ring_place", "ring_number")
        met = [
            (places.get((number, int(own))), places.get(cores.part_at(int(place))))
            for place, own in zip(ring["ring_place"], ring["ring_number"], strict=True)
            if (number, int(own)) in places
        ]
        pairs += [(one, other) for one, other in met if one is not None and other is not None]
    joined = join(sorted(set(pairs)), n=len(names))
    cells: list[list[Part]] = [[] for _ in range(int(joined.max(initial=-1)) + 1)]
    for name, cell in zip(names, joined, strict=True):
        cells[cell].append(parts[name])
    return cells


def _to_giant(cell: list[Part]) -> Giant:
    area = sum(part.area for part in cell)
    boxes = np.array([part.box for part in cell])
    least, most = boxes.min(axis=0), boxes.max(axis=0)
    return Giant(
        first=min(part.first for part in cell),
        area=area,
        centre=(sum(p.sums[0] for p in cell) / area, sum(p.sums[1] for p in cell) / area),
        box=(int(least[0]), int(most[1]), int(least[2]), int(most[3])),
    )
