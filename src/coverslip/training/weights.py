"""labels → how much each pixel counts in the loss: what is not known not at all, gaps more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.training.losses import MOST_WEIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOUCHING_PX = 2  # pixels with two cells within so many, on either side of the gap


def split_ignored(
    labels: NDArray[np.integer[Any]], start: int | None
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Take labels apart that also say which pixels are not to be learnt.

    Args:
        labels: (H, W); numbers from `start` on are of pixels to be ignored, which belong to the
            cell of that number less `start`, or to the background.
        start: None where no pixel is ignored.

    Returns:
        The cells' labels, and (H, W) bool, what is ignored.
    """
    if start is None:
        return labels.astype(np.int32), np.zeros(labels.shape, dtype=bool)
    ignored = labels >= start
    return np.where(ignored, labels - start, labels).astype(np.int32), ignored


def loss_weights(
    labels: NDArray[np.int32], ignored: NDArray[np.bool_], *, touching: float
) -> NDArray[np.float32]:
    """Weigh the pixels of an image for the loss.

    Args:
        labels: (H, W), 0 is background.
        ignored: (H, W) bool.
        touching: the weight of pixels that have two cells within `TOUCHING_PX`.

    Returns:
        (H, W) in [0, 1], shares of `coverslip.training.losses.MOST_WEIGHT`.
    """
    weights = np.where(touches(labels), touching, 1.0)
    weights[ignored] = 0.0
    return (weights / MOST_WEIGHT).astype(np.float32)


def touches(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Where two cells are near: of the square around the pixel, one number is not the only one."""
    side = 2 * TOUCHING_PX + 1
    far = np.iinfo(np.int32).max
    largest = ndimage.maximum_filter(labels, side)
    smallest = ndimage.minimum_filter(np.where(labels > 0, labels, far), side)
    near: NDArray[np.bool_] = (largest > 0) & (smallest != largest)
    return near
