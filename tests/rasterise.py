"""polygons → labels, the slow and plain way, to check what draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


def fill(rings: Iterable[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centre has an odd number of lines on its left; rings of (n, 2) corners, x and y.

    Corners are whole numbers and lines go along rows and columns, so no centre lies on a line.
    """
    inside = np.zeros(shape, bool)
    for ring in rings:
        ring = np.asarray(ring)
        assert np.array_equal(ring, np.rint(ring))
        for (x0, y0), (x1, y1) in zip(ring.astype(int), np.roll(ring, -1, 0).astype(int), strict=1):
            assert x0 == x1 or y0 == y1
            if x0 == x1:
                inside[min(y0, y1) : max(y0, y1), x0:] ^= True
    return inside
