"""labels + what a person asks for → labels of a window: a cell deleted, merged, split or drawn.

Each tool takes the labels of a whole frame, leaves them as they are, and gives the window that it
changes. A cell that is drawn never takes pixels from another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from skimage.draw import line as draw_line
from skimage.draw import polygon

from coverslip.errors import DataError
from coverslip.segmentation.separation import separate_part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.uint32]

REACH_PX = 3  # by which a cutting line is made longer at both ends: a hand stops short of the edge
GAP_PX = 2  # between two cells that are merged, this much background becomes cell
SEEN = 0.02  # probability below which the network sees nothing at a click
NECK = 24  # a neck thinner than about a twelfth of the reach is no part of a cell
SHARE = 0.5  # of the probability at the click, down to which its cell reaches


class Window(NamedTuple):
    """Labels of a part of a frame.

    Attributes:
        top: first row.
        left: first column.
        labels: (h, w) of the part.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import delete_cells
        >>> window = delete_cells(np.array([[0, 0, 0], [0, 7, 7], [0, 0, 2]]), [7])
        >>> window.top, window.left, window.labels.tolist()
        (1, 1, [[0, 0]])
    """

    top: int
    left: int
    labels: Labels


def delete_cells(labels: Labels, numbers: Sequence[int]) -> Window:
    """Make the pixels of some cells background.

    Raises:
        DataError: none of them is there.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import delete_cells
        >>> labels = np.array([[1, 0, 2], [1, 0, 2]], np.uint32)
        >>> window = delete_cells(labels, [2])
        >>> window.left, window.labels.tolist()
        (2, [[0], [0]])
    """
    found = cut_out(labels, numbers)
    return found._replace(labels=np.where(np.isin(found.labels, numbers), 0, found.labels))


def merge_cells(labels: Labels, numbers: Sequence[int]) -> Window:
    """Make one cell of several, with the number of the first and the narrow gaps between them.

    Raises:
        DataError: there are not two of them.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import merge_cells
        >>> merge_cells(np.array([[4, 4, 7, 7]], np.uint32), [7, 4]).labels.tolist()
        [[7, 7, 7, 7]]
    """
    found = cut_out(labels, numbers)
    there = [number for number in dict.fromkeys(numbers) if (found.labels == number).any()]
    if len(there) < 2:
        raise DataError("to merge cells, choose two or more of them.")
    mask = np.pad(np.isin(found.labels, there), GAP_PX)
    closed = ndimage.binary_closing(mask, np.ones((3, 3), bool), iterations=GAP_PX)
    inner = closed[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX]
    taken = np.isin(found.labels, there) | (inner & (found.labels == 0))
    return found._replace(labels=np.where(taken, np.uint32(there[0]), found.labels))


def split_cell(
    labels: Labels, number: int, line: Sequence[tuple[float, float]], *, next_label: int
) -> Window:
    """Cut a cell in two or more pieces along a line.

    The largest piece keeps the number. The pixels under the line go to the nearest piece.

    Args:
        labels: (H, W).
        number: of the cell.
        line: its points, row and column.
        next_label: the number of the first new cell.

    Raises:
        DataError: no such cell, or a line that does not cut it.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import split_cell
        >>> cell = np.ones((1, 5), np.uint32)
        >>> split_cell(cell, 1, [(0, 3), (0, 3)], next_label=2).labels.tolist()
        [[1, 1, 1, 1, 2]]
    """
    found = cut_out(labels, [number])
    mask = found.labels == number
    cut = draw_stroke(lengthen(line), shape=labels.shape)
    cut = cut[found.top : found.top + mask.shape[0], found.left : found.left + mask.shape[1]]
    before, after = (ndimage.label(one) for one in (mask, mask & ~cut))
    if after[1] <= before[1]:
        raise DataError("the line does not cut the cell in two: draw it from edge to edge.")
    nearest = ndimage.distance_transform_edt(
        after[0] == 0, return_distances=False, return_indices=True
    )
    pieces = after[0][tuple(nearest)]
    sizes = np.bincount(pieces[mask], minlength=after[1] + 1)
    order = np.argsort(-sizes[1:], kind="stable") + 1
    numbers = np.zeros(after[1] + 1, dtype=np.uint32)
    numbers[order] = [number, *range(next_label, next_label + len(order) - 1)]
    return found._replace(labels=np.where(mask, numbers[pieces], found.labels))


def draw_cell(labels: Labels, points: Sequence[tuple[float, float]], *, number: int) -> Window:
    """Draw a cell by its outline; what other cells have stays theirs.

    A cell that has the number already is drawn anew.

    Args:
        labels: (H, W).
        points: of the outline, row and column; the last is joined with the first.
        number: of the cell.

    Raises:
        DataError: the outline holds no free pixel.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import draw_cell
        >>> square = [(0, 0), (0, 2), (2, 2), (2, 0)]
        >>> window = draw_cell(np.zeros((4, 4), np.uint32), square, number=5)
        >>> int((window.labels == 5).sum())
        9
    """
    outline = np.array(points, dtype=float).reshape(-1, 2)
    rows, columns = polygon(  # type: ignore[no-untyped-call]
        outline[:, 0], outline[:, 1], shape=labels.shape
    )
    free = np.isin(labels[rows, columns], (0, number))
    if not free.any():
        raise DataError(
            "the outline holds no pixel that is free: draw it in the image, and not on other cells."
        )
    mask = labels == number
    mask_new = np.zeros_like(mask)
    mask_new[rows[free], columns[free]] = True
    window = bounds(mask | mask_new)
    part = labels[window]
    cleared = np.where(mask[window], np.uint32(0), part)
    drawn = np.where(mask_new[window], np.uint32(number), cleared)
    return Window(window[0].start, window[1].start, drawn)


def fill_cell(labels: Labels, number: int) -> Window:
    """Fill the holes of a cell.

    Raises:
        DataError: no such cell, or one without holes.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import fill_cell
        >>> ring = np.ones((3, 3), np.uint32)
        >>> ring[1, 1] = 0
        >>> int(fill_cell(ring, 1).labels[1, 1])
        1
    """
    found = cut_out(labels, [number])
    filled = ndimage.binary_fill_holes(found.labels == number) & (found.labels == 0)
    if not filled.any():
        raise DataError(f"cell {number} has no holes to fill.")
    return found._replace(labels=np.where(filled, np.uint32(number), found.labels))


def grow_cell(
    labels: Labels,
    point: tuple[int, int],
    probs: Mapping[str, NDArray[np.float32]],
    *,
    number: int,
    reach_px: int = 256,
) -> Window:
    """Propose the cell at a click, from what a network said of the image.

    It reaches as far as the network is half as sure as at the click, and as it is told apart from
    its neighbours. That finds cells that lie below the threshold.

    Args:
        labels: (H, W).
        point: row and column of the click.
        probs: the network's maps (H, W) by their names, the mask first.
        number: of the new cell.
        reach_px: it lies within this distance of the click.

    Raises:
        DataError: there is a cell already, or the network sees none.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import grow_cell
        >>> probs = np.zeros((9, 9), np.float32)
        >>> probs[3:6, 3:6] = 0.2
        >>> found = grow_cell(np.zeros((9, 9), np.uint32), (4, 4), {"mask": probs}, number=1)
        >>> int((found.labels == 1).sum())
        9
    """
    row, column = point
    if labels[row, column]:
        raise DataError("there is a cell already: click where one is missing.")
    rows = slice(max(0, row - reach_px), row + reach_px + 1)
    columns = slice(max(0, column - reach_px), column + reach_px + 1)
    maps = {name: one[rows, columns] for name, one in probs.items()}
    sure = next(iter(maps.values()))
    at = row - rows.start, column - columns.start
    near = sure[max(0, at[0] - 1) : at[0] + 2, max(0, at[1] - 1) : at[1] + 2]
    if near.max() < SEEN:
        raise DataError("the network sees no cell there: draw it by its outline or with the brush.")
    free = labels[rows, columns] == 0
    mask = (sure > SHARE * float(np.median(near))) & free & disk_at(at, sure.shape, reach_px)
    mask[at] = True
    pieces, _ = separate_part(mask, maps)
    cell = piece_at(pieces == pieces[at] if pieces[at] else mask, at)
    core = ndimage.binary_opening(cell, iterations=max(1, reach_px // NECK))
    cell = piece_at(core, at) if core[at] else cell  # without the necks into its neighbours
    cell = ndimage.binary_fill_holes(cell) & free
    window = bounds(cell)
    part = labels[rows, columns][window]
    top, left = rows.start + window[0].start, columns.start + window[1].start
    return Window(top, left, np.where(cell[window], np.uint32(number), part))


def disk_at(at: tuple[int, int], shape: tuple[int, ...], radius_px: float) -> NDArray[np.bool_]:
    """The pixels within a distance of one."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    near: NDArray[np.bool_] = (rows - at[0]) ** 2 + (columns - at[1]) ** 2 <= radius_px**2
    return near


def piece_at(mask: NDArray[np.bool_], at: tuple[int, int]) -> NDArray[np.bool_]:
    """The connected piece of a mask at a pixel of it."""
    pieces, _ = ndimage.label(mask)
    found: NDArray[np.bool_] = pieces == pieces[at]
    return found


def cut_out(labels: Labels, numbers: Sequence[int]) -> Window:
    """The smallest window that holds some cells.

    Raises:
        DataError: none of them is there.
    """
    mask = labels == numbers[0] if len(numbers) == 1 else np.isin(labels, numbers)
    if len(numbers) == 0 or not mask.any():
        names = ", ".join(map(str, list(numbers)[:5]))
        raise DataError(f"there is no cell {names} in this image: it may be deleted already.")
    window = bounds(mask)
    return Window(window[0].start, window[1].start, labels[window].copy())


def bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest window that holds all pixels of a mask, which has some."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def lengthen(line: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """A line that goes on for some pixels at both ends."""
    points = np.array(line, dtype=float).reshape(-1, 2)
    if len(points) < 2 or (points == points[0]).all():
        return points
    for end, inner in ((0, 1), (-1, -2)):
        step = points[end] - points[inner]
        length = float(np.hypot(*step))
        if length > 0:
            points[end] = points[end] + step / length * REACH_PX
    return points


def draw_stroke(points: NDArray[np.float64], *, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels under a line of one pixel's width."""
    mask = np.zeros(shape, dtype=bool)
    corners = np.rint(points).astype(int)
    for start, stop in zip(corners, corners[1:] if len(corners) > 1 else corners, strict=False):
        rows, columns = draw_line(*start, *stop)  # type: ignore[no-untyped-call]
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        mask[rows[inside], columns[inside]] = True
    return mask
