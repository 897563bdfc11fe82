"""mask → mask without pieces or holes that are too small."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels that touch at a corner belong to one cell; so background does not pass between them.
EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
FOUR_NEIGHBOURS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)


def drop_small(
    mask: NDArray[np.bool_], *, least_px: float, neighbours: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Keep the connected pieces of a mask that have at least so many pixels.

    Args:
        mask: (H, W) bool.
        least_px: area of the smallest piece that is kept.
        neighbours: (3, 3) bool, what counts as connected.
    """
    pieces, _ = ndimage.label(mask, structure=neighbours)
    keep = np.bincount(pieces.ravel()) >= least_px
    keep[0] = False  # what is not in the mask, however large
    kept: NDArray[np.bool_] = keep[pieces]
    return kept


def keep_largest(mask: NDArray[np.bool_], *, neighbours: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the largest connected piece of a mask alone; of equal ones, the first in order."""
    pieces, n_pieces = ndimage.label(mask, structure=neighbours)
    if n_pieces == 0:
        return mask.copy()
    largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    kept: NDArray[np.bool_] = pieces == largest
    return kept


def fill_small_holes(mask: NDArray[np.bool_], *, most_px: float) -> NDArray[np.bool_]:
    """Fill background of at most so many pixels that does not reach the edge of the image."""
    filled: NDArray[np.bool_] = ndimage.binary_fill_holes(mask, structure=FOUR_NEIGHBOURS)
    holes = filled & ~mask
    return filled & ~drop_small(holes, least_px=most_px + 1, neighbours=FOUR_NEIGHBOURS)


def check_number(name: str, value: object, *, least: float, most: float = math.inf) -> None:
    """Refuse what is no number, or one outside the limits.

    Raises:
        SettingsError: with the name, what came and what was wanted.
    """
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if math.isfinite(number) and least <= number <= most:
        return
    limits = f"{least} or more" if most == math.inf else f"{least} to {most}"
    raise SettingsError(f"{name} is {value!r}; wanted a number, {limits}.")
