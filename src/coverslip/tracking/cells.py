"""labels of a frame → the place, size and shape of each of its cells: all that linking looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

# The variance of a pixel along each axis: a cell of one pixel has a size too.
PIXEL_VARIANCE = 1 / 12


@dataclass(frozen=True, eq=False)
class Cells:
    """The n cells of a frame, ascending by label.

    Attributes:
        label: (n,), the numbers in the label image.
        area: (n,), pixels.
        place: (n, 2), the centroids, rows and columns.
        spread: (n, 2, 2), the covariances of the cells' pixels: how long, how wide, how turned.
        rim: (n,), pixels between the cell's bounding box and the frame's nearest side; 0 touches.
        size: height and width of the frame.
        light: (n,), how bright each is in the image, above the frame's median; NaN without one.
    """

    label: Whole
    area: Floats
    place: Floats
    spread: Floats
    rim: Floats
    size: tuple[int, int]
    light: Floats

    def __len__(self) -> int:
        """How many cells the frame has."""
        return len(self.label)


def find_cells(labels: NDArray[Any], *, image: NDArray[Any] | None = None) -> Cells:
    """Find the place, size and shape of every cell of a frame.

    Args:
        labels: (H, W) integers, 0 is background; the numbers may have gaps.
        image: (H, W), for how bright they are; None: there is none.

    Returns:
        The cells, ascending by label.

    Example:
        >>> import numpy as np
        >>> cells = find_cells(np.array([[0, 7, 7], [0, 0, 0], [4, 0, 0]]))
        >>> cells.label, cells.area, cells.place[1]
        (array([4, 7]), array([1., 2.]), array([0. , 1.5]))
    """
    height, width = labels.shape
    inside = np.flatnonzero(labels)
    ids, cell = np.unique(labels.ravel()[inside], return_inverse=True)
    y, x = np.divmod(inside, width)
    area = np.bincount(cell, minlength=len(ids)).astype(float)
    place = np.stack([_mean(y, cell, area), _mean(x, cell, area)], axis=1)
    dy, dx = y - place[cell, 0], x - place[cell, 1]
    yy, xx = _mean(dy * dy, cell, area), _mean(dx * dx, cell, area)
    yx = _mean(dy * dx, cell, area)
    spread = np.stack([yy + PIXEL_VARIANCE, yx, yx, xx + PIXEL_VARIANCE], axis=1)
    to_side = np.minimum.reduce([y, x, height - 1 - y, width - 1 - x]) if len(y) else y
    rim = np.full(len(ids), max(height, width))
    np.minimum.at(rim, cell, to_side)
    light = np.full(len(ids), np.nan)
    if image is not None and len(ids):
        grey = image.ravel()
        light = _mean(grey[inside].astype(float), cell, area) - float(np.median(grey))
    return Cells(
        label=ids.astype(np.int64),
        area=area,
        place=place,
        spread=spread.reshape(-1, 2, 2),
        rim=rim.astype(float),
        size=(height, width),
        light=light,
    )


def _mean(values: NDArray[Any], cell: NDArray[Any], area: Floats) -> Floats:
    return np.bincount(cell, weights=values, minlength=len(area)) / area


def take(cells: Cells, who: Whole) -> Cells:
    """Take some of the cells of a frame, by their indices."""
    return Cells(
        label=cells.label[who],
        area=cells.area[who],
        place=cells.place[who],
        spread=cells.spread[who],
        rim=cells.rim[who],
        size=cells.size,
        light=cells.light[who],
    )


def nearest(places: Floats, wanted: Floats, k: int) -> Whole:
    """Find the k nearest of n places to each of m others: (n, 2) and (m, 2) → (m, k) indices."""
    _, near = cKDTree(places).query(wanted, k=np.arange(1, k + 1))
    found: Whole = np.asarray(near)
    return found


def typical_radius(frames: Sequence[Cells]) -> float:
    """Give the radius in pixels of a round cell of the film's median area; 1 without any cell."""
    areas = np.concatenate([np.zeros(0), *(cells.area for cells in frames)])
    return float(np.sqrt(np.median(areas) / np.pi)) if len(areas) else 1.0
