"""the regions of a frame, each in its file → what lies where, read as it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.pipeline.large.region import BAND_PX
from coverslip.regions import meet, seen_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from coverslip.pipeline.large.kept import RegionFolder
    from coverslip.regions import Region, Window

    Labels = NDArray[np.unsignedinteger[Any]]

# What is held at once: pixels outside of their cores, for the rows above, beside and below; bands
# of cores, for a row of tiles within a region.
SPILLS, BANDS, LEFT = 64, 16, 8


@dataclass(frozen=True)
class Cores:
    """The regions of a frame that are all done.

    Attributes:
        regions: in reading order.
        folder: where they are kept.
    """

    regions: Sequence[Region]
    folder: RegionFolder

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frame."""
        return self.regions[0].shape

    @cached_property
    def windows(self) -> NDArray[np.int64]:
        """(n regions, 4): first row, last row + 1, first column, last column + 1 of what it saw."""
        return np.array([self.folder.get(one, "window")["window"] for one in self.regions])

    @cached_property
    def _own(self) -> Callable[[int], NDArray[np.bool_]]:
        """Whether a number of a region is that of a cell that it answers for."""

        @lru_cache(maxsize=SPILLS)
        def own(number: int) -> NDArray[np.bool_]:
            found = self.folder.get(self.regions[number], "n", "own")
            is_own = np.zeros(int(found["n"]) + 1, dtype=bool)
            is_own[found["own"]] = True
            return is_own

        return own

    @cached_property
    def _spill(self) -> Callable[[int], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Rows, columns and numbers of a region's cells outside of its core."""

        @lru_cache(maxsize=SPILLS)
        def spill(number: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
            found = self.folder.get(self.regions[number], "spill_place", "spill_number")
            top, _, left, right = self.windows[number]
            y, x = np.divmod(found["spill_place"], np.int32(right - left))
            return y + np.int32(top), x + np.int32(left), found["spill_number"]

        return spill

    @cached_property
    def _band(self) -> Callable[[int, int], Labels]:
        @lru_cache(maxsize=BANDS)
        def band(number: int, index: int) -> Labels:
            name = f"rows_{index}"
            return self.folder.get(self.regions[number], name)[name]

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
            for _, at, _ in self.spills_into(number, core):
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

    def spills_into(
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
            y, x, numbers = self._spill(other)
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
            numbers: as `Joined` has them.
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
        is_free = ~self._own(number)[labels]
        for other, (y, x), locals_ in self.spills_into(number, window):
            free = is_free[y, x]
            found[y[free], x[free]] = numbers[other][locals_[free]]
        return found
