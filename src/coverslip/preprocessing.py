"""image of any range and colour → the numbers a network sees.

Training and prediction share this preprocessing, and a checkpoint records its settings: an image's
own range is stretched to [0, 1], grey is repeated into three channels, and the channels are brought
to the mean and spread of the images that the encoder was first trained on.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coverslip.value_range import ValueRange, find_range, sample_pairs

SAMPLE_PX = 1_000_000  # percentiles of so many values are exact to far less than one grey level


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes the input of a network.

    Attributes:
        low_percentile: Percentile that becomes 0; above 0 so that dead pixels do not set the range.
        high_percentile: Percentile that becomes 1; bright debris beyond it is clipped.
        mean: Per channel, of images in [0, 1]; ImageNet's, as the encoders were trained with.
        std: Per channel, likewise.

    Example:
        >>> import coverslip
        >>> coverslip.Preprocess(low_percentile=0).high_percentile
        99.8
    """

    low_percentile: float = 1.0
    high_percentile: float = 99.8
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


def dict_to_preprocess(values: dict[str, Any]) -> Preprocess:
    """The inverse of `dataclasses.asdict`, after JSON has turned tuples into lists.

    Example:
        >>> import json
        >>> from dataclasses import asdict
        >>> from coverslip.preprocessing import Preprocess, dict_to_preprocess
        >>> dict_to_preprocess(json.loads(json.dumps(asdict(Preprocess())))) == Preprocess()
        True
    """
    return Preprocess(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


def preprocess(image: NDArray[Any], settings: Preprocess) -> NDArray[np.float32]:
    """Make a network's input of an image.

    Args:
        image: (H, W) or (H, W, 3), any number type and range; NaN and ±Inf are replaced.
        settings: Those of the checkpoint.

    Returns:
        (3, H, W).

    Raises:
        ValueError: Another shape, or no finite value.

    Example:
        >>> import coverslip, numpy as np
        >>> image = np.arange(256, dtype=np.uint16).reshape(16, 16)
        >>> network_input = coverslip.preprocess(image, coverslip.Preprocess())
        >>> network_input.shape, network_input.dtype.name
        ((3, 16, 16), 'float32')
    """
    stretched = stretch(
        image, low_percentile=settings.low_percentile, high_percentile=settings.high_percentile
    )
    return normalise(stretched, settings)


def stretch(
    image: NDArray[Any], *, low_percentile: float, high_percentile: float
) -> NDArray[np.float32]:
    """Map an image's range between two percentiles to [0, 1] and clip the rest.

    The percentiles are taken over all channels together, which keeps the colours. Where they
    coincide although the image is not constant (a few bright cells on black), its minimum and
    maximum take their place; and where something that is far from all the rest would set the range,
    `find_range` leaves it out.

    Args:
        image: (H, W) or (H, W, 3), any number type; NaN and ±Inf are replaced first.
        low_percentile: In [0, 100].
        high_percentile: In [0, 100].

    Returns:
        Same shape, in [0, 1]; a constant image becomes zeros.

    Raises:
        ValueError: No finite value.

    Example:
        >>> import numpy as np
        >>> from coverslip.preprocessing import stretch
        >>> image = np.array([[100, 200], [300, 500]])
        >>> stretch(image, low_percentile=0, high_percentile=100).tolist()
        [[0.0, 0.25], [0.5, 1.0]]
    """
    finite, _ = replace_nonfinite(image)
    found = image_range(finite, low_percentile=low_percentile, high_percentile=high_percentile)
    return stretch_between(finite, found.low, found.high)


def image_range(
    image: NDArray[Any], *, low_percentile: float, high_percentile: float
) -> ValueRange:
    """The values that `stretch` makes 0 and 1 of, and what is to be said of them.

    Args:
        image: (H, W) or (H, W, 3), every value finite.
        low_percentile: In [0, 100].
        high_percentile: In [0, 100].
    """
    found = find_range(
        *sample_pairs(image, 0, sample_step(image.shape)),
        percentiles=(low_percentile, high_percentile),
    )
    if found.low >= found.high:
        return ValueRange(float(image.min()), float(image.max()))
    return found


def stretch_between(image: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Map an image's range between two values to [0, 1] and clip the rest; `stretch` finds them.

    Args:
        image: Any shape and number type, every value finite.
        low: Becomes 0.
        high: Becomes 1; where it is not above `low`, everything becomes 0.

    Example:
        >>> import numpy as np
        >>> from coverslip.preprocessing import stretch_between
        >>> stretch_between(np.array([0, 10, 15, 20, 99]), 10, 20).tolist()
        [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    if low >= high:
        return np.zeros(image.shape, np.float32)
    # float32 holds integers of up to 24 bits exactly; larger numbers are subtracted in float64.
    is_small = image.dtype.itemsize <= 2 or (image.dtype == np.float32 and high - low < 1e38)
    numbers: NDArray[np.floating[Any]] = image.astype(np.float32 if is_small else np.float64)
    numbers -= low
    # Divided, not multiplied by 1 / (high - low), which overflows for a range near 1e-308.
    numbers /= high - low
    np.clip(numbers, 0, 1, out=numbers)
    return np.asarray(numbers, np.float32)


def sample_step(shape: tuple[int, ...]) -> int:
    """Every how many values of an image of that shape `stretch` takes one for its percentiles."""
    step = -(-math.prod(shape) // SAMPLE_PX)
    # A step that shares a factor with the row length would take the same columns from every row.
    while math.gcd(step, math.prod(shape[1:])) > 1:
        step += 1
    return step


def normalise(image: NDArray[np.float32], settings: Preprocess) -> NDArray[np.float32]:
    """Subtract the mean and divide by the standard deviation, channel by channel.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1].
        settings: Those of the checkpoint.

    Returns:
        (3, H, W).

    Raises:
        ValueError: Another shape.

    Example:
        >>> import numpy as np
        >>> from coverslip.preprocessing import Preprocess, normalise
        >>> settings = Preprocess(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
        >>> normalise(np.array([[0.5, 1.0]], np.float32), settings).tolist()
        [[[0.0, 2.0]], [[0.0, 2.0]], [[0.0, 2.0]]]
    """
    if image.ndim != 2 and image.shape[2:] != (3,):
        raise ValueError(f"an image of shape {image.shape}: wanted (H, W) or (H, W, 3)")
    channels = np.empty((3, *image.shape[:2]), np.float32)
    # one at a time: grey values need not be repeated, nor colours be turned where they stand
    for number, (mean, std) in enumerate(zip(settings.mean, settings.std, strict=True)):
        source = image if image.ndim == 2 else image[..., number]
        np.subtract(source, np.float32(mean), out=channels[number], dtype=np.float32)
        channels[number] /= np.float32(std)
    return channels


def to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """Repeat grey into three channels: (H, W) or (H, W, 3) → (H, W, 3).

    Raises:
        ValueError: Another shape.

    Example:
        >>> import numpy as np
        >>> from coverslip.preprocessing import to_rgb
        >>> to_rgb(np.array([[7, 8]])).tolist()
        [[[7, 7, 7], [8, 8, 8]]]
    """
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    if image.ndim == 3 and image.shape[2] == 3:
        return image
    raise ValueError(f"an image of shape {image.shape}: wanted (H, W) or (H, W, 3)")


def to_grey(image: NDArray[Any]) -> NDArray[np.float32]:
    """Bring an image to [0, 1] by its type, not by its contents, so that zero stays zero.

    Unsigned integers are divided by the greatest number of their type, and so are signed ones and
    by the greatest value floats beyond 1, as long as nothing is negative. An image with negative
    values has no zero to keep: its least value becomes 0 and its greatest 1.

    Args:
        image: (H, W) or (H, W, 3), any number type; NaN and ±Inf are replaced first. Of colours the
            mean counts.

    Returns:
        (H, W).

    Raises:
        ValueError: Another shape, or no finite value.

    Example:
        >>> import numpy as np
        >>> from coverslip.preprocessing import to_grey
        >>> to_grey(np.array([[0, 255]], np.uint8)).tolist()
        [[0.0, 1.0]]
    """
    if image.ndim != 2 and image.shape[2:] != (3,):
        raise ValueError(f"an image of shape {image.shape}: wanted (H, W) or (H, W, 3)")
    finite, _ = replace_nonfinite(image)
    values = finite.astype(np.float64) / 2  # of the half of it no range is too large for a float
    low, high = (limit / 2 for limit in _range_of_type(finite))
    values = (values - low) / (high - low) if low < high else np.zeros_like(values)
    return np.asarray(values if image.ndim == 2 else values.mean(axis=2), np.float32)


def _range_of_type(image: NDArray[Any]) -> tuple[float, float]:
    """What becomes 0 and what becomes 1."""
    low, high = float(image.min()), float(image.max())
    if low < 0:
        return low, high
    if np.issubdtype(image.dtype, np.integer):
        return 0.0, float(np.iinfo(image.dtype).max)
    return 0.0, max(high, 1.0)


def replace_nonfinite(image: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Put the least finite value for NaN and -Inf, the greatest for +Inf.

    Args:
        image: Any shape and number type.

    Returns:
        The image (itself, where all is finite) and how many values were replaced.

    Raises:
        ValueError: Not one value is finite.

    Example:
        >>> import numpy as np
        >>> from coverslip.preprocessing import replace_nonfinite
        >>> image, n_replaced = replace_nonfinite(np.array([1.0, np.nan, np.inf, 3.0]))
        >>> image.tolist(), n_replaced
        ([1.0, 1.0, 3.0, 3.0], 2)
    """
    finite = np.isfinite(image)
    n_replaced = finite.size - int(np.count_nonzero(finite))
    if n_replaced == 0:
        return image, 0
    if n_replaced == finite.size:
        raise ValueError("the image holds nothing but NaN and Inf")
    low, high = image[finite].min(), image[finite].max()
    return np.nan_to_num(image, nan=low, posinf=high, neginf=low), n_replaced


def resize_image(image: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize with linear interpolation; a pixel of a shrunken image averages all it covers.

    Args:
        image: (H, W) or (H, W, C).
        shape: Height and width wanted, in px.

    Returns:
        (*shape) or (*shape, C), in the range of the image.

    Example:
        >>> import coverslip, numpy
        >>> coverslip.resize_image(numpy.array([[0, 2], [4, 6]]), (1, 1)).tolist()
        [[3.0]]
    """
    source = np.asarray(image, np.float32)
    if source.shape[:2] == shape:
        return source.copy()
    if source.ndim == 3:
        return np.stack([resize_image(plane, shape) for plane in np.moveaxis(source, 2, 0)], axis=2)
    height, width = shape
    # Pillow widens the triangle of linear interpolation by the factor of shrinking.
    return np.asarray(Image.fromarray(source).resize((width, height), Image.Resampling.BILINEAR))


def resize_window(
    read: Callable[[slice, slice], NDArray[Any]],
    window: tuple[slice, slice],
    *,
    source: tuple[int, int],
    target: tuple[int, int],
) -> NDArray[np.float32]:
    """Some rows and columns of what `resize_image` makes of an image that is read piece by piece.

    Equal to it but for rounding: the weights are reckoned from another zero.

    Args:
        read: gives the pixels (h, w) or (h, w, C) of some rows and columns.
        window: the rows and columns wanted, of the resized image.
        source: height and width of the image.
        target: height and width that the whole of it would be resized to.

    Returns:
        (h, w) or (h, w, C), of the window's size.
    """
    if source == target:
        return np.asarray(read(*window), np.float32)
    ratios = [old / new for old, new in zip(source, target, strict=True)]
    parts = [
        slice(
            max(0, math.floor(part.start * ratio - max(ratio, 1)) - 1),
            min(old, math.ceil(part.stop * ratio + max(ratio, 1)) + 1),
        )
        for part, ratio, old in zip(window, ratios, source, strict=True)
    ]
    piece = np.asarray(read(parts[0], parts[1]), np.float32)
    top, bottom, left, right = (
        min(max(0.0, edge * ratio - part.start), float(part.stop - part.start))
        for own, ratio, part in zip(window, ratios, parts, strict=True)
        for edge in (own.start, own.stop)
    )
    size = (window[1].stop - window[1].start, window[0].stop - window[0].start)
    planes = piece[None] if piece.ndim == 2 else np.moveaxis(piece, 2, 0)
    resized = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).resize(
                size, Image.Resampling.BILINEAR, box=(left, top, right, bottom)
            )
        )
        for plane in planes
    ]
    return resized[0] if piece.ndim == 2 else np.stack(resized, axis=2)


def resize_labels(labels: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Resize a mask or labels; each new pixel takes the value under its centre.

    Args:
        labels: (H, W), any type.
        shape: Height and width wanted, in px.

    Returns:
        (*shape), same type, no value that was not there.

    Example:
        >>> import coverslip, numpy
        >>> coverslip.resize_labels(numpy.array([[1, 2]]), (2, 4)).tolist()
        [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    rows, columns = (
        ((2 * np.arange(new) + 1) * old) // (2 * new)
        for new, old in zip(shape, labels.shape, strict=True)
    )
    return np.asarray(labels[rows[:, None], columns])
