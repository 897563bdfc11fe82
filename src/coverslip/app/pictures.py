"""an image's frames → PNG tiles at any size, stretched to the range that its cells use."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from coverslip.errors import DataError
from coverslip.figures import to_picture
from coverslip.io import read_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.app.folder import Picture

TILE_PX = 512
THUMBNAIL_PX = 256
KEPT_BYTES = 768 * 2**20  # of frames and their smaller copies


class Kept:
    """What was made last, by its name, up to so many bytes; each is made by one thread alone."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.values: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self.lock = threading.Lock()
        self.makers: dict[Any, threading.Lock] = {}

    def get(self, key: Any, make: Callable[[], tuple[Any, int]]) -> Any:
        """The value of a name; where it is not kept, it is made, with its bytes."""
        with self.lock:
            if key in self.values:
                self.values.move_to_end(key)
                return self.values[key][0]
            maker = self.makers.setdefault(key, threading.Lock())
        with maker:
            with self.lock:
                if key in self.values:
                    return self.values[key][0]
            try:
                value, n_bytes = make()
            finally:
                with self.lock:
                    self.makers.pop(key, None)
            with self.lock:
                self.values[key] = value, n_bytes
                while len(self.values) > 1 and self.total() > self.most_bytes:
                    self.values.popitem(last=False)
            return value

    def total(self) -> int:
        """How many bytes are kept."""
        return sum(n_bytes for _, n_bytes in self.values.values())

    def drop(self, is_old: Callable[[Any], bool]) -> None:
        """Forget what is no longer so."""
        with self.lock:
            for key in [key for key in self.values if is_old(key)]:
                del self.values[key]


@dataclass(frozen=True)
class Pictures:
    """Frames as they are shown, kept as long as there is room."""

    kept: Kept = field(default_factory=lambda: Kept(KEPT_BYTES))

    def levels(self, picture: Picture, frame: int, channel: int) -> list[NDArray[np.uint8]]:
        """A frame in 8 bits, and each time half as large until it fits into a tile.

        Raises:
            CoverslipError: it cannot be read.
        """
        picture.check_frame(frame)
        if not 0 <= channel < picture.file.n_channels:
            raise DataError(f"{picture.name}: has no channel {channel}.")

        def make() -> tuple[list[NDArray[np.uint8]], int]:
            made = make_levels(shown(read_frame(picture.file, frame, channel=channel)))
            return made, sum(level.nbytes for level in made)

        levels: list[NDArray[np.uint8]] = self.kept.get((picture.id, frame, channel), make)
        return levels

    def tile(
        self, picture: Picture, frame: int, channel: int, place: tuple[int, int, int]
    ) -> bytes:
        """A tile as PNG.

        Args:
            picture: the image.
            frame: from 0.
            channel: from 0.
            place: level, row and column of the tile.

        Raises:
            CoverslipError: the frame cannot be read, or has no such tile.
        """
        level, row, column = place
        levels = self.levels(picture, frame, channel)
        if not 0 <= level < len(levels):
            raise DataError(f"{picture.name}: has {len(levels)} levels of tiles, from 0 on.")
        top, left = TILE_PX * row, TILE_PX * column
        height, width = levels[level].shape[:2]
        if not (0 <= top < height and 0 <= left < width):
            raise DataError(f"{picture.name}: has no tile {row}, {column} at level {level}.")
        return to_png(levels[level][top : top + TILE_PX, left : left + TILE_PX])

    def thumbnail(self, picture: Picture) -> bytes:
        """A small picture of the first frame."""

        def make() -> tuple[bytes, int]:
            small = Image.fromarray(self.levels(picture, 0, picture.channel)[-1])
            small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
            data = to_png(np.asarray(small))
            return data, len(data)

        data: bytes = self.kept.get((picture.id, "thumbnail"), make)
        return data


def shown(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image in the range of the screen: (H, W) for a grey one, (H, W, 3) for colours."""
    picture = to_picture(image)
    return picture if image.ndim == 3 else np.ascontiguousarray(picture[..., 0])


def make_levels(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """An image, and the means of each 2 × 2 pixels, until one tile holds all."""
    levels = [image]
    while max(levels[-1].shape[:2]) > TILE_PX:
        levels.append(halve(levels[-1]))
    return levels


def n_levels(shape: tuple[int, int]) -> int:
    """How many levels of tiles a frame has."""
    longest, levels = max(shape), 1
    while longest > TILE_PX:
        longest, levels = -(-longest // 2), levels + 1
    return levels


def halve(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The means of each 2 × 2 pixels; an odd last row or column stands for two."""
    height, width = image.shape[:2]
    odd = [(0, height % 2), (0, width % 2)] + [(0, 0)] * (image.ndim - 2)
    even = np.pad(image, odd, mode="edge") if height % 2 or width % 2 else image
    total = even[::2, ::2].astype(np.uint16)
    for part in (even[1::2, ::2], even[::2, 1::2], even[1::2, 1::2]):
        total += part
    return ((total + 2) // 4).astype(np.uint8)


def to_png(image: NDArray[np.uint8]) -> bytes:
    """A picture as PNG, quickly rather than small."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
