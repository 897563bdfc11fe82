"""labels and images → the same at half the size, and half of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.io import level_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.export.source import LabelImage


@dataclass(frozen=True)
class Pyramid:
    """An image at several sizes, each level half as high and wide as the one before it.

    Attributes:
        name: Of the image.
        axes: A letter for each dimension.
        shape: Of the largest level.
        dtype: Of the values.
        planes: Gives the (..., H, W) values of a frame at full size.
        halve: Makes such values half as high and wide.
    """

    name: str
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    planes: Callable[[int], NDArray[Any]]
    halve: Callable[[NDArray[Any]], NDArray[Any]]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of every level, the largest first."""
        return level_sizes(self.shape[-2], self.shape[-1])


def label_pyramid(source: LabelImage) -> Pyramid:
    """Every second number, in the smallest type that holds all of them."""
    dtype = source.smallest_dtype
    return Pyramid(
        name="cells",
        axes=source.axes,
        shape=source.labels.shape,
        dtype=dtype,
        planes=lambda frame: source.frames[frame].astype(dtype),
        halve=lambda labels: labels[..., ::2, ::2],  # a mean of numbers would be another cell's
    )


def image_pyramid(source: LabelImage) -> Pyramid:
    """Means of four pixels; the samples of a colour image become channels."""
    first = _channels_first(source, 0)
    outer = source.labels.shape[:-2]
    letters = source.axes[:-2]
    if first.ndim == 3:  # channels stand before depths
        depth = letters.find("Z") if "Z" in letters else len(letters)
        letters, outer = f"{letters[:depth]}C{letters[depth:]}", (*outer[:depth], 3, *outer[depth:])
    return Pyramid(
        name=source.image_name or source.name,
        axes=f"{letters}YX",
        shape=(*outer, *source.size),
        dtype=first.dtype,
        planes=lambda frame: _channels_first(source, frame),
        halve=mean_of_four,
    )


def _channels_first(source: LabelImage, frame: int) -> NDArray[Any]:
    """(H, W), or (3, H, W) of a colour image."""
    image = source.image(frame)
    if image is None:
        raise ValueError(f"{source.name}: no image")
    return image if image.ndim == 2 else np.moveaxis(image, -1, 0)


def mean_of_four(image: NDArray[Any]) -> NDArray[Any]:
    """Each 2 × 2 pixels' mean; at an odd edge, of the pixels that are there."""
    odd = [(0, 0)] * (image.ndim - 2) + [(0, length % 2) for length in image.shape[-2:]]
    full = np.pad(image, odd, mode="edge").astype(np.float64)
    rows = full[..., ::2, :] + full[..., 1::2, :]
    mean = (rows[..., ::2] + rows[..., 1::2]) / 4
    return (np.rint(mean) if image.dtype.kind in "iu" else mean).astype(image.dtype)
