"""a frame's shape → regions that cover it; and parts that regions saw of one thing → one thing.

A frame that is larger than memory is done region by region. The cores of the regions lie side by
side and cover the frame once; around its core a region sees a margin, so that what begins in the
core is seen whole. A cell belongs to the region whose core has its first pixel in reading order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Window = tuple[slice, slice]
Sides = tuple[bool, bool, bool, bool]  # top, bottom, left, right


@dataclass(frozen=True)
class RegionSettings:
    """How a large frame is cut into regions.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> from coverslip.tiling import RegionSettings
        >>> RegionSettings(core_px=1000).most_px
        4000000
    """

    core_px: int = 2048  # with its margin 5.3 megapixels: all that is held stays below 1 GB
    margin_px: int = 128  # five cells wide at the scale that the models know
    most_margin_px: int = 1024  # what is longer is no cell, and a wider window would fill memory

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        if self.core_px < 0 or self.margin_px < 1 or self.most_margin_px < self.margin_px:
            raise SettingsError(
                f"regions of {self.core_px} px with a margin of {self.margin_px} to "
                f"{self.most_margin_px} px: wanted a region of 0 (never) or more and a margin of "
                "1 or more, its limit not below it."
            )

    @property
    def most_px(self) -> float:
        """The most pixels of a frame that is still done whole: four cores, 4096 × 4096.

        Up to there the whole takes no more memory than a computer with 8 GB has to spare, and it
        is faster, since nothing is looked at twice.
        """
        return 4 * self.core_px**2 if self.core_px else float("inf")


@dataclass(frozen=True)
class Region:
    """One piece of a frame.

    Attributes:
        number: from 0, in reading order.
        place: row and column among the regions.
        core: the rows and columns that it answers for.
        shape: height and width of the frame.

    Example:
        >>> from coverslip.tiling import lay_regions
        >>> region = lay_regions((100, 100), core=60)[3]
        >>> region.place, region.core
        ((1, 1), (slice(60, 100, None), slice(60, 100, None)))
        >>> region.window(10)
        (slice(50, 100, None), slice(50, 100, None))
    """

    number: int
    place: tuple[int, int]
    core: Window
    shape: tuple[int, int]

    def window(self, margin: int) -> Window:
        """Core and margin, as far as the frame goes."""
        rows, columns = (
            slice(max(0, part.start - margin), min(length, part.stop + margin))
            for part, length in zip(self.core, self.shape, strict=True)
        )
        return rows, columns


def lay_regions(shape: tuple[int, int], *, core: int) -> list[Region]:
    """Cover a frame (H, W) with cores of so many pixels a side, the last ones smaller.

    Example:
        >>> from coverslip.tiling import lay_regions
        >>> [region.core for region in lay_regions((50, 100), core=60)]
        [(slice(0, 50, None), slice(0, 60, None)), (slice(0, 50, None), slice(60, 100, None))]
    """
    rows, columns = (
        [slice(start, min(start + core, length)) for start in range(0, length, core)]
        for length in shape
    )
    return [
        Region(i * len(columns) + j, (i, j), (down, across), shape)
        for i, down in enumerate(rows)
        for j, across in enumerate(columns)
    ]


def whole_region(shape: tuple[int, int]) -> Region:
    """A frame (H, W) as one region without neighbours.

    Example:
        >>> from coverslip.tiling import whole_region
        >>> whole_region((50, 100)).core
        (slice(0, 50, None), slice(0, 100, None))
    """
    height, width = shape
    return Region(0, (0, 0), (slice(0, height), slice(0, width)), shape)


def beyond(window: Window, shape: tuple[int, int]) -> Sides:
    """Beyond which sides of a window the frame goes on.

    Example:
        >>> from coverslip.tiling import beyond
        >>> beyond((slice(0, 50), slice(10, 100)), (100, 100))  # top, bottom, left, right
        (False, True, True, False)
    """
    rows, columns = window
    height, width = shape
    return rows.start > 0, rows.stop < height, columns.start > 0, columns.stop < width


def meet(one: Window, other: Window) -> Window | None:
    """What two windows share, or None.

    Example:
        >>> from coverslip.tiling import meet
        >>> meet((slice(0, 50), slice(0, 50)), (slice(40, 90), slice(10, 90)))
        (slice(40, 50, None), slice(10, 50, None))
        >>> meet((slice(0, 50), slice(0, 50)), (slice(50, 90), slice(10, 90)))
    """
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def seen_from(part: Window, window: Window) -> Window:
    """The same pixels, counted from the corner of a window.

    Example:
        >>> from coverslip.tiling import seen_from
        >>> seen_from((slice(40, 50), slice(10, 50)), (slice(30, 90), slice(0, 90)))
        (slice(10, 20, None), slice(10, 50, None))
    """
    rows, columns = (
        slice(a.start - b.start, a.stop - b.start) for a, b in zip(part, window, strict=True)
    )
    return rows, columns


def join(pairs: Sequence[tuple[int, int]], *, n: int) -> NDArray[np.int64]:
    """Number things from 0, those that are said to be the same with the same number.

    Args:
        pairs: of things, each 0 to n - 1, that are the same.
        n: how many things there are.

    Returns:
        (n,), in the order of the first of each.

    Example:
        >>> from coverslip.tiling import join
        >>> join([(0, 2), (2, 4)], n=5).tolist()
        [0, 1, 0, 2, 0]
    """
    one, other = (
        np.array(column, dtype=np.int64)
        for column in (zip(*pairs, strict=True) if pairs else ([], []))
    )
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(n, n))
    _, numbers = connected_components(graph, directed=False)
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    joined: NDArray[np.int64] = order[inverse]
    return joined
