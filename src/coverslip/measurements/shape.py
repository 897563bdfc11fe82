"""pixels and rims of cells → where each lies, its size and its shape.

Morphology: area, perimeter, axes, Feret diameters, eccentricity, solidity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.measurements.pixels import Floats, Integers, Pixels, Rim

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


ONE = (1.0, 1.0)  # a pixel in pixels


def shapes(pixels: Pixels, rim: Rim, *, pixel_size_um: tuple[float, float] | None) -> Measures:
    """Everything of the group "shape"; in micrometres too where they are known."""
    area = pixels.areas
    box = pixels.greatest(pixels.y) - pixels.least(pixels.y) + 1
    box = box * (pixels.greatest(pixels.x) - pixels.least(pixels.x) + 1)
    hull = hulls(pixels)
    across = ferets(hull)
    found: Measures = {
        "solidity": np.minimum(area / hull.areas, 1.0),
        "extent": area / box,
        "euler_number": euler_numbers(rim, area),
    }
    for unit, size in {"px": ONE, "um": pixel_size_um}.items():
        if size is None:
            continue
        ellipse = ellipses(pixels, pixel_size=size)
        length = perimeters(rim, pixel_size=size)
        real = area * (size[0] * size[1])
        # through square pixels, a hull in micrometres is the same hull, larger or smaller
        is_square = size[0] == size[1]
        greatest, least = (
            [size[0] * it for it in across] if is_square else ferets(hull, pixel_size=size)
        )
        found |= {
            f"perimeter_{unit}": length,
            f"equivalent_diameter_{unit}": np.sqrt(4 * real / math.pi),
            f"major_axis_{unit}": ellipse.major,
            f"minor_axis_{unit}": ellipse.minor,
            f"feret_max_{unit}": greatest,
            f"feret_min_{unit}": least,
            # A cell has one shape and one angle: the true ones where the pixel size is known.
            "eccentricity": ellipse.eccentricity,
            "orientation_rad": ellipse.orientation,
            "form_factor": 4 * math.pi * real / length**2,
            ("area_px" if unit == "px" else "area_um2"): area if unit == "px" else real,
        }
    return found


@dataclass(frozen=True)
class Ellipses:
    """One ellipse per cell: full lengths of the axes, and the angle of the long one."""

    major: Floats
    minor: Floats
    orientation: Floats

    @property
    def eccentricity(self) -> Floats:
        """0 (circle) to 1 (line)."""
        return np.sqrt(1.0 - (self.minor / self.major) ** 2)


def ellipses(pixels: Pixels, *, pixel_size: tuple[float, float] = (1.0, 1.0)) -> Ellipses:
    """Fit to each cell the ellipse of the same second moments, in the unit of the pixel size."""
    height, width = pixel_size
    area = pixels.areas
    dy = pixels.y - np.repeat(pixels.means(pixels.y), area)
    dx = pixels.x - np.repeat(pixels.means(pixels.x), area)
    # A pixel is a square, whose own variance is 1/12.
    var_y = (pixels.sums(dy * dy) / area + 1 / 12) * height**2
    var_x = (pixels.sums(dx * dx) / area + 1 / 12) * width**2
    covariance = pixels.sums(dy * dx) / area * (height * width)
    mean, half = (var_x + var_y) / 2, (var_x - var_y) / 2
    # Rounding must not give a round cell an angle, or a vertical one a sign.
    half, covariance = (np.where(abs(v) < 1e-9 * mean, 0.0, v) for v in (half, covariance))
    radius = np.hypot(half, covariance)
    return Ellipses(
        major=4.0 * np.sqrt(mean + radius),
        minor=4.0 * np.sqrt(mean - radius),
        orientation=np.arctan2(0.0 - covariance, half) / 2,  # rows go down, angles up
    )


@dataclass(frozen=True)
class Hulls:
    """The convex hull of each cell's squares.

    Attributes:
        areas: (n cells,), in pixels.
        corners: of each cell (m, 2), row and column, one after the other around the hull.
    """

    areas: Floats
    corners: list[Floats]


def hulls(pixels: Pixels) -> Hulls:
    """Wrap the squares of each cell's pixels."""
    # Of each row of a cell only the first and the last pixel can touch the hull.
    begins = np.ones(len(pixels.y), dtype=bool)
    begins[1:] = np.diff(pixels.y) != 0
    begins[pixels.starts] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(pixels.y))[: len(first)] - 1
    y, left, right = pixels.y[first], pixels.x[first], pixels.x[last] + 1
    points = np.stack([[y, left], [y + 1, left], [y, right], [y + 1, right]]).transpose(2, 0, 1)
    bounds = np.append(np.searchsorted(first, pixels.starts), len(first))
    areas, corners = [], []
    for i, j in pairwise(bounds):
        own = points[i:j].reshape(-1, 2).astype(np.float64)
        hull = ConvexHull(own)
        areas.append(hull.volume)  # in two dimensions that is the area
        corners.append(own[hull.vertices])
    return Hulls(np.array(areas, dtype=np.float64), corners)


def ferets(hulls: Hulls, *, pixel_size: tuple[float, float] = (1.0, 1.0)) -> tuple[Floats, Floats]:
    """The greatest and the least distance across each cell, in the unit of the pixel size.

    The greatest is between two corners of the hull; the least is across one of its sides.
    """
    across = [_feret(corners * pixel_size) for corners in hulls.corners]
    greatest, least = np.array(across, dtype=np.float64).reshape(-1, 2).T
    return greatest, least


def _feret(corners: Floats) -> tuple[float, float]:
    y, x = corners.T
    down, right = np.roll(y, -1) - y, np.roll(x, -1) - x
    # (side, corner): twice the area of the triangle between them, over the side's length
    heights = abs(np.outer(right, y) - np.outer(down, x) - (right * y - down * x)[:, None])
    across = heights.max(axis=1) / np.hypot(down, right)
    return float(pdist(corners).max()), float(across.min())


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
