"""labels → maps: what a network learns of cells, so that it can tell touching ones apart.

Every map is 0 where two cells meet or at least falls towards it, so that it does not jump from one
cell to the next; and every map has no unit, so that a cell twice as large has the same map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.cells.depth import label_depth
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]
    Floats = NDArray[np.float32]

BOUNDARY_PX = 2  # thickness inside each cell: two touching cells are four pixels apart
CORE = 0.9  # of a cell's greatest depth: what lies deeper may be its centre


def labels_to_maps(labels: Labels, names: Sequence[str]) -> Floats:
    """Turn labels into the maps that a network learns.

    Args:
        labels: (H, W) integer, 0 is background; the numbers may have gaps. A cell may be in pieces.
        names: of the maps, keys of `MAPS`.

    Returns:
        (K, H, W) float32 in [0, 1], in the order of the names.
    """
    ids, places = np.unique(labels, return_inverse=True)
    has_background = ids[0] == 0
    # numbered from 1 without gaps, so that a table can have a row for each
    cells = places.reshape(labels.shape).astype(np.int32) + (not has_background)
    return np.stack([MAPS[name](cells) for name in names]).astype(np.float32)


def check_maps(names: Sequence[str]) -> None:
    """Refuse what is no list of maps to learn.

    Raises:
        SettingsError: an unknown name, one twice, or a list that does not begin with the mask.
    """
    for name in names:
        if name not in MAPS:
            raise SettingsError(f"maps: {name!r} is unknown; wanted of {', '.join(MAPS)}.")
    if len(set(names)) < len(names) or not names or names[0] != "mask":
        raise SettingsError(
            f"maps are {', '.join(names) or 'none'}; wanted mask first, and each one once, such as "
            "mask,distance."
        )


def mask_map(cells: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Cell or not: the paper's one map."""
    inside: NDArray[np.bool_] = cells > 0
    return inside


def boundary_map(cells: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The rim of every cell, `BOUNDARY_PX` thick (Caicedo et al. 2019 have such a class)."""
    depth = label_depth(cells)
    rim: NDArray[np.bool_] = (depth > 0) & (depth <= BOUNDARY_PX)
    return rim


def distance_map(cells: NDArray[np.int32]) -> Floats:
    """Depth of a pixel in its cell over that of the cell's deepest pixel.

    Such a map is learnt by Micro-SAM's automatic instance segmentation (Archit et al. 2025).
    """
    depth = label_depth(cells)
    deepest = _per_cell(ndimage.maximum, depth, cells)
    deepest[0] = 1.0
    relative: Floats = (depth / deepest[cells]).astype(np.float32)
    return relative


def centre_map(cells: NDArray[np.int32]) -> Floats:
    """A cone over the largest disk inside each cell: 1 at its centre, 0 at its rim and beyond.

    So every cell has one peak, wherever its arms reach. Of equally deep places, a long cell's
    centre is the one nearest to its centroid.
    """
    depth = label_depth(cells)
    deepest = _per_cell(ndimage.maximum, depth, cells)
    places = np.indices(cells.shape, dtype=np.float32)
    rows, columns = places[0], places[1]
    middle = [_per_cell(ndimage.mean, axis, cells) for axis in (rows, columns)]
    off = np.hypot(rows - middle[0][cells], columns - middle[1][cells])
    off[(depth < CORE * deepest[cells]) | (cells == 0)] = np.inf
    found = ndimage.minimum_position(off, cells, np.arange(len(deepest)))
    centre = np.array(found, dtype=np.float32)
    away = np.hypot(rows - centre[cells, 0], columns - centre[cells, 1])
    radius = np.maximum(deepest, 1.0)
    cone: Floats = np.clip(1.0 - away / radius[cells], 0.0, 1.0).astype(np.float32)
    cone[cells == 0] = 0.0
    return cone


def _per_cell(function: Any, values: NDArray[Any], cells: NDArray[np.int32]) -> NDArray[Any]:
    """One number for the background and each cell, so that ``result[cells]`` is a map again."""
    return np.asarray(function(values, cells, np.arange(cells.max(initial=0) + 1)), dtype=float)


MAPS: dict[str, Callable[[NDArray[np.int32]], NDArray[Any]]] = {
    "mask": mask_map,
    "boundary": boundary_map,
    "distance": distance_map,
    "centre": centre_map,
}
