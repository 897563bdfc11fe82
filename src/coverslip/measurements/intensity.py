"""image × pixels of cells → how bright each cell is, and how sure.

Fluorescence of each cell, with the background around it taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from coverslip.measurements.neighbours import Surroundings
    from coverslip.measurements.pixels import Floats, Pixels

    Image = NDArray[Any] | Mapping[str, NDArray[Any]]

QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
COLOURS = ("red", "green", "blue")
FEWEST_PX = 25  # in a ring: of fewer, the median is at the mercy of a speck


def to_channels(image: Image) -> dict[str, NDArray[Any]]:
    """The channels of an image by name, each (H, W); "" for that of a grey image.

    A colour picture whose three samples are the same everywhere is grey.

    Raises:
        ValueError: an array of another shape.
    """
    if not isinstance(image, np.ndarray):
        parts = {name: to_channels(part) for name, part in image.items()}
        return {
            "_".join(filter(None, (name, colour))): channel
            for name, part in parts.items()
            for colour, channel in part.items()
        }
    if image.ndim == 2:
        return {"": image}
    if image.ndim != 3 or image.shape[2] != len(COLOURS):
        raise ValueError(
            f"the image is {image.shape}; wanted (H, W), (H, W, 3) for colour, or channels by name"
        )
    if (image == image[..., :1]).all():
        return {"": image[..., 0]}
    return {name: image[..., number] for number, name in enumerate(COLOURS)}


def intensities(image: NDArray[Any], pixels: Pixels) -> dict[str, Floats]:
    """Describe the values of one channel (H, W) over each cell."""
    values = image[pixels.y, pixels.x].astype(np.float64)
    mean = pixels.means(values)
    with np.errstate(invalid="ignore"):  # an infinite value has no spread
        sd = np.sqrt(pixels.means((values - np.repeat(mean, pixels.areas)) ** 2))
    return {
        "mean": mean,
        "sd": sd,
        "min": pixels.least(values),
        "max": pixels.greatest(values),
        "integrated": pixels.sums(values),
        **_quantiles(values, pixels),
    }


def _quantiles(values: Floats, pixels: Pixels) -> dict[str, Floats]:
    """Between two values of a cell, a quantile lies on the line that joins them."""
    ordered = values.copy()
    for own in pixels.slices:
        ordered[own].sort()
    last = pixels.areas - 1
    found = {}
    for name, share in QUANTILES.items():
        below = np.floor(share * last).astype(np.int64)
        part = share * last - below
        low = ordered[pixels.starts + below]
        high = ordered[pixels.starts + np.minimum(below + 1, last)]
        found[name] = np.where(part > 0, low * (1 - part) + high * part, low)
    return found


def backgrounds(
    image: NDArray[Any],
    labels: NDArray[Any],
    around: Surroundings,
    *,
    gap_px: float,
    ring_px: float,
) -> Floats:
    """The median of one channel in a ring around each cell, outside all cells.

    A median, since a ring may catch debris or a cell that was not found. Where too little of the
    ring is free, all of the image that is outside of cells takes its place; NaN without any.
    """
    flat = image.ravel()
    found = np.full(len(around.background), np.nan)
    for number, (place, distance) in enumerate(around.background):
        ring = flat[place[(distance >= gap_px) & (distance < gap_px + ring_px)]]
        if len(ring) >= FEWEST_PX:
            found[number] = np.median(ring)
    outside = labels == 0
    if np.isnan(found).any() and outside.any():
        found[np.isnan(found)] = np.median(image[outside])
    return found


def confidences(probs: NDArray[Any], pixels: Pixels) -> dict[str, NDArray[Any]]:
    """Average the probabilities (H, W) over each cell.

    A probability that is true says how many such pixels in a hundred are cell; so their mean is the
    share of the cell's pixels that may be expected to be. A cell that the model is unsure of lies
    little above the threshold, a sure one near 1.
    """
    return {"confidence": pixels.means(probs[pixels.y, pixels.x])}


def disagreements(spread: NDArray[Any], pixels: Pixels) -> dict[str, NDArray[Any]]:
    """Mean and maximum over each cell of what the views of test-time augmentation differ by."""
    values = spread[pixels.y, pixels.x]
    return {
        "spread_mean": pixels.means(values),
        "spread_max": pixels.greatest(values).astype(float),
    }
