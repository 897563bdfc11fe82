"""true × predicted labels, one image → how near their outlines are to one another.

The boundary F-score of an instance segmentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Forgives a pixel or two of a careful hand, and no more; and does so in a small image as in a large
# one, so that a cut image scores as the whole does. The 0.75 % of the diagonal that is usual for
# photographs is 2.7 px of 256 x 256, but 11 px of 1024 x 1024, where that can be a whole nucleus.
TOLERANCE_PX = 2.0


@dataclass(frozen=True)
class Outlines:
    """The outlines of one image, or of many.

    Attributes:
        true_px: Pixels of the outlines of true cells.
        pred_px: Pixels of the outlines of predicted cells.
        true_near_px: Those of `true_px` that have one of `pred_px` within the tolerance.
        pred_near_px: Those of `pred_px` that have one of `true_px` within the tolerance.

    Example:
        >>> from coverslip.metrics import Outlines
        >>> one = Outlines(true_px=2, pred_px=3, true_near_px=1, pred_near_px=1)
        >>> one + one
        Outlines(true_px=4, pred_px=6, true_near_px=2, pred_near_px=2)
    """

    true_px: int = 0
    pred_px: int = 0
    true_near_px: int = 0
    pred_near_px: int = 0

    def __add__(self, other: Outlines) -> Outlines:
        """Pool the outlines of two images (or sets of images) counted with one tolerance."""
        return Outlines(
            true_px=self.true_px + other.true_px,
            pred_px=self.pred_px + other.pred_px,
            true_near_px=self.true_near_px + other.true_near_px,
            pred_near_px=self.pred_near_px + other.pred_near_px,
        )


def count_outlines(
    truth: NDArray[Any], pred: NDArray[Any], *, tolerance_px: float = TOLERANCE_PX
) -> Outlines:
    """Count the pixels of both outlines, and those that are near the other.

    Args:
        truth: Labels, any shape; 0 and below is background.
        pred: Labels, the same shape.
        tolerance_px: The farthest, from centre to centre of two pixels, that is still near.

    Raises:
        ValueError: The tolerance is negative.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import count_outlines
        >>> truth = np.array([[0, 0, 1, 1, 1, 1, 1, 0, 0, 0]])
        >>> pred = np.array([[0, 0, 0, 1, 1, 1, 1, 1, 1, 1]])
        >>> count_outlines(truth, pred, tolerance_px=1)
        Outlines(true_px=2, pred_px=1, true_near_px=1, pred_near_px=1)
    """
    if not tolerance_px >= 0:
        raise ValueError(f"the tolerance is {tolerance_px} px; wanted 0 or more")
    true, predicted = (np.argwhere(outline(labels)) for labels in (truth, pred))
    return Outlines(
        true_px=len(true),
        pred_px=len(predicted),
        true_near_px=_count_near(true, predicted, tolerance_px),
        pred_near_px=_count_near(predicted, true, tolerance_px),
    )


def outline(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels of cells that have background or another cell at one of their sides.

    Where two cells touch, both have their outline there. The edge of the image is none: what is
    beyond is not known.

    Args:
        labels: Any shape; 0 and below is background.

    Returns:
        bool, the shape of the labels.

    Example:
        >>> import numpy as np
        >>> from coverslip.metrics import outline
        >>> outline(np.array([[0, 1, 1, 1, 2, 2]])).astype(int).tolist()
        [[0, 1, 0, 1, 1, 0]]
    """
    cells = np.maximum(labels, 0)
    edge = np.zeros(cells.shape, dtype=bool)
    for axis in range(cells.ndim):
        along, edge_along = np.moveaxis(cells, axis, 0), np.moveaxis(edge, axis, 0)
        changes = along[1:] != along[:-1]
        edge_along[1:] |= changes
        edge_along[:-1] |= changes
    edge &= cells > 0
    return edge


def _count_near(points: NDArray[np.intp], others: NDArray[np.intp], tolerance_px: float) -> int:
    """How many points have one of the others within the tolerance; a tree skips empty image."""
    if not len(points) or not len(others):
        return 0
    distances, _ = cKDTree(others).query(points, distance_upper_bound=tolerance_px + 1)
    return int(np.count_nonzero(distances <= tolerance_px))
