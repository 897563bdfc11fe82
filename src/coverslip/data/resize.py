"""image and labels → the same, their cells of a wanted size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coverslip.cells import cell_sizes
from coverslip.images import resize_image, resize_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Beyond it an image with few or odd cells would become a blur, or a speck.
MOST_ZOOM = 4.0


def zoom_to(labels: NDArray[np.int32], *, size_px: float) -> float:
    """By how much an image must grow for its cells to have a median diameter.

    Args:
        labels: (H, W), 0 is background.
        size_px: the diameter wanted, in px, of the disk that has the cell's area.

    Returns:
        From 1 / `MOST_ZOOM` to `MOST_ZOOM`; 1 where there is no cell.
    """
    sizes = cell_sizes(labels)
    if not len(sizes):
        return 1.0
    return float(np.clip(size_px / np.median(sizes), 1 / MOST_ZOOM, MOST_ZOOM))


def resize_both(
    image: NDArray[np.float32], labels: NDArray[np.int32], *, zoom: float
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Resize an image (H, W) or (H, W, 3) and its labels (H, W) by one factor."""
    height, width = (max(1, round(zoom * length)) for length in labels.shape)
    return resize_image(image, (height, width)), resize_labels(labels, (height, width))
