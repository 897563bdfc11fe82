"""probabilities and their spread → how unsure a network is of an image, in one number.

Every border of a cell has a seam where the probability passes 1/2. An image with more cells has
more of it and is no harder, so what is unsure is summed over the image and divided by the length of
the borders: the width in pixels of a seam that is wholly unsure. Where the network is sure, the
seam is narrow; a doubtful cell, or a doubtful ground without any cell, widens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.predict import Prediction

# A square of an eighth of the image's sides: less border than that is counted as so much, or a
# speck in an empty image would make it the most uncertain of all.
LEAST_BORDER = 1 / 4  # of height and width together


@dataclass(frozen=True)
class Uncertainty:
    """How unsure a network is of an image.

    Attributes:
        entropy_px: sum of the pixels' entropies, 1 bit where the probability is 1/2, over the
            borders' length: a width in px.
        spread_px: sum of twice the standard deviation over the views of test-time augmentation, 1
            where half of them say cell and half not, over the borders' length, in px; None where
            there was one view.
    """

    entropy_px: float
    spread_px: float | None

    @property
    def total(self) -> float:
        """The mean of the two, in px; without views the entropy alone."""
        if self.spread_px is None:
            return self.entropy_px
        return (self.entropy_px + self.spread_px) / 2


def measure_uncertainty(prediction: Prediction, *, threshold: float) -> Uncertainty:
    """How unsure a network is, for the length of border that it found.

    Args:
        prediction: maps of one image; the first channel counts.
        threshold: a pixel is cell above it.
    """
    probs = prediction.probs[0]
    length = border_length(probs > threshold)
    spread = None if prediction.spread is None else 2 * float(prediction.spread[0].sum()) / length
    return Uncertainty(entropy_px=float(entropy(probs).sum()) / length, spread_px=spread)


def entropy(probs: NDArray[np.float32]) -> NDArray[np.float64]:
    """In bits: 0 where the probability is 0 or 1, 1 where it is 1/2."""
    p = probs.astype(np.float64)
    q = 1 - p
    logs = [x * np.log2(np.where(x > 0, x, 1)) for x in (p, q)]
    return np.asarray(0.0 - logs[0] - logs[1])


def border_length(mask: NDArray[np.bool_]) -> float:
    """Sides of pixels with cell on one hand only, in px; at least `LEAST_BORDER`."""
    down = np.count_nonzero(mask[1:] != mask[:-1])
    across = np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return max(float(down + across), LEAST_BORDER * sum(mask.shape))
