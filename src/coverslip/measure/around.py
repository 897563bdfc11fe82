"""labels → what lies around each cell: the background beside it and the cells near it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from coverslip.measure.gather import Floats, Integers, Labels, Pixels


@dataclass(frozen=True)
class Surroundings:
    """What lies within reach of each cell.

    Attributes:
        reach: how far it was looked.
        background: pixels outside all cells, as places in the flat image, with their distances.
        others: the label of every other cell within reach, ascending.
        gaps: and how far away it is.
    """

    reach: float
    background: list[tuple[Integers, Floats]]
    others: list[Labels]
    gaps: list[Floats]


def surroundings(
    labels: Labels,
    pixels: Pixels,
    *,
    reach: float,
    pixel_size: tuple[float, float] = (1.0, 1.0),
) -> Surroundings:
    """Measure from each cell's edge to everything within reach, in the unit of the pixel size.

    A distance is that between the nearest points of two squares: 0 to what shares a side or a
    corner with the cell, 1 over one pixel between them.
    """
    found = Surroundings(reach, [], [], [])
    for top, left, window, own in _windows(labels, pixels, reach=reach, pixel_size=pixel_size):
        gap = ndimage.distance_transform_edt(~_widen(own), sampling=pixel_size)
        near = (gap <= reach) & ~own
        free = window == 0
        y, x = np.nonzero(near & free)
        place = (y + top) * labels.shape[1] + x + left
        found.background.append((place, gap[y, x]))
        met = near & ~free
        others, inverse = np.unique(window[met], return_inverse=True)
        gaps = np.full(len(others), np.inf)
        np.minimum.at(gaps, inverse, gap[met])
        found.others.append(others)
        found.gaps.append(gaps)
    return found


def _windows(
    labels: Labels, pixels: Pixels, *, reach: float, pixel_size: tuple[float, float]
) -> Iterator[tuple[int, int, Labels, NDArray[np.bool_]]]:
    """Cut out each cell with all that may be within reach; and say which of it is the cell."""
    more_y, more_x = (int(reach / size) + 1 for size in pixel_size)
    for own in pixels.slices:
        y, x = pixels.y[own], pixels.x[own]
        top, left = max(int(y[0]) - more_y, 0), max(int(x.min()) - more_x, 0)
        window = labels[top : y[-1] + more_y + 1, left : x.max() + more_x + 1]
        inside = np.zeros(window.shape, dtype=bool)
        inside[y - top, x - left] = True
        yield top, left, window, inside


def _widen(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the eight pixels around each pixel: from centre to centre is then from edge to edge."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    high = wide.copy()
    wide[:, 1:] |= high[:, :-1]
    wide[:, :-1] |= high[:, 1:]
    return wide
