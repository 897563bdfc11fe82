"""what was set apart of an image's range + labels → the same without burnt-in bars.

A scale bar or a bad row of the camera is a long and exact rectangle of pixels; a cell, saturated
though it may be, has corners that are round. Only where the range says that something is far from
all the rest is anything looked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PX = 16  # longer side of a bar; a rod of one saturated cell may be a shorter rectangle
LONG = 3  # times the shorter side, at the least


def find_bars(image: NDArray[Any], *, below: float, above: float) -> NDArray[np.bool_] | None:
    """Find the long filled rectangles among the pixels that were left out of an image's range.

    Args:
        image: (H, W) or (H, W, 3), in its own values.
        below: pixels of less were left out.
        above: pixels of more were left out.

    Returns:
        (H, W), the pixels of bars; None where there is none.

    Example:
        >>> import numpy as np
        >>> from coverslip.pipeline.drawn import find_bars
        >>> image = np.zeros((40, 40), np.uint16)
        >>> image[30:33, 10:30] = 65535
        >>> int(find_bars(image, below=-np.inf, above=1000).sum())
        60
    """
    if math.isinf(below) and math.isinf(above):
        return None
    apart = (image > above) | (image < below)
    pieces, n = ndimage.label(apart if apart.ndim == 2 else apart.all(axis=2))
    areas = np.bincount(pieces.ravel(), minlength=n + 1)
    is_bar = np.zeros(n + 1, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        short, long = sorted(part.stop - part.start for part in box)
        is_bar[number] = areas[number] == short * long and long >= max(LEAST_PX, LONG * short)
    bars: NDArray[np.bool_] = is_bar[pieces]
    return bars if is_bar.any() else None


def drop_bars(labels: NDArray[np.uint32], bars: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Leave out the cells most of whose pixels belong to bars; the others keep their order.

    Example:
        >>> import numpy as np
        >>> from coverslip.pipeline.drawn import drop_bars
        >>> labels = np.array([[1, 1, 0, 2]], np.uint32)
        >>> drop_bars(labels, np.array([[True, True, False, False]])).tolist()
        [[0, 0, 0, 1]]
    """
    areas = np.bincount(labels.ravel())
    on_bars = np.bincount(labels[bars], minlength=len(areas))
    stays = 2 * on_bars <= areas
    stays[0] = False
    numbers = np.where(stays, np.cumsum(stays), 0).astype(np.uint32)
    return numbers[labels]
