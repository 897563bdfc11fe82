"""image → mask by local contrast: PHANTAST, for phase contrast.

Jaccard et al., "Automated method for the rapid and precise estimation of adherent cell culture
characteristics from phase contrast microscopy images", Biotechnology and Bioengineering 2014,
doi 10.1002/bit.25115. Cell is where the brightness varies by more than a few hundredths of its
local mean. That takes in the bright halo around the cells, which a second step removes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.classical.areas import EIGHT_NEIGHBOURS, drop_small, fill_small_holes
from coverslip.classical.halo import remove_halo, tidy
from coverslip.classical.limits import check_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 2.9786  # half-width of the Gaussian, in sigmas, as in the authors' program


@dataclass(frozen=True)
class PhantastSettings:
    """What decides a mask. The defaults are those of the paper's figure S1 and the authors' demo.

    Raises:
        SettingsError: a value that cannot be, with what can.
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


def phantast(image: NDArray[np.floating[Any]], *, settings: PhantastSettings) -> NDArray[np.bool_]:
    """Find the cells by their local contrast, without their halo.

    Args:
        image: (H, W) grey in [0, 1], 0 where there is no light: contrast is relative to the mean,
            so any factor changes nothing, but an offset does.
        settings: window, threshold, areas and when a piece is left alone.

    Returns:
        (H, W) bool.
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
