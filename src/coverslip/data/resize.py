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


def to_cell_size(
    image: NDArray[np.float32], labels: NDArray[np.int32], *, size_px: float
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Resize an image so that its cells have a median diameter, by at most `MOST_ZOOM` times.

    Args:
        image: (H, W) or (H, W, 3).
        labels: (H, W), 0 is background. Without any cell the size stays as it is.
        size_px: the diameter wanted, in px, of the disk that has the cell's area.

    Returns:
        Both, of one new size.
    """
    sizes = cell_sizes(labels)
    if not len(sizes):
        return image, labels
    zoom = float(np.clip(size_px / np.median(sizes), 1 / MOST_ZOOM, MOST_ZOOM))
    height, width = (max(1, round(zoom * length)) for length in labels.shape)
    return resize_image(image, (height, width)), resize_labels(labels, (height, width))
