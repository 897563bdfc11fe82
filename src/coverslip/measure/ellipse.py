"""pixels of cells → the ellipses of the same second moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from coverslip.measure.gather import Floats, Pixels


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
