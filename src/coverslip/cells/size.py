"""labels → how large the cells are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cell_sizes(labels: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """The cells' diameters in px, those of disks of the same area, in order of their numbers.

    Args:
        labels: (H, W), 0 is background; numbers may be missing.
    """
    areas = np.unique(labels[labels > 0], return_counts=True)[1]
    return np.asarray(2 * np.sqrt(areas / np.pi))
