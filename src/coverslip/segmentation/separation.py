"""mask + maps → labels: touching cells told apart.

Instance segmentation: a watershed parts cells that touch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from coverslip.segmentation.labels import EIGHT_NEIGHBOURS, FOUR_NEIGHBOURS, number_cells
from coverslip.segmentation.window_edges import NOWHERE, at_the_edge, edge_distance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from coverslip.segmentation.window_edges import Sides

    Floats = NDArray[np.float32]
    Integers = NDArray[np.signedinteger[Any]]

# Chosen on inner splits of training images (docs/results/cells.md).
SMOOTH_PX = 1.0  # standard deviation: of neighbouring pixels of a map, one is a peak by chance
RISE = 0.15  # of a map in [0, 1], by which a cell's peak must rise above the saddle to the next
SHAPE_RISE = 0.25  # of a mask's depth, as a share of the peak's own
SEED_STEP = 2.0**-50  # less than what tells two heights apart, even times all seeds of a window
PINHOLE_PX = 16  # smaller holes of a mask say nothing of its shape


def separate(mask: NDArray[np.bool_], maps: Mapping[str, Floats]) -> NDArray[np.uint32]:
    """Part a mask into cells.

    Each peak of a landscape that is high inside of cells and low between them grows by a watershed
    (Beucher & Lantuéjoul 1979) until cells meet or the mask ends. Peaks count that rise enough
    above the saddle to the next (the h-maxima transform, Soille 2003, section 6.3.4). A piece of
    the mask with one peak, or none, is one cell.

    Args:
        mask: (H, W) bool.
        maps: what a network says, name → (H, W) float32 in [0, 1], keys of
        `coverslip.segmentation.MAPS`.
            The landscape is that of distances, else what is cell and no boundary, else the depth of
            the mask itself.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import separate
        >>> rows, columns = np.indices((20, 40))
        >>> left = (rows - 10) ** 2 + (columns - 11) ** 2 < 81
        >>> right = (rows - 10) ** 2 + (columns - 27) ** 2 < 81
        >>> labels = separate(left | right, {})  # two disks that touch
        >>> int(labels.max()), int(labels[10, 11]), int(labels[10, 27])
        (2, 1, 2)
    """
    labels, _ = separate_part(mask, maps)
    return labels


def separate_part(
    mask: NDArray[np.bool_], maps: Mapping[str, Floats], *, beyond: Sides = NOWHERE
) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Part a mask that may be a window of a larger one, as that would be parted.

    What is unseen counts as the lowest of the landscape. So a peak within the window is no lower,
    and a saddle to what lies beyond no higher, than in the whole; and a cell that stays clear of
    the edge is the cell of the whole, to the pixel.

    Args:
        mask: as for `separate`.
        maps: as for `separate`.
        beyond: at which sides the mask goes on; a strip of `UNSEEN_PX` there belongs to no cell.

    Returns:
        The labels; and (H, W) bool, where they are not sure, as `at_the_edge` has it.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import separate_part
        >>> mask = np.zeros((60, 60), dtype=bool)
        >>> mask[5:15, 10:20] = True  # seen whole
        >>> mask[30:, 30:50] = True  # goes on below
        >>> labels, unsure = separate_part(mask, {}, beyond=(False, True, False, False))
        >>> int(labels.max()), bool(unsure[labels == 1].any()), bool(unsure[labels == 2].any())
        (2, False, True)
    """
    mask, landscape, rise, edge = look_at(mask, maps, beyond=beyond)
    pieces, n_pieces = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)
    cores, _ = ndimage.label(peaks(landscape, rise=rise) & mask, structure=EIGHT_NEIGHBOURS)
    found = number_cells(grow_clumps(landscape, pieces, cores, n_pieces=n_pieces))
    return found, edge


def look_at(
    mask: NDArray[np.bool_], maps: Mapping[str, Floats], *, beyond: Sides
) -> tuple[NDArray[np.bool_], Floats, float, NDArray[np.bool_]]:
    """What is seen of a mask, its landscape and rise, and where labels will not be sure.

    Apart from what follows, so that no more than these four is held while cells grow: that is where
    the work on a large image needs most memory.
    """
    distance = edge_distance(mask.shape, beyond)
    seen = distance > 0
    landscape, rise, depth = make_landscape(mask, maps, seen=seen)
    edge = at_the_edge(distance, depth) if any(beyond) else np.zeros(mask.shape, dtype=bool)
    return mask & seen, landscape, rise, edge


def grow_clumps(landscape: Floats, pieces: Integers, cores: Integers, *, n_pieces: int) -> Integers:
    """Part each piece with two cores or more, and leave the others as they are.

    Pieces do not touch, so each grows by itself, in a window of its own: what a watershed holds
    beside its image would be most of the memory that a large image takes.

    Args:
        landscape: (H, W) float32.
        pieces: (H, W), from 1 to n.
        cores: (H, W), each within one piece.
        n_pieces: n.

    Returns:
        (H, W): pieces keep their numbers, cells of a piece that was parted get higher ones.
    """
    grown = pieces.copy()
    clumps = find_clumps(pieces, n_pieces, cores)
    windows = ndimage.find_objects(pieces)
    for clump in clumps.tolist():
        window = windows[clump - 1]
        inside = pieces[window] == clump
        cells = grow(landscape[window], np.where(inside, cores[window], 0), inside)
        grown[window][inside] = cells[inside] + n_pieces
    return grown


def grow(landscape: Floats, seeds: Integers, mask: NDArray[np.bool_]) -> Integers:
    """Let seeds grow down a landscape until they meet or the mask ends.

    Pixels of one height are taken in the order in which they are reached, and seeds of one height
    in reading order: else what is far away would decide, by the way in which scikit-image keeps
    its queue.
    """
    heights = np.negative(landscape, dtype=np.float64)
    places = np.flatnonzero(seeds)
    heights.ravel()[places] -= np.arange(len(places), 0, -1) * SEED_STEP
    grown: Integers = watershed(heights, seeds, mask=mask, connectivity=2)  # type: ignore[no-untyped-call]
    return grown


def make_landscape(
    mask: NDArray[np.bool_], maps: Mapping[str, Floats], *, seen: NDArray[np.bool_]
) -> tuple[Floats, float, NDArray[np.float64] | None]:
    """What is high inside of cells, and by how much a cell's peak must rise in it.

    What is no number counts as 0.

    Args:
        mask: (H, W) bool.
        maps: as for `separate`.
        seen: (H, W) bool, outside of which everything counts as background.

    Returns:
        The landscape (H, W), the rise, and the depth of the mask if that is what it is made of.
    """

    def known(name: str) -> Floats:
        return np.nan_to_num(maps[name], posinf=1.0)

    if "distance" in maps:
        return ndimage.gaussian_filter(known("distance"), SMOOTH_PX) * seen, RISE, None
    if "boundary" in maps:
        inside = (known("mask") if "mask" in maps else mask) * (1 - known("boundary"))
        return ndimage.gaussian_filter(inside, SMOOTH_PX) * seen, RISE, None
    # In logarithms a share of the height is a difference: a dent of two pixels parts two small
    # nuclei and not two halves of a large cell.
    depth = ndimage.distance_transform_edt(fill_pinholes(mask) & seen)
    rise = float(-np.log1p(-SHAPE_RISE))
    return np.log(np.maximum(depth, 1.0)).astype(np.float32), rise, depth


def peaks(landscape: Floats, *, rise: float) -> NDArray[np.bool_]:
    """The tops of a landscape that rise above every saddle to a higher one.

    Args:
        landscape: (H, W) float32.
        rise: by how much.

    Returns:
        (H, W) bool: each top down to `rise` below its peak, or to where its hill ends.
    """
    flooded = flood(landscape - np.float32(rise), landscape)
    tops: NDArray[np.bool_] = local_maxima(flooded)  # type: ignore[no-untyped-call]
    return tops


def fill_pinholes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without holes of fewer than `PINHOLE_PX` pixels."""
    holes, _ = ndimage.label(~mask, structure=FOUR_NEIGHBOURS)
    small = np.bincount(holes.ravel()) < PINHOLE_PX
    small[0] = False
    filled: NDArray[np.bool_] = mask | small[holes]
    return filled


def find_clumps(pieces: Integers, n_pieces: int, cores: Integers) -> NDArray[np.int64]:
    """The numbers of the pieces with two cores or more."""
    owner = np.zeros(int(cores.max(initial=0)) + 1, dtype=pieces.dtype)
    places = np.flatnonzero(cores)
    owner[cores.ravel()[places]] = pieces.ravel()[places]  # a core lies in one piece
    n_cores = np.bincount(owner[1:], minlength=n_pieces + 1)
    n_cores[0] = 0
    return np.flatnonzero(n_cores >= 2)


ROUNDS = 64  # a way of more turns than that is left to the slower code
STRIP = 16  # rows that are transposed at once: their part of a column fits into the nearest cache


def flood(low: Floats, high: Floats) -> Floats:
    """Greyscale reconstruction by dilation (Vincent 1993, section 4.2), for large images.

    Each pixel of the low landscape rises to the highest of its eight neighbours, as far as the high
    landscape lets it, until nothing rises any more. Sweeps down, up, right and left take whole rows
    at once, and after the first only those beside a row that rose: the result of scikit-image's,
    which sorts all pixels first, in a tenth of the time.

    Args:
        low: (H, W) float32, nowhere above `high`, finite.
        high: (H, W) float32, finite.

    Returns:
        (H, W) float32.
    """
    highs = high, transpose(high)
    rows = low.copy()
    del low  # nobody else may need it, and of a large image everything counts that is held
    waiting = [sweep(rows, high)]
    columns = transpose(rows)
    waiting.append(sweep(columns, highs[1]))
    seen = rows, columns
    rose = [np.ones(len(one), dtype=bool) for one in seen]
    for turn in range(ROUNDS):
        way = turn % 2
        waiting[way] |= carry(seen[1 - way], seen[way], rose[1 - way])
        if not (waiting[0].any() or waiting[1].any()):
            return rows
        rose[way] = push(seen[way], highs[way], waiting[way])
    carry(columns, rows, rose[1])
    finished: Floats = reconstruction(rows, high)  # type: ignore[no-untyped-call]
    return finished.astype(np.float32)


def transpose(image: Floats) -> Floats:
    """A copy (W, H) whose rows lie together, as fast for sides that are powers of two."""
    turned = np.empty(image.shape[::-1], dtype=image.dtype)
    for start in range(0, len(image), STRIP):
        turned[:, start : start + STRIP] = image[start : start + STRIP].T
    return turned


def carry(source: Floats, target: Floats, rose: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bring the rows of the source that rose into the columns of the target, in place.

    Returns:
        Which rows of the target rose by it.
    """
    found = np.zeros(len(target), dtype=bool)
    for start in range(0, len(source), STRIP):
        part = slice(start, start + STRIP)
        if rose[part].any():
            found |= (source[part] != target[:, part].T).any(axis=0)
            target[:, part] = source[part].T
    return found


def sweep(flooded: Floats, high: Floats) -> NDArray[np.bool_]:
    """Raise each row to the three pixels before it, downwards and then upwards, in place.

    Returns:
        (2, H): the rows that rose since they raised the one below, and the one above.
    """
    n = len(flooded)
    reach = np.empty_like(flooded[0])
    waiting = np.zeros((2, n), dtype=bool)
    for row in range(n - 1):
        here = flooded[row + 1]
        np.maximum(here, reach_of(flooded[row], high[row + 1], reach), out=here)
    before = flooded.copy()
    for row in range(n - 1, 0, -1):
        here = flooded[row - 1]
        np.maximum(here, reach_of(flooded[row], high[row - 1], reach), out=here)
    waiting[0] = (flooded != before).any(axis=1)
    return waiting


def push(flooded: Floats, high: Floats, waiting: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same for the rows alone that have a neighbour waiting, of which it is kept, in place.

    Returns:
        Which rows rose.
    """
    n = len(flooded)
    reach = np.empty_like(flooded[0])
    all_raised = np.zeros(n, dtype=bool)
    for way, rows, step in ((0, range(n - 1), 1), (1, range(n - 1, 0, -1), -1)):
        rose, raised = waiting[way].tolist(), []
        for row in rows:
            if rose[row]:
                here = flooded[row + step]
                reach_of(flooded[row], high[row + step], reach)
                if np.count_nonzero(reach > here):  # faster than any(), for a row
                    np.maximum(here, reach, out=here)
                    rose[row + step] = True
                    raised.append(row + step)
        waiting[way] = False
        waiting[1 - way, raised] = True
        all_raised[raised] = True
    return all_raised


def reach_of(row: Floats, high: Floats, reach: Floats) -> Floats:
    """How high a row raises the next one, as far as that one's `high` lets it; into `reach`."""
    right = row[1:]
    np.maximum(right, row[:-1], out=reach[1:])
    reach[0] = row[0]
    left = reach[:-1]
    np.maximum(left, right, out=left)
    np.minimum(reach, high, out=reach)
    return reach
