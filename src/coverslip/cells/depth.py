"""labels → how deep each pixel lies in its cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray


def label_depth(labels: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Measure how far each pixel lies from the rim of its cell.

    One distance transform for all cells: the nearest rim pixel of any cell is one of the pixel's
    own, since every way out of a cell leads over its rim.

    Args:
        labels: (H, W) integer, 0 is background. What touches the image's edge goes on beyond it.

    Returns:
        (H, W) float32: in px, 1 at a cell's rim and more inside; 0 for background.
    """
    inside = labels > 0
    rim = _rim(labels) & inside
    if not rim.any():
        return inside * np.float32(max(labels.shape, default=0))
    depth: NDArray[np.float32] = (ndimage.distance_transform_edt(~rim) + 1.0).astype(np.float32)
    depth[~inside] = 0.0
    return depth


def _rim(labels: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Pixels with another label above, below, left or right."""
    rim = np.zeros(labels.shape, dtype=bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    rim[1:] |= down
    rim[:-1] |= down
    rim[:, 1:] |= right
    rim[:, :-1] |= right
    return rim
