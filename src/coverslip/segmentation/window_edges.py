"""a window of a larger frame → what can be known of it, and what cannot.

A window is a frame of its own where the larger frame ends, and goes on beyond its other sides. What
lies there may change what is near: so a strip within those sides counts as unseen, and what depends
on more than was seen is told from what does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.segmentation.labels import EIGHT_NEIGHBOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Top, bottom, left, right: whether the frame goes on there.
Sides = tuple[bool, bool, bool, bool]
NOWHERE: Sides = (False, False, False, False)

# Of a hole of fewer pixels, one that deep in the window is seen whole (`PINHOLE_PX`); and no pixel
# that deep takes part in the smoothing of what lies beyond, which reaches 4 px.
UNSEEN_PX = 16
FAR = 2**30


def edge_distance(shape: tuple[int, ...], beyond: Sides) -> NDArray[np.int32]:
    """How far each pixel lies from what is unseen: 1 beside it, 0 and less within it.

    Args:
        shape: height and width of the window.
        beyond: at which sides the frame goes on.

    Returns:
        (H, W) int32, very large where the frame goes on at no side.

    Example:
        >>> from coverslip.segmentation import edge_distance
        >>> edge_distance((1, 20), (False, False, True, False))[0, 14:].tolist()
        [-1, 0, 1, 2, 3, 4]
    """
    top, bottom, left, right = beyond
    rows = _along(shape[0], before=top, after=bottom)
    columns = _along(shape[1], before=left, after=right)
    distance: NDArray[np.int32] = np.minimum(rows[:, None], columns).astype(np.int32)
    return distance


def _along(length: int, *, before: bool, after: bool) -> NDArray[np.int64]:
    """The same along one axis."""
    place = np.arange(length)
    first = place - UNSEEN_PX + 1 if before else np.full(length, FAR)
    last = length - UNSEEN_PX - place if after else np.full(length, FAR)
    return np.asarray(np.minimum(first, last))


def at_the_edge(
    distance: NDArray[np.int32], depth: NDArray[np.floating[Any]] | None = None
) -> NDArray[np.bool_]:
    """The pixels where a cell is not sure: it may go on, or be parted otherwise, beyond the edge.

    Args:
        distance: of `edge_distance`.
        depth: (H, W), how deep a pixel lies in its mask as far as was seen, where cells are parted
            by that: what lies as deep as it is far from the edge may lie deeper. None: by another
            map, which is known wherever it was seen.

    Returns:
        (H, W) bool.

    Example:
        >>> from coverslip.segmentation import at_the_edge, edge_distance
        >>> distance = edge_distance((1, 20), (False, False, True, False))
        >>> at_the_edge(distance)[0].nonzero()[0].tolist()
        [16]
    """
    edge: NDArray[np.bool_] = distance == 1
    if depth is not None:
        doubtful = (depth >= distance) & (distance > 0)
        edge |= ndimage.binary_dilation(doubtful, EIGHT_NEIGHBOURS)
    return edge
