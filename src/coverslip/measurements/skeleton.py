"""pixels of cells → the length and ends of their medial lines.

The length of elongated cells, neurites and filaments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.morphology import skeletonize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coverslip.measurements.pixels import Floats, Integers, Pixels


@dataclass(frozen=True)
class Skeletons:
    """How each cell's medial line runs, as numbers of steps from pixel to pixel.

    Attributes:
        across: steps to the left or right.
        down: steps up or down.
        diagonal: steps to a corner.
        ends: pixels of the line with one other beside them.
    """

    across: Integers
    down: Integers
    diagonal: Integers
    ends: Integers

    def lengths(self, *, pixel_size: tuple[float, float] = (1.0, 1.0)) -> Floats:
        """The length of all branches of each cell, in the unit of the pixel size."""
        height, width = pixel_size
        corner = math.hypot(height, width)
        return np.asarray(self.across * width + self.down * height + self.diagonal * corner)


def skeletons(pixels: Pixels, *, shape: tuple[int, ...]) -> Skeletons:
    """Thin each cell, by itself, to its medial line and count the line's steps.

    Source: the thinning of Zhang & Suen 1984, doi 10.1145/357994.358023, by scikit-image.
    """
    n_cells, width = len(pixels.starts), shape[1] + 2
    owner = np.zeros((shape[0] + 2) * width, dtype=np.int32)  # of each pixel of a line, from 1
    for number, place in enumerate(_thinned(pixels, width=width), start=1):
        owner[place] = number
    place = np.flatnonzero(owner)
    cell = owner[place]
    e, s = (owner[place + step] == cell for step in (1, width))
    # A step to a corner is none where two steps along sides lead there too.
    se = (owner[place + width + 1] == cell) & ~e & ~s
    w = owner[place - 1] == cell
    sw = (owner[place + width - 1] == cell) & ~w & ~s
    degree = np.zeros(len(owner), dtype=np.int8)
    for found, step in ((e, 1), (s, width), (se, width + 1), (sw, width - 1)):
        degree[place[found]] += 1
        degree[place[found] + step] += 1
    counts = [
        np.bincount(cell[found], minlength=n_cells + 1)[1:]
        for found in (e, s, se, sw, degree[place] == 1)
    ]
    return Skeletons(counts[0], counts[1], counts[2] + counts[3], counts[4])


def _thinned(pixels: Pixels, *, width: int) -> Iterator[Integers]:
    """Where each cell's line runs, in an image of that width with a margin of 1 all around."""
    for own in pixels.slices:
        y, x = pixels.y[own], pixels.x[own]
        top, left = y[0] - 1, x.min() - 1
        window = np.zeros((y[-1] - top + 2, x.max() - left + 2), dtype=bool)
        window[y - top, x - left] = True
        y, x = np.nonzero(skeletonize(window))  # type: ignore[no-untyped-call]
        yield (y + top + 1) * width + x + left + 1
