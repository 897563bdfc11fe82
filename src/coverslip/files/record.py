"""file header → ImageFile: what a file says about itself before a pixel is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Projection:
    """How one picture is made of the depths of a stack.

    Attributes:
        how: "max", "mean", or "slice" where there is one depth.
        depths: Which, from 0.
    """

    how: str
    depths: tuple[int, ...]


@dataclass(frozen=True)
class ImageFile:
    """One image file, as its header describes it.

    Attributes:
        path: The file.
        axes: One letter per dimension, always in the order T, Z, C, Y, X, S: time, depth, channel,
            row, column, and the three colour samples red, green, blue.
        shape: Length of each axis, in px for Y and X.
        dtype: Type of the values, in the machine's byte order.
        bit_depth: Bits of a value that carry the signal; a 12-bit camera in a 16-bit file says 12
            where the metadata tell.
        pixel_size_um: Height and width of one pixel in µm, or None when the file has none to trust.
        channel_names: Names from the metadata, one per channel, or empty.
        frame_interval_s: Seconds between two frames, or None.
        notes: Every decision that was taken while reading the header, for the user to see.
        stored_axes: The dimensions in the order in which the file stores them.
        projection: How its depths were made one picture, see `project`; `axes` has no Z then.
    """

    path: Path
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bit_depth: int
    pixel_size_um: tuple[float, float] | None
    channel_names: tuple[str, ...]
    frame_interval_s: float | None
    notes: tuple[str, ...]
    stored_axes: str
    projection: Projection | None = None

    def length(self, axis: str) -> int:
        """Length of an axis, 1 where the file does not have it."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def n_frames(self) -> int:
        """Number of 2-D pictures of one channel: times T × depths Z."""
        return self.length("T") * self.length("Z")

    @property
    def n_channels(self) -> int:
        """Number of channels; the samples of a colour picture count as one."""
        return self.length("C")

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.length("Y"), self.length("X")

    @property
    def frame_axes(self) -> str:
        """The axes that the frames run over, slowest first: "", "T", "Z" or "TZ"."""
        return "".join(axis for axis in "TZ" if axis in self.axes)


@dataclass(frozen=True)
class Header:
    """What one file format's reader knows; `open_image` makes an ImageFile of it.

    Attributes:
        axes: One letter per dimension as the file stores them; "?" for one without a meaning.
        shape: Length of each of them.
        samples: What the values are: "grey", "rgb", "palette" (entries of a colour table, so that
            a picture without samples is seen in colour), "grey+alpha" and others.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bit_depth: int
    samples: str = "grey"
    pixel_size_um: tuple[float, float] | None = None
    channel_names: tuple[str, ...] = ()
    frame_interval_s: float | None = None
    notes: tuple[str, ...] = ()
    has_pages: bool = True
