"""probabilities → mask → its connected pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels that touch at a corner belong to one cell; so background does not pass between them.
EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
FOUR_NEIGHBOURS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)


def probs_to_mask(probs: NDArray[np.floating[Any]], *, threshold: float = 0.5) -> NDArray[np.bool_]:
    """Call cell what exceeds the threshold.

    Args:
        probs: (H, W) in [0, 1].
        threshold: a cell's pixels have a probability above it, in [0, 1].

    Returns:
        (H, W) bool.

    Raises:
        SettingsError: a threshold outside [0, 1].
    """
    check_limits(threshold=threshold, min_area_px=0)
    mask: NDArray[np.bool_] = probs > threshold
    return mask


def check_limits(*, threshold: float, min_area_px: int) -> None:
    """Refuse limits that make no sense, which a caller may want before hours of prediction.

    Raises:
        SettingsError: a threshold outside [0, 1] or a negative area.
    """
    if not 0.0 <= threshold <= 1.0:
        raise SettingsError(f"the threshold is {threshold}; it must lie in 0 to 1, 0.5 is usual.")
    if min_area_px < 0:
        raise SettingsError(f"the least area is {min_area_px} px; it must be 0 or more.")


def mask_to_labels(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Number the 8-connected pieces of a mask.

    Args:
        mask: (H, W) bool.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order of their first pixels.

    Raises:
        TypeError: the mask is not bool; labels would be merged where cells touch.
    """
    if mask.dtype != np.bool_:
        raise TypeError(f"the mask is {mask.dtype}; wanted bool, for instance labels > 0")
    labels, _ = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)
    return labels.astype(np.uint32)
