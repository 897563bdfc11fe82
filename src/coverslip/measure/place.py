"""pixels of cells → where each cell lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.measure.gather import Pixels

Measures = dict[str, "NDArray[Any]"]


def places(
    pixels: Pixels, *, shape: tuple[int, ...], pixel_size_um: tuple[float, float] | None
) -> Measures:
    """Centroid and bounding box of each cell, and whether the image's edge cuts it."""
    height, width = shape
    y, x = pixels.means(pixels.y), pixels.means(pixels.x)
    top, bottom = pixels.least(pixels.y), pixels.greatest(pixels.y) + 1
    left, right = pixels.least(pixels.x), pixels.greatest(pixels.x) + 1
    found: Measures = {
        "centroid_y_px": y,
        "centroid_x_px": x,
        "bbox_top_px": top,
        "bbox_left_px": left,
        "bbox_bottom_px": bottom,
        "bbox_right_px": right,
        "touches_border": (np.minimum(top, left) == 0) | (bottom == height) | (right == width),
    }
    if pixel_size_um is not None:
        found |= {"centroid_y_um": y * pixel_size_um[0], "centroid_x_um": x * pixel_size_um[1]}
    return found
