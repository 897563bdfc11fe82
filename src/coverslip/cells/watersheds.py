"""mask + maps → labels: touching cells told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from coverslip.cells.mask import EIGHT_NEIGHBOURS
from coverslip.cells.tidy import number_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Integers = NDArray[np.signedinteger[Any]]

SEED_CENTRE = 0.5  # a cell's core is where the map of centres exceeds this
SEED_DISTANCE = 0.5  # or the map of distances
SEED_BOUNDARY = 0.5  # or that of boundaries is below this
SEED_PX = 3  # smaller cores are noise
RISE = 0.15  # of its depth, by which a mask's core must rise above the saddle to the next


def separate(mask: NDArray[np.bool_], maps: Mapping[str, Floats]) -> NDArray[np.uint32]:
    """Part a mask into cells.

    Each core that the maps show grows by a watershed (Beucher & Lantuéjoul 1979) until cells meet
    or the mask ends. A piece of the mask with one core, or none, is one cell.

    Args:
        mask: (H, W) bool.
        maps: what a network says beside the mask, name → (H, W) float32 in [0, 1]; of
            `coverslip.cells.MAPS` the best that is there is used: centre, distance, boundary.
            Without any, the mask's own shape must do.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order.
    """
    pieces, n_pieces = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)
    landscape, cores = find_cores(mask, maps)
    clumps = _clumps(pieces, n_pieces, cores)
    if not clumps.any():
        return number_cells(pieces)
    seeds = np.where(clumps, cores, 0)
    grown = watershed(-landscape, seeds, mask=clumps, connectivity=2)  # type: ignore[no-untyped-call]
    return number_cells(np.where(clumps, grown + n_pieces, pieces))


def find_cores(mask: NDArray[np.bool_], maps: Mapping[str, Floats]) -> tuple[Floats, Integers]:
    """Where cells are surely apart.

    Returns:
        A landscape (H, W) that is high inside cells and low between them, and the numbered cores.
    """
    if "centre" in maps:
        cores = maps["centre"] > SEED_CENTRE
        return maps.get("distance", maps["centre"]), _drop_small(_number(mask & cores))
    if "distance" in maps:
        cores = maps["distance"] > SEED_DISTANCE
        return maps["distance"], _drop_small(_number(mask & cores))
    if "boundary" in maps:
        cores = maps["boundary"] < SEED_BOUNDARY
        return 1.0 - maps["boundary"], _drop_small(_number(mask & cores))
    depth = ndimage.distance_transform_edt(mask).astype(np.float32)
    return depth, _number(peaks(depth))


def peaks(depth: Floats, *, rise: float = RISE) -> NDArray[np.bool_]:
    """The tops of a landscape that rise above every saddle by a share of their own height.

    As the h-maxima transform (Soille 2003, section 6.3.4), with an h that grows with the height:
    a dent of two pixels parts two small nuclei and not two halves of a large cell.

    Args:
        depth: (H, W) float32, 0 or more.
        rise: share of its height by which a top must rise, in (0, 1).

    Returns:
        (H, W) bool.
    """
    # In logarithms a share of the height is a difference.
    height = np.log(np.maximum(depth, 1.0))
    lowered = np.maximum(height + np.log1p(-rise), 0.0)
    flooded = reconstruction(lowered, height)  # type: ignore[no-untyped-call]
    tops: NDArray[np.bool_] = local_maxima(flooded) & (depth > 0)  # type: ignore[no-untyped-call]
    return tops


def _number(cores: NDArray[np.bool_]) -> Integers:
    numbered: Integers = ndimage.label(cores, structure=EIGHT_NEIGHBOURS)[0]
    return numbered


def _drop_small(cores: Integers) -> Integers:
    """Without the cores of fewer than `SEED_PX` pixels; the others keep their numbers."""
    keep = np.bincount(cores.ravel()) >= SEED_PX
    return np.where(keep[cores], cores, 0)


def _clumps(pieces: Integers, n_pieces: int, cores: Integers) -> NDArray[np.bool_]:
    """The pieces with two cores or more, as a mask."""
    seeded = cores > 0
    pairs = np.unique(np.stack([pieces[seeded], cores[seeded]]), axis=1)
    n_cores = np.bincount(pairs[0], minlength=n_pieces + 1)
    n_cores[0] = 0
    several: NDArray[np.bool_] = (n_cores >= 2)[pieces]
    return several
