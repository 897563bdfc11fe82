"""mask of cells with their halo → mask of the cells: PHANTAST's second step.

From the rim of the mask, pixels are eaten towards the brighter side, as long as there is mask on
that side. On the outer flank of a halo that is inwards, so it goes; on the inner flank it is
outwards, where nothing is left, so the cell stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from coverslip.classical.areas import EIGHT_NEIGHBOURS, FOUR_NEIGHBOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# (rows, columns) to the neighbour in the east, and on against the clock.
DIRECTIONS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
CONE = np.array([-1, 0, 1])  # a direction and those 45 degrees to its sides
MAJORITY_PASSES = 20  # of the authors' program; few masks change for so long


def remove_halo(
    grey: NDArray[np.float64], mask: NDArray[np.bool_], *, freeze_ratio: float
) -> NDArray[np.bool_]:
    """Eat the mask's rim towards the brighter side, pass by pass.

    A pixel is tried once: it goes where the mask, as it was before the pass, has a pixel in its
    cone, and those pixels are tried next. Pixels at the border of the image always stay.

    Args:
        grey: (H, W), the image.
        mask: (H, W) bool, cells with their halo.
        freeze_ratio: an 8-connected piece with less than this share of its area loses no more.

    Returns:
        (H, W) bool.
    """
    pieces = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)[0].ravel()
    areas = np.bincount(pieces)
    remaining = areas.copy()
    towards = brighter_side(grey).ravel()
    steps = np.array([down * mask.shape[1] + right for down, right in DIRECTIONS])
    left = mask.flatten()
    inside = np.zeros(mask.shape, dtype=bool)
    inside[1:-1, 1:-1] = True
    tried = ~inside.ravel()

    queue = np.flatnonzero(rim(mask))
    while queue.size:
        queue = queue[~tried[queue]]
        tried[queue] = True
        cone = queue[:, None] + steps[(towards[queue, None] + CONE) % len(steps)]
        is_mask = left[cone]
        eaten = queue[is_mask.any(axis=1)]
        queue = np.unique(cone[is_mask])
        left[eaten] = False
        remaining -= np.bincount(pieces[eaten], minlength=len(areas))
        frozen = remaining < freeze_ratio * areas
        queue = queue[~frozen[pieces[queue]]]
    return left.reshape(mask.shape)


def rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask's pixels beside the background, outside of it or in its holes."""
    inside = ndimage.binary_erosion(mask, structure=FOUR_NEIGHBOURS, border_value=0)
    return mask & ~inside


def brighter_side(grey: NDArray[np.float64]) -> NDArray[np.intp]:
    """The direction of the strongest of Kirsch's eight kernels at each pixel, of equals the first.

    A kernel weighs the three neighbours of its side by 5 and the other five by -3, which is eight
    times the three less three times all eight. The latter is the same in all directions, so the
    side with the brightest three neighbours wins. Outside of the image it is dark. What differs by
    no more than the rounding of float32 is equal, or grey levels would tie by chance.

    Args:
        grey: (H, W).

    Returns:
        (H, W) of indices into DIRECTIONS.
    """
    height, width = grey.shape
    padded = np.pad(grey, 1)
    ring = [padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in DIRECTIONS]
    side = np.zeros(grey.shape, dtype=np.intp)
    brightest = np.full(grey.shape, -np.inf)
    rounding = 4 * np.finfo(np.float32).eps * np.abs(grey).max()
    for number in range(len(ring)):
        three = ring[number - 1] + ring[number] + ring[(number + 1) % len(ring)]
        better = three > brightest + rounding
        side[better] = number
        brightest[better] = three[better]
    return side


def tidy(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let each pixel follow the majority of its 3 × 3, at most 20 times; then drop single pixels.

    Outside of the image there is background.
    """
    for _ in range(MAJORITY_PASSES):
        smoother = count_nine(mask) >= 5
        if (smoother == mask).all():
            break
        mask = smoother
    return mask & (count_nine(mask) > 1)


def count_nine(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How many pixels of the 3 × 3 around each are in the mask."""
    counts = mask.astype(np.uint8)
    for axis in (0, 1):
        counts = ndimage.correlate1d(counts, [1, 1, 1], axis=axis, mode="constant")
    return counts
