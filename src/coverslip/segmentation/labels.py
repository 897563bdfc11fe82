"""probabilities → mask → labels: numbered, holes filled, small ones dropped.

Semantic segmentation becomes instance segmentation here, by connected components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]

# Pixels that touch at a corner belong to one cell; so background does not pass between them.
EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
FOUR_NEIGHBOURS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)


def probs_to_mask(probs: NDArray[np.floating[Any]], *, threshold: float = 0.5) -> NDArray[np.bool_]:
    """Call cell what exceeds the threshold.

    Args:
        probs: (H, W) in [0, 1].
        threshold: a cell's pixels have a probability above it, in [0, 1].

    Returns:
        (H, W) bool.

    Raises:
        SettingsError: a threshold outside [0, 1].

    Example:
        >>> import coverslip, numpy as np
        >>> coverslip.probs_to_mask(np.array([[0.2, 0.5, 0.7]]), threshold=0.5).tolist()
        [[False, False, True]]
    """
    check_limits(threshold=threshold, min_area_px=0)
    mask: NDArray[np.bool_] = probs > threshold
    return mask


def check_limits(*, threshold: float, min_area_px: int) -> None:
    """Refuse limits that make no sense, which a caller may want before hours of prediction.

    Raises:
        SettingsError: a threshold outside [0, 1] or a negative area.

    Example:
        >>> from coverslip.segmentation import check_limits
        >>> check_limits(threshold=0.5, min_area_px=10)
        >>> check_limits(threshold=50, min_area_px=10)
        Traceback (most recent call last):
            ...
        coverslip.errors.SettingsError: the threshold is 50; it must lie in 0 to 1, 0.5 is usual.
    """
    if not 0.0 <= threshold <= 1.0:
        raise SettingsError(f"the threshold is {threshold}; it must lie in 0 to 1, 0.5 is usual.")
    if min_area_px < 0:
        raise SettingsError(f"the least area is {min_area_px} px; it must be 0 or more.")


def mask_to_labels(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Number the 8-connected pieces of a mask.

    Args:
        mask: (H, W) bool.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order of their first pixels.

    Raises:
        TypeError: the mask is not bool; labels would be merged where cells touch.

    Example:
        >>> import coverslip, numpy as np
        >>> mask = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 1]]) > 0
        >>> print(coverslip.mask_to_labels(mask))
        [[1 0 0 2]
         [0 1 0 2]
         [0 0 0 2]]
    """
    if mask.dtype != np.bool_:
        raise TypeError(f"the mask is {mask.dtype}; wanted bool, for instance labels > 0")
    labels, _ = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)
    return labels.astype(np.uint32)


def number_cells(labels: Labels) -> NDArray[np.uint32]:
    """Number the cells from 1 to n, in reading order of their first pixels; 0 stays background.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import number_cells
        >>> number_cells(np.array([[0, 9, 9], [4, 4, 0]])).tolist()
        [[0, 1, 1], [2, 2, 0]]
    """
    flat = labels.ravel()
    if flat.max(initial=0) > flat.size:  # a table with a row for each number would be too long
        _, flat = np.unique(flat, return_inverse=True)
        flat = flat + (labels.min() != 0)
    first = np.full(int(flat.max(initial=0)) + 1, flat.size)
    starts = flat != 0  # of a run of one number its first pixel stands for all
    starts[1:] &= flat[1:] != flat[:-1]
    places = np.flatnonzero(starts)[::-1]
    first[flat[places]] = places  # the last to be written is the first place
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < flat.size)]
    numbers = np.zeros(len(first), dtype=np.uint32)
    numbers[order] = np.arange(1, len(order) + 1, dtype=np.uint32)
    return numbers[flat].reshape(labels.shape)


def drop_cells(
    labels: Labels, *, min_area_px: int = 0, touching_border: bool = False
) -> NDArray[np.uint32]:
    """Leave cells out, and number the others anew.

    Args:
        labels: (H, W) integer, numbered from 1 to n.
        min_area_px: cells of fewer pixels go.
        touching_border: cells that touch the image's edge, and so may be cut off, go too.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import drop_cells
        >>> labels = np.array([[0, 0, 0, 0, 0], [0, 1, 0, 2, 0], [0, 0, 0, 2, 0], [0, 0, 0, 0, 0]])
        >>> print(drop_cells(labels, min_area_px=2))
        [[0 0 0 0 0]
         [0 0 0 1 0]
         [0 0 0 1 0]
         [0 0 0 0 0]]
    """
    keep = np.bincount(labels.ravel()) >= min_area_px
    keep[0] = False
    if touching_border:
        edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
        keep[np.unique(np.concatenate(edges))] = False
    return number_cells(np.where(keep[labels], labels, 0))


def fill_cells(labels: Labels) -> NDArray[np.uint32]:
    """Fill the holes that one cell alone surrounds; a hole between several cells stays.

    Args:
        labels: (H, W) integer, 0 is background.

    Returns:
        (H, W) uint32 with the same numbers.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import fill_cells
        >>> fill_cells(np.array([[3, 3, 3], [3, 0, 3], [3, 3, 3]])).tolist()
        [[3, 3, 3], [3, 3, 3], [3, 3, 3]]
    """
    filled = labels.astype(np.uint32)
    holes, n_holes = ndimage.label(labels == 0, structure=FOUR_NEIGHBOURS)
    if not n_holes:
        return filled
    low, high = np.full(n_holes + 1, np.iinfo(np.int64).max), np.zeros(n_holes + 1, dtype=np.int64)
    for hole, cell in _borders(holes, labels):
        np.minimum.at(low, hole, cell)
        np.maximum.at(high, hole, cell)
    edges = (holes[0], holes[-1], holes[:, 0], holes[:, -1])
    high[np.unique(np.concatenate(edges))] = 0  # what reaches the image's edge is no hole
    owner = np.where(low == high, high, 0)
    owner[0] = 0
    return np.where(labels == 0, owner[holes], filled).astype(np.uint32)


def _borders(holes: Labels, labels: Labels) -> list[tuple[Any, Any]]:
    """The numbers of every hole and cell that touch, once for each place and direction."""
    found = []
    for axis in (0, 1):
        before, after = (
            (slice(None, -1), slice(1, None))
            if axis == 0
            else ((slice(None), slice(None, -1)), (slice(None), slice(1, None)))
        )
        for here, there in ((before, after), (after, before)):
            at = (holes[here] > 0) & (labels[there] > 0)
            found.append((holes[here][at], labels[there][at].astype(np.int64)))
    return found


def cell_sizes(labels: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """The cells' diameters in px, those of disks of the same area, in order of their numbers.

    Args:
        labels: (H, W), 0 is background; numbers may be missing.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import cell_sizes
        >>> cell_sizes(np.full((10, 10), 7)).round(2).tolist()  # 100 px² = π / 4 × 11.28²
        [11.28]
    """
    areas = np.unique(labels[labels > 0], return_counts=True)[1]
    return np.asarray(2 * np.sqrt(areas / np.pi))
