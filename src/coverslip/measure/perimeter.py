"""rims → perimeters and Euler numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from coverslip.measure.gather import Floats, Integers
    from coverslip.measure.rim import Rim


def perimeters(rim: Rim, *, pixel_size: tuple[float, float] = (1.0, 1.0)) -> Floats:
    """Estimate the length of each outline, in the unit of the pixel size.

    Cauchy and Crofton: a length is the number of points in which it is cut by straight lines of all
    directions, times their spacing, averaged. Here the lines go through the pixels' centres in the
    four directions of the grid, each weighted by the angle that it stands for. Counting pixel sides
    instead would make a disk 27 % too long, at any resolution.

    Source: Legland, Kiêu & Devaux 2007, doi 10.5566/ias.v26.p83-92; with the angles and spacings of
    pixels that need not be square.
    """
    height, width = pixel_size
    slope = math.atan2(height, width)  # of a diagonal
    across = height * width / math.hypot(height, width)  # from one diagonal to the next
    weights = {
        "e": slope * height,
        "s": (math.pi / 2 - slope) * width,
        "se": math.pi / 4 * across,
        "sw": math.pi / 4 * across,
    }
    # A line that enters a cell leaves it again: to count those that leave is half of all.
    return sum(
        (weight * rim.count(rim.leaves(way)) for way, weight in weights.items()),
        start=np.zeros(rim.n_cells),
    )


def euler_numbers(rim: Rim, areas: Integers) -> Integers:
    """Pieces minus holes of each cell, as squares joined at sides and corners.

    Euler: corners - sides + squares. A corner or side of several squares is counted at the first of
    them in reading order.
    """
    leaves = {way: rim.leaves(way) for way in rim.facing}
    sides = 2 * areas + rim.count(leaves["e"]) + rim.count(leaves["s"])
    corners = (  # every square is the first at its lower right corner
        areas
        + rim.count(leaves["nw"] & leaves["n"] & leaves["w"])
        + rim.count(leaves["n"] & leaves["ne"])
        + rim.count(leaves["w"])
    )
    numbers: Integers = np.rint(corners - sides + areas).astype(np.int64)
    return numbers
