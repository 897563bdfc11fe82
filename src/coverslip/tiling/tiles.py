"""arrays → tiles → arrays: even windows, cut out and blended back.

Along each axis the tiles lie evenly and overlap by at least `overlap` pixels. In the middle of
every overlap one tile hands over to the next on a smooth ramp half an overlap wide. What is left of
the overlap, a quarter or more at each inner edge, has the weight zero: there a network has seen its
own padding instead of the neighbouring pixels, and nothing of that reaches the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# Weights along one axis are multiples of 1/4096, so products of two of them fit into the 24 bits of
# a float32, and the weights of a pixel sum to one exactly, not nearly.
WEIGHT_STEPS = 4096


@dataclass(frozen=True)
class Grid:
    """Where the tiles of an image lie.

    Attributes:
        tile: height and width of every tile, in pixels. A tile may reach over the lower and right
            edge of the image; `cut` fills it up by reflection.
        starts: first rows and first columns of the tiles.
        weights: for each axis (n tiles, tile length) float32, the weight of each pixel of a tile.

    Example:
        >>> from coverslip.tiling import lay_tiles
        >>> grid = lay_tiles((100, 260), tile=128, overlap=32, multiple=32)
        >>> grid.tile, grid.starts
        ((128, 128), ((0,), (0, 64, 160)))
        >>> grid.indices, grid.corner((0, 1))
        ([(0, 0), (0, 1), (0, 2)], (0, 64))
    """

    tile: tuple[int, int]
    starts: tuple[tuple[int, ...], tuple[int, ...]]
    weights: tuple[Floats, Floats]

    @property
    def indices(self) -> list[tuple[int, int]]:
        """Row and column of every tile in the grid, in reading order."""
        rows, columns = self.starts
        return [(i, j) for i in range(len(rows)) for j in range(len(columns))]

    def corner(self, index: tuple[int, int]) -> tuple[int, int]:
        """First row and first column of a tile, in pixels."""
        return self.starts[0][index[0]], self.starts[1][index[1]]


def lay_tiles(shape: tuple[int, int], *, tile: int, overlap: int, multiple: int = 1) -> Grid:
    """Lay tiles over an image of a shape (H, W).

    Each axis gets as few tiles as can be, and these are no longer than they must be: one of
    2048 px has three of 768 px rather than three of 1024 px, for little more than half the work.

    Args:
        shape: height and width of the image.
        tile: greatest side of a tile, in pixels, itself rounded up to `multiple`.
        overlap: least overlap of neighbours, in pixels, itself rounded up to `multiple`.
        multiple: every side and every start is a multiple of it (the stride of the network).

    Returns:
        The grid, with the weights that `blend` uses.

    Raises:
        ValueError: the rounded overlap is not smaller than the rounded tile.

    Example:
        >>> from coverslip.tiling import lay_tiles
        >>> grid = lay_tiles((2048, 2048), tile=1024, overlap=128)
        >>> grid.tile, grid.starts[0]
        ((768, 768), (0, 640, 1280))
    """
    tile, overlap = round_up(tile, multiple), round_up(overlap, multiple)
    sides = tuple(
        shortest_side(length, tile=tile, overlap=overlap, multiple=multiple) for length in shape
    )
    starts = tuple(
        tuple(
            even_starts(length, tile=side, overlap=min(overlap, side - multiple), multiple=multiple)
        )
        for length, side in zip(shape, sides, strict=True)
    )
    weights = tuple(
        weights_1d(first, tile=side, overlap=overlap)
        for first, side in zip(starts, sides, strict=True)
    )
    return Grid((sides[0], sides[1]), (starts[0], starts[1]), (weights[0], weights[1]))


def shortest_side(length: int, *, tile: int, overlap: int, multiple: int = 1) -> int:
    """The side of the shortest tiles that cover an axis in the same number as the longest do.

    Args:
        length: pixels to cover.
        tile: longest side, a multiple of `multiple`.
        overlap: least overlap of neighbours, a multiple of `multiple`, smaller than the tile.
        multiple: of which the side is one too.

    Raises:
        ValueError: as for `even_starts`.
    """
    n = len(even_starts(length, tile=tile, overlap=overlap, multiple=multiple))
    covered = round_up(length, multiple) + (n - 1) * overlap
    return round_up(-(-covered // n), multiple)


def even_starts(length: int, *, tile: int, overlap: int, multiple: int = 1) -> list[int]:
    """Place as few tiles as cover an axis, as evenly as the multiple allows.

    Args:
        length: pixels to cover; the last tile may reach over the end by less than `multiple`.
        tile: side of a tile, a multiple of `multiple`.
        overlap: least overlap of neighbours, a multiple of `multiple`, smaller than the tile.
        multiple: every start is a multiple of it.

    Returns:
        First pixel of each tile, ascending, from 0.

    Raises:
        ValueError: the numbers are not multiples, or the overlap is not smaller than the tile.
    """
    if tile % multiple or overlap % multiple:
        raise ValueError(f"tile {tile} and overlap {overlap} must be multiples of {multiple}")
    if not 0 <= overlap < tile:
        raise ValueError(f"the overlap, {overlap} px, must be smaller than the tile, {tile} px")
    # From here on everything is counted in multiples.
    way = max(0, round_up(length, multiple) - tile) // multiple
    longest_step = (tile - overlap) // multiple
    steps = -(-way // longest_step)
    return [i * way // steps * multiple for i in range(steps + 1)] if steps else [0]


def weights_1d(starts: Sequence[int], *, tile: int, overlap: int) -> Floats:
    """Weigh the pixels of the tiles of one axis; at every pixel the weights sum to one exactly.

    Args:
        starts: first pixel of each tile, ascending.
        tile: side of a tile, in pixels.
        overlap: least overlap of neighbours, in pixels; the ramps are half as wide.

    Returns:
        (n, tile) float32 from 0 to 1, multiples of 1/4096.
    """
    first = np.asarray(starts)
    pixels = first[:, None] + np.arange(tile)
    middles = (first[1:] + first[:-1] + tile)[:, None] / 2
    width = max(1.0, overlap / 2)
    # A tile holds what its left neighbour has handed over, less what it hands over itself. Each
    # ramp counts once with either sign, so the sum over the tiles telescopes to one.
    weights = np.ones(pixels.shape, dtype=np.float32)
    weights[1:] = _ramp(pixels[1:], middle=middles, width=width)
    weights[:-1] -= _ramp(pixels[:-1], middle=middles, width=width)
    return weights


def cut(image: NDArray[Any], *, grid: Grid, index: tuple[int, int]) -> NDArray[Any]:
    """Cut a tile out of an image (..., H, W), which is reflected at its lower and right edge.

    Args:
        image: any array whose last two axes are rows and columns, neither of them empty.
        grid: the tiles' places.
        index: row and column of the tile in the grid.

    Returns:
        A copy (..., height, width).
    """
    height, width = image.shape[-2:]

    def read(rows: slice, columns: slice) -> NDArray[Any]:
        return image[..., rows, columns]

    return cut_from(read, shape=(height, width), grid=grid, index=index)


def cut_from(
    read: Callable[[slice, slice], NDArray[Any]],
    *,
    shape: tuple[int, int],
    grid: Grid,
    index: tuple[int, int],
) -> NDArray[Any]:
    """Cut a tile, as `cut` does, out of an image that is read piece by piece.

    Args:
        read: gives the pixels (..., h, w) of some rows and columns.
        shape: height and width of the whole image.
        grid: the tiles' places.
        index: row and column of the tile in the grid.

    Returns:
        A copy (..., height, width).

    Example:
        >>> import numpy as np
        >>> from coverslip.tiling import cut_from, lay_tiles
        >>> image = np.arange(6).reshape(1, 6)
        >>> grid = lay_tiles((1, 6), tile=4, overlap=1)
        >>> read = lambda rows, columns: image[rows, columns]
        >>> [cut_from(read, shape=(1, 6), grid=grid, index=at).tolist() for at in grid.indices]
        [[[0, 1, 2, 3]], [[2, 3, 4, 5]]]
    """
    rows, columns = (
        _reflect(np.arange(start, start + side), length=length)
        for start, side, length in zip(grid.corner(index), grid.tile, shape, strict=True)
    )
    top, left = int(rows.min()), int(columns.min())
    there = read(slice(top, int(rows.max()) + 1), slice(left, int(columns.max()) + 1))
    ends = zip(grid.corner(index), grid.tile, shape, strict=True)
    if all(start + side <= length for start, side, length in ends):
        return there.copy()  # nothing is reflected
    part: NDArray[Any] = there[..., (rows - top)[:, None], columns - left]
    return part


def tiles_in(grid: Grid, rows: slice, columns: slice) -> list[tuple[int, int]]:
    """The tiles that have a say in some rows and columns, in reading order.

    Example:
        >>> from coverslip.tiling import lay_tiles, tiles_in
        >>> grid = lay_tiles((100, 300), tile=128, overlap=32)
        >>> tiles_in(grid, slice(0, 100), slice(0, 50))
        [(0, 0)]
    """
    down, across = (
        [
            number
            for number, start in enumerate(starts)
            if weights[number, max(0, part.start - start) : max(0, part.stop - start)].any()
        ]
        for starts, weights, part in zip(grid.starts, grid.weights, (rows, columns), strict=True)
    )
    return [(i, j) for i in down for j in across]


def blend(
    canvas: Floats,
    part: Floats,
    *,
    grid: Grid,
    index: tuple[int, int],
    origin: tuple[int, int] = (0, 0),
) -> None:
    """Add a tile's values, weighted, to the canvas; after all tiles it holds the blended image.

    Args:
        canvas: (..., H, W) float32, zeros at first; changed in place.
        part: (..., height, width) float32, what became of the tile.
        grid: the tiles' places and weights.
        index: row and column of the tile in the grid.
        origin: the place in the image of the canvas's first pixel.

    Example:
        >>> import numpy as np
        >>> from coverslip.tiling import blend, cut_from, lay_tiles
        >>> image = np.random.default_rng(0).random((40, 70), np.float32)
        >>> grid = lay_tiles(image.shape, tile=32, overlap=8)
        >>> canvas = np.zeros_like(image)
        >>> for index in grid.indices:
        ...     part = cut_from(lambda *at: image[at], shape=image.shape, grid=grid, index=index)
        ...     blend(canvas, part, grid=grid, index=index)
        >>> bool(np.allclose(canvas, image))  # weights sum to one
        True
    """
    top, left = (start - first for start, first in zip(grid.corner(index), origin, strict=True))
    height, width = canvas.shape[-2:]
    rows = slice(max(0, -top), max(0, min(grid.tile[0], height - top)))
    columns = slice(max(0, -left), max(0, min(grid.tile[1], width - left)))
    weights = grid.weights[0][index[0], rows, None] * grid.weights[1][index[1], columns]
    target = canvas[..., top + rows.start : top + rows.stop, left + columns.start :]
    target[..., : columns.stop - columns.start] += part[..., rows, columns] * weights


def round_up(number: int, multiple: int) -> int:
    """Round up to the next multiple; a multiple stays what it is.

    Example:
        >>> from coverslip.tiling import round_up
        >>> round_up(100, 32), round_up(96, 32)
        (128, 96)
    """
    return -(-number // multiple) * multiple


def _ramp(pixels: NDArray[Any], *, middle: NDArray[Any], width: float) -> Floats:
    """Rise smoothly (3t² - 2t³) from 0 to 1; a middle of 5.0 is the left edge of pixel 5."""
    t = np.clip((pixels + 0.5 - middle) / width + 0.5, 0.0, 1.0)
    steps = np.round(t * t * (3.0 - 2.0 * t) * WEIGHT_STEPS)
    ramp: Floats = (steps / WEIGHT_STEPS).astype(np.float32)
    return ramp


def _reflect(positions: NDArray[Any], *, length: int) -> NDArray[Any]:
    """Fold positions past the end back into 0..length-1, the last pixel not repeated."""
    if length == 1:
        return np.zeros_like(positions)
    folded = positions % (2 * length - 2)
    inside: NDArray[Any] = np.minimum(folded, 2 * length - 2 - folded)
    return inside
