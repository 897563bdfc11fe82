"""labels and what is known of them → one record that every format is written from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LARGEST_ID = np.iinfo(np.uint32).max
USUAL_AXES = {2: "YX", 3: "TYX", 4: "TZYX"}


@dataclass(frozen=True)
class LabelImage:
    """Labels to export, of one picture or of a film.

    Attributes:
        labels: (H, W) integer, 0 is background, or with times and depths before it.
        name: What the cells' file or image is called, without a suffix.
        axes: A letter for each dimension, "YX", "TYX", "ZYX" or "TZYX"; "" takes YX, TYX, TZYX.
        pixel_size_um: Height and width of a pixel in µm, or None where they are not known.
        frame_interval_s: Seconds from one time to the next, or None.
        images: The image of each frame, (H, W) or (H, W, 3), to show beneath the outlines or to
            store beside the labels; None where there are none. Any sequence will do, also one
            that reads a frame when it is asked for.
        image_name: The image's file name, for formats that name it.
        measurements: Name and value of what is known of a cell, such as its area and confidence,
            by its frame (from 0) and its number, for formats that carry it.

    Raises:
        ValueError: Labels that are no integers, without a pixel, or that do not fit the axes.
        DataError: Negative numbers, numbers beyond 32 bits, or another number of images.

    Example:
        >>> import numpy as np
        >>> from coverslip.export import LabelImage
        >>> film = LabelImage(np.zeros((5, 20, 30), int), name="film")
        >>> film.axes, film.n_frames, film.size
        ('TYX', 5, (20, 30))
    """

    labels: NDArray[np.integer[Any]]
    name: str = "cells"
    axes: str = ""
    pixel_size_um: tuple[float, float] | None = None
    frame_interval_s: float | None = None
    images: Sequence[NDArray[Any]] | None = None
    image_name: str | None = None
    measurements: Mapping[tuple[int, int], Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no format can hold, before anything is written."""
        axes = self.axes or USUAL_AXES.get(self.labels.ndim, "")
        object.__setattr__(self, "axes", axes)
        if (
            self.labels.dtype.kind not in "iu"
            or not self.labels.size
            or len(axes) != self.labels.ndim
        ):
            raise ValueError(
                f"{self.name}: the labels are {self.labels.dtype} {self.labels.shape} with the "
                f"axes {axes!r}; wanted integers, (H, W) or (T, H, W)"
            )
        if axes not in ("YX", "TYX", "ZYX", "TZYX"):
            raise ValueError(f"{self.name}: the axes {axes!r}; wanted YX, TYX, ZYX or TZYX")
        lowest, highest = int(self.labels.min(initial=0)), int(self.labels.max(initial=0))
        if lowest < 0 or highest > LARGEST_ID:
            raise DataError(
                f"{self.name}: the cells' numbers go from {lowest} to {highest}, where 1 to "
                f"{LARGEST_ID} can be stored. Number the cells from 1 on."
            )
        if self.images is not None and len(self.images) != self.n_frames:
            raise DataError(
                f"{self.name}: {self.n_frames} frames of labels, and {len(self.images)} of the "
                "image. Export the labels of the whole image, or name the image they were made of."
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.labels.shape[-2], self.labels.shape[-1]

    @property
    def frames(self) -> NDArray[np.integer[Any]]:
        """(n, H, W): times outermost, then depths."""
        return self.labels.reshape(-1, *self.size)

    @property
    def n_frames(self) -> int:
        """Number of two-dimensional pictures."""
        return int(np.prod(self.labels.shape[:-2]))

    def place(self, frame: int) -> dict[str, int]:
        """Time and depth of a frame, from 0, by the letters T and Z of the axes that are there."""
        lengths = dict(zip(self.axes, self.labels.shape, strict=True))
        time, depth = divmod(frame, lengths.get("Z", 1))
        return {axis: at for axis, at in (("T", time), ("Z", depth)) if axis in self.axes}

    def image(self, frame: int) -> NDArray[Any] | None:
        """The image of a frame, or None where there are none.

        Raises:
            DataError: It is of another size than the labels.
        """
        if self.images is None:
            return None
        image = self.images[frame]
        if image.shape[:2] != self.size:
            raise DataError(
                f"{self.image_name or self.name}: the image is {describe(image.shape[:2])} "
                f"pixels, its labels {describe(self.size)}. Name the image they were made of."
            )
        return image

    @property
    def smallest_dtype(self) -> np.dtype[Any]:
        """The smallest of uint8, uint16 and uint32 that holds every number."""
        highest = self.labels.max(initial=0)
        return np.dtype(
            next(t for t in (np.uint8, np.uint16, np.uint32) if highest <= np.iinfo(t).max)
        )


def describe(shape: Sequence[int]) -> str:
    """``(4, 5)`` → "4 × 5"."""
    return " × ".join(map(str, shape))
