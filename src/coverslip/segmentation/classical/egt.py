"""image → mask by its gradients: EGT, empirical gradient threshold.

Chalfoun et al., "Empirical gradient threshold technique for automated segmentation across image
modalities and cell lines", Journal of Microscopy 2015, doi 10.1111/jmi.12269. Cell is where the
brightness changes much from pixel to pixel, and how much is much follows from the histogram of the
changes alone: the wider its foot, the more of the image is cell. The paper plots that percentile;
the straight line below is the one of the authors' published programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.segmentation.classical.areas import (
    EIGHT_NEIGHBOURS,
    FOUR_NEIGHBOURS,
    check_number,
    drop_small,
    keep_largest,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BINS = 1001  # centred on min, min + r, ..., max, r a thousandth of the range
# The line runs through (3, 95) and (42, 40): percentile of the threshold by the foot's share, in %.
SLOPE = (95 - 40) / (3 - 42)
INTERCEPT = 95 - 3 * SLOPE
LEAST, MOST = 25, 98  # percentiles beyond which the authors do not follow the line


@dataclass(frozen=True)
class EGTSettings:
    """What the authors' programs let a user choose; the defaults are theirs.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> from coverslip.segmentation.classical import EGTSettings
        >>> EGTSettings(greedy=5).greedy
        5
    """

    greedy: float = 0.0  # percentiles by which the threshold is lowered: above 0 finds more
    max_hole_px: float | None = None  # fill smaller holes; None: all background but the largest
    min_cell_px: int = 1  # drop what is smaller; 1 drops nothing, since only a user knows the cells

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        check_number("greedy", self.greedy, least=-100, most=100)
        if self.max_hole_px is not None:
            check_number("max_hole_px", self.max_hole_px, least=0)
        check_number("min_cell_px", self.min_cell_px, least=0)


def segment_egt(image: NDArray[np.floating[Any]], *, settings: EGTSettings) -> NDArray[np.bool_]:
    """Find the cells by their gradients.

    Args:
        image: (H, W) grey, on any scale: only how gradients compare with each other counts.
        settings: how greedy, and which areas are no cells and no holes.

    Returns:
        (H, W) bool. An image without any change of brightness has no cell.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation.classical import EGTSettings, segment_egt
        >>> random = np.random.default_rng(0)
        >>> image = random.normal(0.5, 0.01, (128, 128))  # the noise of the camera
        >>> image[40:80, 40:80] = random.normal(0.5, 0.1, (40, 40))  # a cell has more texture
        >>> mask = segment_egt(image, settings=EGTSettings())
        >>> bool(mask[60, 60]), bool(mask[5, 5])
        (True, False)
    """
    gradients = gradient_magnitude(image)
    changes = gradients[gradients > 0]
    if changes.size == 0:
        return np.zeros(image.shape, dtype=bool)
    percentile = threshold_percentile(changes, greedy=settings.greedy)
    mask = fill_background(gradients > value_at(changes, percentile), settings.max_hole_px)
    # What lies outside of the image does not erode what is in it.
    mask = ndimage.binary_erosion(mask, structure=FOUR_NEIGHBOURS, border_value=1)
    return drop_small(mask, least_px=settings.min_cell_px, neighbours=EIGHT_NEIGHBOURS)


def gradient_magnitude(image: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Sobel's gradient (kernels 1 2 1, not normalised), the border repeated outwards.

    Args:
        image: (H, W).

    Returns:
        (H, W), zero where it is no more than the rounding of float32: such pixels are flat.
    """
    values = image.astype(np.float64)
    down, right = (ndimage.sobel(values, axis=axis, mode="nearest") for axis in (0, 1))
    gradients: NDArray[np.float64] = np.hypot(down, right)
    rounding = 8 * np.finfo(np.float32).eps * np.abs(values).max()
    gradients[gradients <= rounding] = 0
    return gradients


def threshold_percentile(changes: NDArray[np.float64], *, greedy: float) -> float:
    """The percentile of the gradients that parts background from cell, in 1 to 100.

    Args:
        changes: (n,) the gradients that are not zero, n at least 1.
        greedy: percentiles to lower it by.
    """
    foot_percent = foot_share(histogram(changes))
    percentile = np.floor(SLOPE * foot_percent + INTERCEPT + 0.5)  # halves up, as MATLAB rounds
    return float(np.clip(np.clip(percentile, LEAST, MOST) - greedy, 1, 100))


def histogram(changes: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many gradients are in each of the bins; one on an edge counts to the bin below."""
    low, high = changes.min(), changes.max()
    width = (high - low) / (N_BINS - 1) or 1.0  # all equal: they are all in the first
    bins = np.ceil((changes - low) / width - 0.5).astype(np.int64)
    return np.bincount(np.clip(bins, 0, N_BINS - 1), minlength=N_BINS)


def foot_share(counts: NDArray[np.int64]) -> float:
    """The share of the gradients, in %, in the foot of the histogram beyond its peak.

    The foot is from three times the peak's bin to where the histogram has sunk below a twentieth of
    its height, and at least to 18 times the peak's bin, counting bins from 1 as the authors do.

    Args:
        counts: (N_BINS,).
    """
    fullest = np.argsort(-counts, kind="stable")[:3] + 1
    peak = round(float(fullest.mean()))
    sunk = np.flatnonzero(counts[peak - 1 :] < 0.05 * counts.max())
    end = peak + int(sunk[0]) if sunk.size else len(counts)
    lower, upper = (min(place, len(counts)) for place in (3 * peak, max(end, 18 * peak)))
    return 100 * float(counts[lower - 1 : upper].sum()) / float(counts.sum())


def value_at(changes: NDArray[np.float64], percentile: float) -> float:
    """The gradient at a percentile, in the order of all, by the authors' rule of rounding."""
    place = int(np.floor(percentile / 100 * changes.size + 1.5))  # counted from 1
    index = min(max(place, 1), changes.size) - 1
    return float(np.partition(changes, index)[index])


def fill_background(mask: NDArray[np.bool_], max_hole_px: float | None) -> NDArray[np.bool_]:
    """Fill pieces of background below so many pixels; None: all of them but the largest."""
    if max_hole_px is None:
        return ~keep_largest(~mask, neighbours=FOUR_NEIGHBOURS)
    return ~drop_small(~mask, least_px=max_hole_px, neighbours=FOUR_NEIGHBOURS)
