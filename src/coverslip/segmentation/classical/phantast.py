"""image → mask by local contrast: PHANTAST, for phase contrast.

Jaccard et al., "Automated method for the rapid and precise estimation of adherent cell culture
characteristics from phase contrast microscopy images", Biotechnology and Bioengineering 2014,
doi 10.1002/bit.25115. Cell is where the brightness varies by more than a few hundredths of its
local mean. That takes in the bright halo around the cells, which a second step removes.

From the rim of the mask, pixels are eaten towards the brighter side, as long as there is mask on
that side. On the outer flank of a halo that is inwards, so it goes; on the inner flank it is
outwards, where nothing is left, so the cell stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.segmentation.classical.areas import (
    EIGHT_NEIGHBOURS,
    FOUR_NEIGHBOURS,
    check_number,
    drop_small,
    fill_small_holes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 2.9786  # half-width of the Gaussian, in sigmas, as in the authors' program


@dataclass(frozen=True)
class PhantastSettings:
    """What decides a mask. The defaults are those of the paper's figure S1 and the authors' demo.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> from coverslip.segmentation.classical import PhantastSettings
        >>> PhantastSettings(epsilon=0.03).epsilon
        0.03
    """

    sigma: float = 1.4  # px, of the Gaussian window of the local contrast; fig. S1
    epsilon: float = 0.06  # a pixel of greater contrast is cell; fig. S1
    small_object_px: int = 200  # pieces up to this are dropped before the halo goes; demo
    small_hole_px: int = 320  # holes up to this are filled before the halo goes; demo
    freeze_ratio: float = 0.3  # a piece that has lost all but this share loses no more; demo
    small_rest_px: int = 0  # pieces up to this are dropped at last; the demo has no such step

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        check_number("sigma", self.sigma, least=0.1, most=100)
        check_number("epsilon", self.epsilon, least=0.0001, most=10)
        check_number("freeze_ratio", self.freeze_ratio, least=0, most=1)
        for name in ("small_object_px", "small_hole_px", "small_rest_px"):
            check_number(name, getattr(self, name), least=0)


# What the authors' graphical program starts with: half the contrast suffices, so it finds more.
PHANTAST_GUI = PhantastSettings(
    epsilon=0.03, small_object_px=325, small_hole_px=25, small_rest_px=100
)


def segment_phantast(
    image: NDArray[np.floating[Any]], *, settings: PhantastSettings
) -> NDArray[np.bool_]:
    """Find the cells by their local contrast, without their halo.

    Args:
        image: (H, W) grey in [0, 1], 0 where there is no light: contrast is relative to the mean,
            so any factor changes nothing, but an offset does.
        settings: window, threshold, areas and when a piece is left alone.

    Returns:
        (H, W) bool.

    Example:
        >>> import numpy as np
        >>> from coverslip.segmentation.classical import PhantastSettings, segment_phantast
        >>> random = np.random.default_rng(0)
        >>> image = random.normal(0.5, 0.01, (128, 128))  # the noise of the camera
        >>> image[40:80, 40:80] = random.normal(0.5, 0.1, (40, 40))  # a cell has more texture
        >>> mask = segment_phantast(image, settings=PhantastSettings())
        >>> bool(mask[60, 60]), bool(mask[5, 5])
        (True, False)
    """
    grey = image.astype(np.float64)
    mask = local_contrast(grey, sigma=settings.sigma) > settings.epsilon
    mask = drop_up_to(mask, settings.small_object_px)
    mask = fill_small_holes(mask, most_px=settings.small_hole_px)
    mask = tidy(remove_halo(grey, mask, freeze_ratio=settings.freeze_ratio))
    return drop_up_to(mask, settings.small_rest_px)


def local_contrast(grey: NDArray[np.float64], *, sigma: float) -> NDArray[np.float64]:
    """Standard deviation by mean, both weighted by a Gaussian around each pixel.

    Args:
        grey: (H, W), mirrored at its border.
        sigma: of the Gaussian, in px.

    Returns:
        (H, W), 0 where the mean is 0.
    """
    mean = blur(grey, sigma=sigma)
    variance = blur(grey**2, sigma=sigma) - mean**2  # a little below 0 where rounding makes it so
    spread = np.sqrt(np.maximum(variance, 0))
    return np.divide(spread, mean, out=np.zeros_like(mean), where=mean != 0)


def blur(values: NDArray[np.float64], *, sigma: float) -> NDArray[np.float64]:
    """Means under a Gaussian that ends at REACH sigmas; the image is mirrored at its border."""
    reach = math.ceil(REACH * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        values = ndimage.correlate1d(values, weights, axis=axis, mode="reflect")
    return values


def drop_up_to(mask: NDArray[np.bool_], most_px: float) -> NDArray[np.bool_]:
    """Drop 8-connected pieces of at most so many pixels."""
    return drop_small(mask, least_px=most_px + 1, neighbours=EIGHT_NEIGHBOURS)


# (rows, columns) to the neighbour in the east, and on against the clock.
DIRECTIONS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
CONE = np.array([-1, 0, 1])  # a direction and those 45 degrees to its sides
MAJORITY_PASSES = 20  # of the authors' program; few masks change for so long


def remove_halo(
    grey: NDArray[np.float64], mask: NDArray[np.bool_], *, freeze_ratio: float
) -> NDArray[np.bool_]:
    """Eat the mask's rim towards the brighter side, pass by pass.

    A pixel is tried once: it goes where the mask, as it was before the pass, has a pixel in its
    cone, and those pixels are tried next. Pixels at the border of the image always stay.

    Args:
        grey: (H, W), the image.
        mask: (H, W) bool, cells with their halo.
        freeze_ratio: an 8-connected piece with less than this share of its area loses no more.

    Returns:
        (H, W) bool.
    """
    pieces = ndimage.label(mask, structure=EIGHT_NEIGHBOURS)[0].ravel()
    areas = np.bincount(pieces)
    remaining = areas.copy()
    towards = brighter_side(grey).ravel()
    steps = np.array([down * mask.shape[1] + right for down, right in DIRECTIONS])
    left = mask.flatten()
    inside = np.zeros(mask.shape, dtype=bool)
    inside[1:-1, 1:-1] = True
    tried = ~inside.ravel()

    queue = np.flatnonzero(rim(mask))
    while queue.size:
        queue = queue[~tried[queue]]
        tried[queue] = True
        cone = queue[:, None] + steps[(towards[queue, None] + CONE) % len(steps)]
        is_mask = left[cone]
        eaten = queue[is_mask.any(axis=1)]
        queue = np.unique(cone[is_mask])
        left[eaten] = False
        remaining -= np.bincount(pieces[eaten], minlength=len(areas))
        frozen = remaining < freeze_ratio * areas
        queue = queue[~frozen[pieces[queue]]]
    return left.reshape(mask.shape)


def rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask's pixels beside the background, outside of it or in its holes."""
    inside = ndimage.binary_erosion(mask, structure=FOUR_NEIGHBOURS, border_value=0)
    return mask & ~inside


def brighter_side(grey: NDArray[np.float64]) -> NDArray[np.intp]:
    """The direction of the strongest of Kirsch's eight kernels at each pixel, of equals the first.

    A kernel weighs the three neighbours of its side by 5 and the other five by -3, which is eight
    times the three less three times all eight. The latter is the same in all directions, so the
    side with the brightest three neighbours wins. Outside of the image it is dark. What differs by
    no more than the rounding of float32 is equal, or grey levels would tie by chance.

    Args:
        grey: (H, W).

    Returns:
        (H, W) of indices into DIRECTIONS.
    """
    height, width = grey.shape
    padded = np.pad(grey, 1)
    ring = [padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in DIRECTIONS]
    side = np.zeros(grey.shape, dtype=np.intp)
    brightest = np.full(grey.shape, -np.inf)
    rounding = 4 * np.finfo(np.float32).eps * np.abs(grey).max()
    for number in range(len(ring)):
        three = ring[number - 1] + ring[number] + ring[(number + 1) % len(ring)]
        better = three > brightest + rounding
        side[better] = number
        brightest[better] = three[better]
    return side


def tidy(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let each pixel follow the majority of its 3 × 3, at most 20 times; then drop single pixels.

    Outside of the image there is background.
    """
    for _ in range(MAJORITY_PASSES):
        smoother = count_nine(mask) >= 5
        if (smoother == mask).all():
            break
        mask = smoother
    return mask & (count_nine(mask) > 1)


def count_nine(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How many pixels of the 3 × 3 around each are in the mask."""
    counts = mask.astype(np.uint8)
    for axis in (0, 1):
        counts = ndimage.correlate1d(counts, [1, 1, 1], axis=axis, mode="constant")
    return counts
