"""the regions of a frame, each segmented on its own → the cells of the frame, read as needed.

Cells on the seams of a whole-slide image are put together, each counted once.

Every cell that a region has seen whole is that region's alone. What is left are parts of cells that
no region saw whole, which are put together here. The numbers are in reading order of the cells'
first pixels, the same whoever did which region and when.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.pipeline.region import BAND_PX
from coverslip.tiling import join, meet, seen_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from coverslip.pipeline.store import RegionStore
    from coverslip.tiling import Region, Window

    Labels = NDArray[np.unsignedinteger[Any]]

# What is held at once: pixels outside of their regions, for the rows above, beside and below; bands
# of regions, for a row of tiles within a region.
OVERFLOWS, BANDS, LEFT = 64, 16, 8


@dataclass(frozen=True)
class OversizeCell:
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
class Stitched:
    """The cells of a frame.

    Attributes:
        first_pixels: where they begin in the flat frame, ascending: cell n is the n-th.
        areas: their pixels.
        confluence: share of the frame that is covered by cells, those at its edge included.
        numbers: for each region, the cell that each of its own numbers stands for; 0: none.
        oversize: those that no region saw whole.
        n_disputed: pixels that two regions gave to two cells.
    """

    first_pixels: NDArray[np.int64]
    areas: NDArray[np.int64]
    confluence: float
    numbers: list[NDArray[np.uint32]]
    oversize: list[OversizeCell]
    n_disputed: int

    @property
    def n_cells(self) -> int:
        """How many cells the frame has."""
        return len(self.first_pixels)


@dataclass(frozen=True)
class RegionLabels:
    """Random access to the labels of a frame whose regions are all done.

    Attributes:
        regions: in reading order.
        store: where their results are.
    """

    regions: Sequence[Region]
    store: RegionStore

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frame."""
        return self.regions[0].shape

    @cached_property
    def windows(self) -> NDArray[np.int64]:
        """(n regions, 4): first row, last row + 1, first column, last column + 1 of what it saw."""
        return np.array([self.store.get(one, "window")["window"] for one in self.regions])

    @cached_property
    def _own(self) -> Callable[[int], NDArray[np.bool_]]:
        """Whether a number of a region is that of a cell that it answers for."""

        @lru_cache(maxsize=OVERFLOWS)
        def own(number: int) -> NDArray[np.bool_]:
            found = self.store.get(self.regions[number], "n", "own")
            is_own = np.zeros(int(found["n"]) + 1, dtype=bool)
            is_own[found["own"]] = True
            return is_own

        return own

    @cached_property
    def _overflow(self) -> Callable[[int], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Rows, columns and numbers of a region's cells outside of its core."""

        @lru_cache(maxsize=OVERFLOWS)
        def overflow(number: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
            found = self.store.get(self.regions[number], "overflow_place", "overflow_number")
            top, _, left, right = self.windows[number]
            y, x = np.divmod(found["overflow_place"], np.int32(right - left))
            return y + np.int32(top), x + np.int32(left), found["overflow_number"]

        return overflow

    @cached_property
    def _band(self) -> Callable[[int, int], Labels]:
        @lru_cache(maxsize=BANDS)
        def band(number: int, index: int) -> Labels:
            name = f"rows_{index}"
            return self.store.get(self.regions[number], name)[name]

        return band

    @cached_property
    def left(self) -> Callable[[int], tuple[Labels, NDArray[np.bool_], int]]:
        """A core by its number: its labels, which pixels are no one's, and how many are two's."""

        @lru_cache(maxsize=LEFT)
        def left(number: int) -> tuple[Labels, NDArray[np.bool_], int]:
            core = self.regions[number].core
            labels = self.local(number, core)
            given = self._own(number)[labels]
            n_disputed = 0
            for _, at, _ in self.overflow_into(number, core):
                n_disputed += int(np.count_nonzero(given[at]))
                given[at] = True
            return labels, (labels > 0) & ~given, n_disputed

        return left

    def local(self, number: int, window: Window) -> Labels:
        """A region's own numbers in a window of the frame that lies in its core."""
        rows, columns = seen_from(window, self.regions[number].core)
        first, last = rows.start // BAND_PX, (rows.stop - 1) // BAND_PX
        bands = [self._band(number, index)[:, columns] for index in range(first, last + 1)]
        return np.concatenate(bands)[rows.start - first * BAND_PX : rows.stop - first * BAND_PX]

    def overflow_into(
        self, number: int, window: Window
    ) -> Iterator[tuple[int, tuple[NDArray[Any], NDArray[Any]], NDArray[Any]]]:
        """Whose cells reach into a window in a region's core, where, and their numbers there.

        The last region in reading order comes first: who overwrites leaves the first one's.
        """
        rows, columns = window
        top, bottom, left, right = self.windows.T
        meets = (top < rows.stop) & (bottom > rows.start)
        meets &= (left < columns.stop) & (right > columns.start)
        for other in np.flatnonzero(meets)[::-1].tolist():
            if other == number:
                continue
            y, x, numbers = self._overflow(other)
            inside = (rows.start <= y) & (y < rows.stop)
            inside &= (columns.start <= x) & (x < columns.stop)
            if inside.any():
                at = y[inside] - rows.start, x[inside] - columns.start
                yield other, at, numbers[inside]

    def part_at(self, place: int) -> tuple[int, int]:
        """The region and number of the part that a place in the flat frame is left to; 0: none."""
        y, x = divmod(place, self.shape[1])
        number = self.region_at(y, x)
        labels, left, _ = self.left(number)
        rows, columns = self.regions[number].core
        at = y - rows.start, x - columns.start
        return number, int(labels[at]) if left[at] else 0

    def region_at(self, y: int, x: int) -> int:
        """The number of the region whose core has a pixel."""
        rows, columns = self.regions[0].core
        n_across = self.regions[-1].place[1] + 1
        down, across = y // (rows.stop - rows.start), x // (columns.stop - columns.start)
        return int(down * n_across + across)

    def final(self, window: Window, numbers: Sequence[NDArray[np.uint32]]) -> NDArray[np.uint32]:
        """The cells in a window of the frame.

        Args:
            window: rows and columns.
            numbers: as `Stitched` has them.
        """
        rows, columns = window
        found = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint32)
        first, last = (
            self.region_at(rows.start, columns.start),
            self.region_at(rows.stop - 1, columns.stop - 1),
        )
        for region in self.regions[first : last + 1]:
            shared = meet(window, region.core)
            if shared is not None:
                found[seen_from(shared, window)] = self._painted(region.number, shared, numbers)
        return found

    def _painted(
        self, number: int, window: Window, numbers: Sequence[NDArray[np.uint32]]
    ) -> NDArray[np.uint32]:
        labels = self.local(number, window)
        found = numbers[number][labels]
        if len(self.regions) == 1:
            return found
        is_free = ~self._own(number)[labels]
        for other, (y, x), locals_ in self.overflow_into(number, window):
            free = is_free[y, x]
            found[y[free], x[free]] = numbers[other][locals_[free]]
        return found


def stitch_regions(found: RegionLabels, *, min_area_px: int, drop_border: bool) -> Stitched:
    """Number the cells of a frame in reading order of their first pixels.

    Every cell that a region has seen whole is that region's alone. What is left in the cores are
    parts of cells that no region saw whole; a region that says of a pixel beside its core that it
    belongs to one of its parts, and the region whose core that pixel is in, mean the same cell.

    Args:
        found: all of them.
        min_area_px: cells of fewer pixels go.
        drop_border: those at the frame's edge go.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile: a region is not there, or broken.
    """
    facts = [found.store.get(one, "n", "own", "first", "area", "stays") for one in found.regions]
    parts, n_disputed = _find_parts(found)
    cells = _join_parts(found, parts)
    height, width = found.shape
    large = [cell for cell in cells if sum(part.area for part in cell) >= min_area_px]
    kept = [cell for cell in large if not (drop_border and any(part.at_border for part in cell))]
    oversize = [_to_oversize(cell) for cell in kept]
    first_pixels = np.concatenate(
        [*(_stay(own, "first") for own in facts), [g.first for g in oversize]]
    )
    areas = np.concatenate([*(_stay(own, "area") for own in facts), [g.area for g in oversize]])
    order = np.argsort(first_pixels, kind="stable")
    first_pixels, areas = first_pixels[order].astype(np.int64), areas[order].astype(np.int64)
    numbers = [np.zeros(int(own["n"]) + 1, dtype=np.uint32) for own in facts]
    for lut, own in zip(numbers, facts, strict=True):
        lut[_stay(own, "own")] = np.searchsorted(first_pixels, _stay(own, "first")) + 1
    for whole, cell in zip(oversize, kept, strict=True):
        for part in cell:
            numbers[part.region][part.number] = np.searchsorted(first_pixels, whole.first) + 1
    covered = sum(int(own["area"].sum()) for own in facts)
    covered += sum(part.area for cell in large for part in cell)
    return Stitched(
        first_pixels=first_pixels,
        areas=areas,
        confluence=covered / (height * width),
        numbers=numbers,
        oversize=oversize,
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


def _find_parts(found: RegionLabels) -> tuple[dict[tuple[int, int], Part], int]:
    """The parts that are left, by region and number; and how many pixels two cells were given."""
    parts: dict[tuple[int, int], Part] = {}
    n_disputed = 0
    if len(found.regions) == 1:
        return parts, n_disputed  # a frame that is one region saw all of its cells
    for region in found.regions:
        labels, left, disputed = found.left(region.number)
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


def _join_parts(found: RegionLabels, parts: dict[tuple[int, int], Part]) -> list[list[Part]]:
    """The parts of each cell."""
    names = list(parts)
    places = {name: n for n, name in enumerate(names)}
    pairs = []
    for number in sorted({region for region, _ in names}):
        ring = found.store.get(found.regions[number], "contact_place", "contact_number")
        met = [
            (places.get((number, int(own))), places.get(found.part_at(int(place))))
            for place, own in zip(ring["contact_place"], ring["contact_number"], strict=True)
            if (number, int(own)) in places
        ]
        pairs += [(one, other) for one, other in met if one is not None and other is not None]
    joined = join(sorted(set(pairs)), n=len(names))
    cells: list[list[Part]] = [[] for _ in range(int(joined.max(initial=-1)) + 1)]
    for name, cell in zip(names, joined, strict=True):
        cells[cell].append(parts[name])
    return cells


def _to_oversize(cell: list[Part]) -> OversizeCell:
    area = sum(part.area for part in cell)
    boxes = np.array([part.box for part in cell])
    least, most = boxes.min(axis=0), boxes.max(axis=0)
    return OversizeCell(
        first=min(part.first for part in cell),
        area=area,
        centre=(sum(p.sums[0] for p in cell) / area, sum(p.sums[1] for p in cell) / area),
        box=(int(least[0]), int(most[1]), int(least[2]), int(most[3])),
    )
