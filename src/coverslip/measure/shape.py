"""pixels and rims of cells → size and shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from coverslip.measure.ellipse import ellipses
from coverslip.measure.hull import ferets, hulls
from coverslip.measure.perimeter import euler_numbers, perimeters

if TYPE_CHECKING:
    from coverslip.measure.gather import Pixels
    from coverslip.measure.place import Measures
    from coverslip.measure.rim import Rim

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
