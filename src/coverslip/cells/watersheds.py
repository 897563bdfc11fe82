"""mask + maps → labels: touching cells told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from coverslip.cells.flood import flood
from coverslip.cells.mask import EIGHT_NEIGHBOURS, FOUR_NEIGHBOURS
from coverslip.cells.tidy import number_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Integers = NDArray[np.signedinteger[Any]]

# Chosen on inner splits of training images (docs/results/cells.md).
SMOOTH_PX = 1.0  # standard deviation: of neighbouring pixels of a map, one is a peak by chance
RISE = 0.15  # of a map in [0, 1], by which a cell's peak must rise above the saddle to the next
SHAPE_RISE = 0.25  # of a mask's depth, as a share of the peak's own
PINHOLE_PX = 16  # smaller holes of a mask say nothing of its shape


def separate(mask: NDArray[np.bool_], maps: Mapping[str, Floats]) -> NDArray[np.uint32]:
    """Part a mask into cells.

    Each peak of a landscape that is high inside of cells and low between them grows by a watershed
    (Beucher & Lantuéjoul 1979) until cells meet or the mask ends. Peaks count that rise enough
    above the saddle to the next (the h-maxima transform, Soille 2003, section 6.3.4). A piece of
    the mask with one peak, or none, is one cell.

    Args:
        mask: (H, W) bool.
        maps: what a network says, name → (H, W) float32 in [0, 1], keys of `coverslip.cells.MAPS`.
            The landscape is that of distances, else what is cell and no boundary, else the depth of
            the mask itself.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order.
    """
    pieces, n_pieces = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)
    landscape, rise = make_landscape(mask, maps)
    cores, _ = ndimage.label(peaks(landscape, rise=rise) & mask, structure=EIGHT_NEIGHBOURS)
    clumps = find_clumps(pieces, n_pieces, cores)
    if not clumps.any():
        return number_cells(pieces)
    seeds = np.where(clumps, cores, 0)
    grown = watershed(-landscape, seeds, mask=clumps, connectivity=2)  # type: ignore[no-untyped-call]
    return number_cells(np.where(clumps, grown + n_pieces, pieces))


def make_landscape(mask: NDArray[np.bool_], maps: Mapping[str, Floats]) -> tuple[Floats, float]:
    """What is high inside of cells (H, W), and by how much a cell's peak must rise in it.

    What is no number counts as 0.
    """
    maps = {name: np.nan_to_num(one, posinf=1.0) for name, one in maps.items()}
    if "distance" in maps:
        return ndimage.gaussian_filter(maps["distance"], SMOOTH_PX), RISE
    if "boundary" in maps:
        inside = maps.get("mask", mask) * (1 - maps["boundary"])
        return ndimage.gaussian_filter(inside, SMOOTH_PX), RISE
    # In logarithms a share of the height is a difference: a dent of two pixels parts two small
    # nuclei and not two halves of a large cell.
    depth = ndimage.distance_transform_edt(fill_pinholes(mask))
    return np.log(np.maximum(depth, 1.0)).astype(np.float32), float(-np.log1p(-SHAPE_RISE))


def peaks(landscape: Floats, *, rise: float) -> NDArray[np.bool_]:
    """The tops of a landscape that rise above every saddle to a higher one.

    Args:
        landscape: (H, W) float32.
        rise: by how much.

    Returns:
        (H, W) bool: each top down to `rise` below its peak, or to where its hill ends.
    """
    flooded = flood(landscape - np.float32(rise), landscape)
    tops: NDArray[np.bool_] = local_maxima(flooded)  # type: ignore[no-untyped-call]
    return tops


def fill_pinholes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without holes of fewer than `PINHOLE_PX` pixels."""
    holes, _ = ndimage.label(~mask, structure=FOUR_NEIGHBOURS)
    small = np.bincount(holes.ravel()) < PINHOLE_PX
    small[0] = False
    filled: NDArray[np.bool_] = mask | small[holes]
    return filled


def find_clumps(pieces: Integers, n_pieces: int, cores: Integers) -> NDArray[np.bool_]:
    """The pieces with two cores or more, as a mask."""
    owner = np.zeros(int(cores.max(initial=0)) + 1, dtype=pieces.dtype)
    owner[cores] = pieces  # a core lies in one piece
    n_cores = np.bincount(owner[1:], minlength=n_pieces + 1)
    several: NDArray[np.bool_] = (n_cores >= 2)[pieces]
    return several
