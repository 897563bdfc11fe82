"""mask or labels → confluence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def confluence(mask_or_labels: NDArray[Any]) -> float:
    """Say which fraction of the image, 0 to 1, is covered by cells.

    Raises:
        ValueError: the image has no pixels.
    """
    if not mask_or_labels.size:
        raise ValueError(f"the mask is {mask_or_labels.shape}; it has no pixels to be covered")
    return float(np.count_nonzero(mask_or_labels) / mask_or_labels.size)
