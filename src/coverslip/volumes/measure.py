"""slices of numbered objects → a table: volume, place, axes and brightness of each.

Measurements in 3-D, in voxels and, where the sizes of pixel and slice are known, in µm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Column: unit and meaning.
OBJECT_COLUMNS: dict[str, tuple[str, str]] = {
    "object": ("number", "The object's number in the labels of all slices."),
    "n_slices": ("count", "Slices that it is in."),
    "first_slice": ("number", "First slice, from 0."),
    "last_slice": ("number", "Last slice."),
    "touches_border": ("yes or no", "Whether it touches an edge of the picture in any slice."),
    "touches_ends": ("yes or no", "Whether it is in the first or the last slice of the stack."),
    "volume_voxels": ("count", "Number of voxels."),
    "volume_um3": ("µm³", "Volume."),
    "equivalent_diameter_um": ("µm", "Diameter of the ball of this volume."),
    "centroid_slice": ("number", "Mean slice, from 0."),
    "centroid_y_px": ("px", "Mean row, from 0."),
    "centroid_x_px": ("px", "Mean column, from 0."),
    "centroid_z_um": ("µm", "Mean depth below the middle of the first slice."),
    "centroid_y_um": ("µm", "centroid_y_px × pixel height."),
    "centroid_x_um": ("µm", "centroid_x_px × pixel width."),
    "bbox_top_px": ("px", "First row."),
    "bbox_left_px": ("px", "First column."),
    "bbox_bottom_px": ("px", "Last row + 1."),
    "bbox_right_px": ("px", "Last column + 1."),
    "major_axis_um": ("µm", "Longest axis of the ellipsoid of the same second moments."),
    "middle_axis_um": ("µm", "Its second axis."),
    "minor_axis_um": ("µm", "Its shortest axis."),
    "max_area_px": ("px²", "Pixels in the slice where it is largest."),
    "intensity_mean": ("grey value", "Mean of the image's own values over its voxels."),
    "intensity_sum": ("grey value", "Sum of them."),
}
NAMES = {"n": 0, "z": 1, "y": 2, "x": 3, "zz": 4, "yy": 5, "xx": 6, "zy": 7, "zx": 8, "yx": 9}


class ObjectSums:
    """Sums over the voxels of each object, a slice at a time; no stack is held.

    Args:
        n_objects: they have the numbers 1 to n.
        n_slices: of the stack.
        shape: height and width of a slice.
    """

    def __init__(self, n_objects: int, *, n_slices: int, shape: tuple[int, int]) -> None:
        size = n_objects + 1
        self.n_slices, self.shape = n_slices, shape
        self.sums = np.zeros((len(NAMES), size))
        self.first = np.full(size, n_slices)
        self.last = np.full(size, -1)
        self.seen = np.zeros(size, dtype=int)
        self.largest = np.zeros(size)
        self.box = np.tile(np.array([[*shape, 0, 0]]), (size, 1))
        self.light: NDArray[np.float64] | None = None

    def add(
        self, numbers: NDArray[np.int64], number: int, image: NDArray[Any] | None = None
    ) -> None:
        """Take a slice.

        Args:
            numbers: (H, W) objects, 0 is background.
            number: of the slice, from 0.
            image: (H, W), or (H, W, 3), whose mean is taken; None: brightness is not measured.
        """
        y, x = np.nonzero(numbers)
        own = numbers[y, x]
        size = self.sums.shape[1]
        values = {"n": np.ones(len(own)), "y": y, "x": x, "yy": y * y, "xx": x * x, "yx": y * x}
        flat = {
            name: np.bincount(own, weights=value, minlength=size) for name, value in values.items()
        }
        flat |= {"z": number * flat["n"], "zz": number**2 * flat["n"]}
        flat |= {"zy": number * flat["y"], "zx": number * flat["x"]}
        for name, row in NAMES.items():
            self.sums[row] += flat[name]
        there = flat["n"] > 0
        self.first[there] = np.minimum(self.first[there], number)
        self.last[there] = number
        self.seen += there
        self.largest = np.maximum(self.largest, flat["n"])
        for one, box in enumerate(find_objects(numbers, max_label=size - 1), start=1):
            if box is not None:
                rows, columns = box
                top, left, bottom, right = self.box[one]
                self.box[one] = (
                    min(top, rows.start),
                    min(left, columns.start),
                    max(bottom, rows.stop),
                    max(right, columns.stop),
                )
        if image is not None:
            grey = image.mean(axis=2) if image.ndim == 3 else image
            if self.light is None:
                self.light = np.zeros(size)
            self.light += np.bincount(own, weights=grey[y, x].astype(float), minlength=size)

    def table(
        self,
        *,
        pixel_size_um: tuple[float, float] | None = None,
        slice_distance_um: float | None = None,
    ) -> pd.DataFrame:
        """One row per object, with the columns of `OBJECT_COLUMNS` that are known.

        Args:
            pixel_size_um: height and width of a pixel; None: columns in µm are left out.
            slice_distance_um: from a slice to the next; None: likewise.
        """
        ids = np.flatnonzero(self.seen)
        total = {name: self.sums[row][ids] for name, row in NAMES.items()}
        n = total["n"]
        z, y, x = (total[axis] / n for axis in "zyx")
        top, left, bottom, right = self.box[ids].T
        height, width = self.shape
        columns: dict[str, Any] = {
            "object": ids,
            "n_slices": self.seen[ids],
            "first_slice": self.first[ids],
            "last_slice": self.last[ids],
            "touches_border": (top == 0) | (left == 0) | (bottom == height) | (right == width),
            "touches_ends": (self.first[ids] == 0) | (self.last[ids] == self.n_slices - 1),
            "volume_voxels": n.astype(int),
            "centroid_slice": z,
            "centroid_y_px": y,
            "centroid_x_px": x,
            "bbox_top_px": top,
            "bbox_left_px": left,
            "bbox_bottom_px": bottom,
            "bbox_right_px": right,
            "max_area_px": self.largest[ids].astype(int),
        }
        if pixel_size_um is not None and slice_distance_um is not None:
            size = (slice_distance_um, *pixel_size_um)
            columns |= _in_um(total, (z, y, x), size)
        if self.light is not None:
            columns |= {"intensity_mean": self.light[ids] / n, "intensity_sum": self.light[ids]}
        return pd.DataFrame({name: columns[name] for name in OBJECT_COLUMNS if name in columns})


def _in_um(
    total: dict[str, NDArray[np.float64]],
    middle: tuple[NDArray[np.float64], ...],
    size: tuple[float, float, float],
) -> dict[str, NDArray[np.float64]]:
    """Volume, place and axes in micrometres, of voxels that need not be cubes."""
    volume = total["n"] * math.prod(size)
    axes = _axes_um(total, middle, size)
    return {
        "volume_um3": volume,
        "equivalent_diameter_um": np.cbrt(6 * volume / math.pi),
        **{f"centroid_{a}_um": one * s for a, one, s in zip("zyx", middle, size, strict=True)},
        "major_axis_um": axes[:, 0],
        "middle_axis_um": axes[:, 1],
        "minor_axis_um": axes[:, 2],
    }


def _axes_um(
    total: dict[str, NDArray[np.float64]],
    middle: tuple[NDArray[np.float64], ...],
    size: tuple[float, float, float],
) -> NDArray[np.float64]:
    """(n, 3) axes of the ellipsoids of the same second moments, the longest first.

    A voxel is a box, not a point: each side adds a twelfth of its square. A full ellipsoid of axis
    a has the second moment (a / 2)² / 5 along it.
    """
    names = (("zz", "zy", "zx"), ("zy", "yy", "yx"), ("zx", "yx", "xx"))
    moments = np.empty((len(total["n"]), 3, 3))
    for row, line in enumerate(names):
        for column, name in enumerate(line):
            value = total[name] / total["n"] - middle[row] * middle[column]
            moments[:, row, column] = (value + (row == column) / 12) * size[row] * size[column]
    spread = np.linalg.eigvalsh(moments)[:, ::-1]
    return np.asarray(2 * np.sqrt(5 * np.maximum(spread, 0)))
