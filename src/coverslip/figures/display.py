"""arrays → pictures: uint8 RGB, for the eye only."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.value_range import find_range, sample_pairs

Picture = NDArray[np.uint8]
Levels = tuple[float, float, float]  # low end, middle, high end

# Low end, middle, high end. Clipping a little keeps one hot pixel from turning an image black.
CLIP_PERCENT = (0.2, 50, 99.8)

# Where half of an image is darker than this share of its range, the dim cells need a lift.
DARK_MEDIAN = 0.1
LIFT = 0.6

SAMPLE_PX = 2.5e5  # about so many pixels tell the levels


def to_picture(image: NDArray[Any]) -> Picture:
    """Stretch an image to the range of the screen.

    Args:
        image: (H, W) or (H, W, 3), any real type, finite.

    Returns:
        (H, W, 3) uint8. The three channels share one stretch, so stains keep their hue. A mostly
        dark image (fluorescence) is lifted by a power, so that dim cells can be judged. A constant
        image becomes black.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import to_picture
        >>> to_picture(np.array([[1000, 2000], [3000, 5000]], np.uint16)).shape
        (2, 2, 3)
    """
    return stretch_picture(image, picture_levels(_sample(image)))


def stretch_picture(image: NDArray[Any], levels: Levels) -> Picture:
    """Stretch an image, or a part of one, between levels that are known: see `to_picture`.

    Args:
        image: (H, W) or (H, W, 3), of any number type.
        levels: low end, middle and high end, of `picture_levels`.

    Returns:
        (H, W, 3) uint8; black where the levels are one value.

    Example:
        >>> from coverslip.figures import stretch_picture
        >>> import numpy as np
        >>> stretch_picture(np.array([[0, 50, 300]]), (0.0, 50.0, 100.0))[..., 0].tolist()
        [[0, 128, 255]]
    """
    low, middle, high = levels
    if high <= low:
        return np.zeros((*image.shape[:2], 3), dtype=np.uint8)
    level = image.astype(np.float32)  # and no copy more: it may be the overview of a slide
    level -= np.float32(low)
    level /= np.float32(high - low)
    np.clip(level, 0, 1, out=level)
    if middle - low < DARK_MEDIAN * (high - low):
        level **= np.float32(LIFT)
    level *= 255
    picture = np.rint(level, out=level).astype(np.uint8)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def probability_to_rgb(probs: NDArray[np.floating[Any]], *, top: float = 1.0) -> Picture:
    """Colour a map by a scale that rises evenly in lightness and is safe for the colour-blind.

    Args:
        probs: (H, W), probabilities or their standard deviations.
        top: Value of the brightest colour: 1 for probabilities, 0.5 for standard deviations.

    Returns:
        (H, W, 3) uint8, dark blue for 0 to yellow for `top` and above (cividis).

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import probability_to_rgb
        >>> dark, light = probability_to_rgb(np.array([[0.0, 1.0]])).sum(axis=2)[0].tolist()
        >>> dark < light
        True
    """
    from matplotlib import colormaps

    rgba: NDArray[np.uint8] = colormaps["cividis"](np.clip(probs / top, 0, 1), bytes=True)
    return np.ascontiguousarray(rgba[..., :3])


def side_by_side(pictures: Sequence[Picture], *, gap_px: int = 8) -> Picture:
    """Put pictures in a row, tops aligned, on white.

    Args:
        pictures: One or more (H, W, 3) uint8 of any sizes.
        gap_px: White between two of them.

    Returns:
        (largest H, sum of W and gaps, 3) uint8.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import side_by_side
        >>> picture = np.zeros((10, 20, 3), np.uint8)
        >>> side_by_side([picture, picture], gap_px=8).shape
        (10, 48, 3)
    """
    height = max(len(picture) for picture in pictures)
    width = sum(picture.shape[1] for picture in pictures) + gap_px * (len(pictures) - 1)
    row = np.full((height, width, 3), 255, dtype=np.uint8)
    left = 0
    for picture in pictures:
        row[: len(picture), left : left + picture.shape[1]] = picture
        left += picture.shape[1] + gap_px
    return row


def picture_levels(sample: NDArray[Any]) -> Levels:
    """Low end, middle and high end of values, without what is far from all the rest.

    Args:
        sample: (H, W) or (H, W, 3), evenly spread pixels of an image, of any number type.

    Returns:
        What `stretch_picture` wants; a burnt-in scale bar, say, is not among it.

    Example:
        >>> from coverslip.figures import picture_levels
        >>> import numpy as np
        >>> low, middle, high = picture_levels(np.arange(101)[None])
        >>> 0 <= low < middle < high <= 100, middle
        (True, 50.0)
    """
    sample = sample.astype(np.float32)
    low, middle, high = (float(x) for x in np.percentile(sample, CLIP_PERCENT))
    found = find_range(*sample_pairs(sample, 0, 1), percentiles=(CLIP_PERCENT[0], CLIP_PERCENT[2]))
    return (found.low, middle, found.high) if found.note else (low, middle, high)


def _sample(image: NDArray[Any]) -> NDArray[np.float32]:
    """Every so-many-th pixel: percentiles of more cost time and change nothing that shows."""
    step = max(1, round(float(np.sqrt(image.shape[0] * image.shape[1] / SAMPLE_PX))))
    return image[::step, ::step].astype(np.float32)
