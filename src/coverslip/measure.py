"""labels (+ image) → table, one row per cell.

A cell is made of its pixels' squares, not of their centres: so a rectangle's axes and hull are
exact, a single pixel has a size, and nothing divides by zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import ConvexHull

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

COLUMNS: dict[str, str] = {
    "label": "The cell's number in the label image.",
    "area_px": "Number of pixels.",
    "centroid_y_px": "Row of the centroid; the centre of the image's first pixel is 0.",
    "centroid_x_px": "Column of the centroid; the centre of the image's first pixel is 0.",
    "bbox_top_px": "First row.",
    "bbox_left_px": "First column.",
    "bbox_bottom_px": "Last row + 1.",
    "bbox_right_px": "Last column + 1.",
    "major_axis_px": "Long axis of the ellipse with the cell's second moments, full length.",
    "minor_axis_px": "Short axis of that ellipse, full length.",
    "eccentricity": "Of that ellipse, 0 (circle) to 1 (line); in micrometres where they are known.",
    "solidity": "Area / area of the convex hull, up to 1 (convex).",
    "orientation_rad": (
        "Angle of the long axis: 0 is horizontal, counter-clockwise as seen is positive, -π/2 to "
        "π/2; 0 where no axis is longer; in micrometres where they are known."
    ),
    "mean_intensity": "Mean of the image's own values over the cell, and over the colours if any.",
    "touches_border": "Whether the cell touches the image's edge, and so may be cut off.",
    "area_um2": "Area in square micrometres.",
    "centroid_y_um": "centroid_y_px × pixel height.",
    "centroid_x_um": "centroid_x_px × pixel width.",
    "major_axis_um": "Long axis of the ellipse in micrometres, exact for pixels not square too.",
    "minor_axis_um": "Short axis of the ellipse in micrometres, likewise.",
}


@dataclass(frozen=True)
class _Pixels:
    """The pixels of all cells, cell after cell, in reading order within a cell."""

    y: Integers
    x: Integers
    starts: Integers  # of each cell, in y and x

    @property
    def areas(self) -> Integers:
        """Number of pixels of each cell."""
        return np.diff(self.starts, append=len(self.y))

    def sums(self, values: Floats | Integers) -> Floats:
        """Add up over each cell: (n pixels,) → (n cells,)."""
        total: Floats = np.add.reduceat(values, self.starts, dtype=np.float64)
        return total


@dataclass(frozen=True)
class _Ellipses:
    """One ellipse per cell: full lengths of the axes, and the angle of the long one."""

    major: Floats
    minor: Floats
    orientation: Floats


def measure(
    labels: NDArray[np.integer[Any]],
    image: NDArray[Any] | None = None,
    *,
    pixel_size_um: tuple[float, float] | None = None,
) -> pd.DataFrame:
    """Measure every cell of a label image.

    Args:
        labels: (H, W) integer, 0 is background; the numbers may have gaps.
        image: (H, W) or (H, W, 3), the values to average; without it mean_intensity is missing.
        pixel_size_um: height and width of a pixel in micrometres; None if not known.

    Returns:
        One row per cell, ascending by label, with the columns of `COLUMNS`; those that end in _um
        or _um2 only if the pixel size is known. No cells: no rows, the same columns.

    Raises:
        ValueError: labels that are not (H, W) integers from 0 on, or an image of another size.
    """
    _check(labels, image)
    ids, pixels = _gather(labels)
    table: dict[str, NDArray[Any]] = {"label": ids} | _place(pixels)
    in_px = _ellipses(pixels, pixel_size=(1.0, 1.0))
    # A cell has one shape and one angle: the true ones where the pixel size is known.
    true = in_px if pixel_size_um is None else _ellipses(pixels, pixel_size=pixel_size_um)
    table["major_axis_px"], table["minor_axis_px"] = in_px.major, in_px.minor
    table["eccentricity"] = np.sqrt(1.0 - (true.minor / true.major) ** 2)
    table["solidity"] = np.minimum(table["area_px"] / _hull_areas(pixels), 1.0)
    table["orientation_rad"] = true.orientation
    table["mean_intensity"] = _means(pixels, image)
    table["touches_border"] = _at_border(table, shape=labels.shape)
    if pixel_size_um is not None:
        height, width = pixel_size_um
        table["area_um2"] = table["area_px"] * (height * width)
        table["centroid_y_um"] = table["centroid_y_px"] * height
        table["centroid_x_um"] = table["centroid_x_px"] * width
        table["major_axis_um"], table["minor_axis_um"] = true.major, true.minor
    return pd.DataFrame(table)


def confluence(mask_or_labels: NDArray[Any]) -> float:
    """Say which fraction of the image, 0 to 1, is covered by cells.

    Raises:
        ValueError: the image has no pixels.
    """
    if not mask_or_labels.size:
        raise ValueError(f"the mask is {mask_or_labels.shape}; it has no pixels to be covered")
    return float(np.count_nonzero(mask_or_labels) / mask_or_labels.size)


def _check(labels: NDArray[Any], image: NDArray[Any] | None) -> None:
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise ValueError(f"the labels are {labels.dtype} {labels.shape}; wanted integers (H, W)")
    if labels.min(initial=0) < 0:
        raise ValueError(f"the labels go down to {labels.min()}; wanted 0 for the background")
    if image is not None and image.shape[:2] != labels.shape:
        raise ValueError(f"the image is {image.shape}, the labels {labels.shape}; wanted the same")


def _gather(labels: NDArray[Any]) -> tuple[Integers, _Pixels]:
    """Sort the pixels by cell: the numbers of the cells, ascending, and their pixels."""
    y, x = np.nonzero(labels)
    values = labels[y, x]
    order = np.argsort(values, kind="stable")  # keeps the reading order within a cell
    ids, starts = np.unique(values[order], return_index=True)
    return ids.astype(np.int64), _Pixels(y[order], x[order], starts)


def _place(pixels: _Pixels) -> dict[str, NDArray[Any]]:
    """Say how large each cell is and where it lies."""
    area = pixels.areas
    top, left = (np.minimum.reduceat(values, pixels.starts) for values in (pixels.y, pixels.x))
    bottom, right = (np.maximum.reduceat(values, pixels.starts) for values in (pixels.y, pixels.x))
    return {
        "area_px": area,
        "centroid_y_px": pixels.sums(pixels.y) / area,
        "centroid_x_px": pixels.sums(pixels.x) / area,
        "bbox_top_px": top,
        "bbox_left_px": left,
        "bbox_bottom_px": bottom + 1,
        "bbox_right_px": right + 1,
    }


def _at_border(table: dict[str, NDArray[Any]], *, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    low = np.minimum(table["bbox_top_px"], table["bbox_left_px"]) == 0
    at: NDArray[np.bool_] = (
        low | (table["bbox_bottom_px"] == height) | (table["bbox_right_px"] == width)
    )
    return at


def _ellipses(pixels: _Pixels, *, pixel_size: tuple[float, float]) -> _Ellipses:
    """Fit to each cell the ellipse of the same second moments, in the unit of the pixel size."""
    height, width = pixel_size
    area = pixels.areas
    dy = pixels.y - np.repeat(pixels.sums(pixels.y) / area, area)
    dx = pixels.x - np.repeat(pixels.sums(pixels.x) / area, area)
    # A pixel is a square, whose own variance is 1/12.
    var_y = (pixels.sums(dy * dy) / area + 1 / 12) * height**2
    var_x = (pixels.sums(dx * dx) / area + 1 / 12) * width**2
    covariance = pixels.sums(dy * dx) / area * (height * width)
    mean, half = (var_x + var_y) / 2, (var_x - var_y) / 2
    # Rounding must not give a round cell an angle, or a vertical one a sign.
    half, covariance = (np.where(abs(v) < 1e-9 * mean, 0.0, v) for v in (half, covariance))
    radius = np.hypot(half, covariance)
    return _Ellipses(
        major=4.0 * np.sqrt(mean + radius),
        minor=4.0 * np.sqrt(mean - radius),
        orientation=np.arctan2(0.0 - covariance, half) / 2,  # rows go down, angles up
    )


def _hull_areas(pixels: _Pixels) -> Floats:
    """Area of the convex hull of the squares of each cell's pixels, in pixels."""
    # Of each row of a cell only the first and the last pixel can touch the hull.
    begins = np.ones(len(pixels.y), dtype=bool)
    begins[1:] = np.diff(pixels.y) != 0
    begins[pixels.starts] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(pixels.y))[: len(first)] - 1
    y, left, right = pixels.y[first], pixels.x[first], pixels.x[last] + 1
    corners = np.stack([[y, left], [y + 1, left], [y, right], [y + 1, right]]).transpose(2, 0, 1)
    bounds = np.append(np.searchsorted(first, pixels.starts), len(first))
    areas = [
        ConvexHull(corners[i:j].reshape(-1, 2)).volume  # in two dimensions that is the area
        for i, j in pairwise(bounds)
    ]
    return np.array(areas, dtype=np.float64)


def _means(pixels: _Pixels, image: NDArray[Any] | None) -> Floats:
    if image is None:
        return np.full(len(pixels.starts), np.nan)
    values = image[pixels.y, pixels.x]
    grey = values if image.ndim == 2 else values.mean(axis=-1, dtype=np.float64)
    return pixels.sums(grey) / pixels.areas
