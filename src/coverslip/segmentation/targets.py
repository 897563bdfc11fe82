"""labels → training targets: maps that tell touching cells apart.

None has a unit, so that a cell is the same to a network near and far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]
    Floats = NDArray[np.float32]

BOUNDARY_PX = 2  # thickness inside each cell: two touching cells are four pixels apart


def labels_to_maps(labels: Labels, names: Sequence[str]) -> Floats:
    """Turn labels into the maps that a network learns.

    Args:
        labels: (H, W) integer, 0 is background; the numbers may have gaps. A cell may be in pieces.
        names: of the maps, keys of `MAPS`.

    Returns:
        (K, H, W) float32 in [0, 1], in the order of the names.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation import labels_to_maps
        >>> labels = np.zeros((5, 9), int)
        >>> labels[:, 1:8] = 1
        >>> mask, distance = labels_to_maps(labels, ["mask", "distance"])
        >>> mask[2].tolist()
        [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
        >>> distance[2].tolist()  # depth over that of the deepest pixel
        [0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25, 0.0]
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

    Example:
        >>> from coverslip.segmentation import check_maps
        >>> check_maps(["mask", "distance"])
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
    deepest = np.asarray(ndimage.maximum(depth, cells, np.arange(cells.max() + 1)))
    deepest[0] = 1.0  # of the background, which has none
    relative: Floats = (depth / deepest[cells]).astype(np.float32)
    return relative


MAPS: dict[str, Callable[[NDArray[np.int32]], NDArray[Any]]] = {
    "mask": mask_map,
    "boundary": boundary_map,
    "distance": distance_map,
}


def label_depth(labels: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Measure how far each pixel lies from the rim of its cell.

    One distance transform for all cells: the nearest rim pixel of any cell is one of the pixel's
    own, since every way out of a cell leads over its rim.

    Args:
        labels: (H, W) integer, 0 is background. What touches the image's edge goes on beyond it.

    Returns:
        (H, W) float32: in px, 1 at a cell's rim and more inside; 0 for background.
    """
    inside = labels > 0
    rim = _rim(labels) & inside
    if not rim.any():
        return inside * np.float32(max(labels.shape, default=0))
    depth: NDArray[np.float32] = (ndimage.distance_transform_edt(~rim) + 1.0).astype(np.float32)
    depth[~inside] = 0.0
    return depth


def _rim(labels: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Pixels with another label above, below, left or right."""
    rim = np.zeros(labels.shape, dtype=bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    rim[1:] |= down
    rim[:-1] |= down
    rim[:, 1:] |= right
    rim[:, :-1] |= right
    return rim
