"""PNG, JPEG, BMP → header and pixels."""

import io
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, ImageFile, JpegImagePlugin, PngImagePlugin

from coverslip.io.formats import orientation
from coverslip.io.formats.guard import check_claim, check_size, readable, sniff
from coverslip.io.formats.metadata import um_or_note
from coverslip.io.header import Header

# The readers are called by name, not by PIL.Image.open: that warns of every picture of more than 89
# megapixels, which a slide scan is; check_size has our own limit.
READERS: dict[str, type[ImageFile.ImageFile]] = {
    "png": PngImagePlugin.PngImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
}
UPPER = np.uint16(256)
COLOURED = ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr")


def read_header(path: Path) -> Header:
    """Read what a PNG, JPEG or BMP says of itself.

    Raises:
        FileError: The file is damaged, or claims more pixels than can be read.
    """
    with _opened(path) as picture:
        depth = _bit_depth(path) or 8
        way = _orientation(picture)
        notes = [*_alpha_notes(picture), *_mode_notes(picture), *orientation.note(way)]
        size, note = _pixel_size(picture)
        size = size and orientation.size_as_seen(size, way)
        colour = _is_colour(picture) and not _is_grey_with_alpha(path)
        height, width = orientation.shape_as_seen((picture.height, picture.width), way)
    return Header(
        axes="YXS" if colour else "YX",
        shape=(height, width, 3) if colour else (height, width),
        dtype=np.dtype(np.uint16 if depth == 16 else np.uint8),
        bit_depth=depth,
        pixel_size_um=size,
        notes=(*notes, *([note] if note else [])),
    )


def read_pixels(path: Path) -> NDArray[Any]:
    """Read a picture as it is meant to be seen: (H, W) or (H, W, 3), upright, without alpha.

    Raises:
        FileError: The file is damaged.
    """
    with _opened(path) as picture:
        way = _orientation(picture)
        if picture.mode == "P":
            values: NDArray[Any] = _coloured(picture)
        elif picture.mode in ("CMYK", "YCbCr"):
            values = np.asarray(picture.convert("RGB"))
        else:
            values = _without_alpha(_values(picture, path=path))
    return orientation.turned(values, way)


def read_ids(path: Path) -> NDArray[Any]:
    """Read the numbers of a mask: as `read_pixels`, but a colour table's entries, not its colours.

    Raises:
        FileError: The file is damaged.
    """
    with _opened(path) as picture:
        if picture.mode == "P" and _is_colour(picture):
            return orientation.turned(np.asarray(picture), _orientation(picture))
        is_scaled_png = _bit_depth(path) in (2, 4) and picture.mode == "L"
    values = read_pixels(path)
    if is_scaled_png:  # Pillow spreads 2 and 4 bits over 0..255
        return values // np.uint8(255 // (2 ** (_bit_depth(path) or 8) - 1))
    return values


def read_alpha(path: Path) -> NDArray[Any] | None:
    """Read how opaque a picture is, upright; None where it does not say.

    Raises:
        FileError: The file is damaged.
    """
    with _opened(path) as picture:
        if picture.mode not in ("RGBA", "LA"):
            return None
        return orientation.turned(_values(picture, path=path)[..., -1], _orientation(picture))


def black_entry(path: Path) -> int | None:
    """The one entry of a picture's colour table that is in use and black; None without such.

    Raises:
        FileError: The file is damaged.
    """
    with _opened(path) as picture:
        if picture.mode != "P" or not _is_colour(picture):
            return None
        used = np.unique(np.asarray(picture))
        black = used[(_colour_table(picture)[used] == 0).all(axis=1)]
        return int(black[0]) if len(black) == 1 else None


def _orientation(picture: ImageFile.ImageFile) -> int:
    """How it is to be turned, by EXIF, of which ImageMagick makes text in a PNG, or else by XMP."""
    info = picture.info
    exif, text = info.get("exif"), info.get("Raw profile type exif")
    if exif is None and isinstance(text, str):
        digits = "".join(text.split("\n")[3:])
        exif = bytes.fromhex(digits) if re.fullmatch(r"([0-9A-Fa-f]{2})*", digits) else None
    return orientation.from_metadata(exif, info.get("xmp") or info.get("XML:com.adobe.xmp"))


class Bounded(io.BufferedReader):
    """A file that is asked for what it has, and no more.

    Pillow reads as many bytes as a part of a PNG claims, and Python takes memory for all of them.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to so many bytes, or all that are left."""
        left = max(0, os.fstat(self.fileno()).st_size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    reader = READERS[sniff(path)]
    with readable(path), Bounded(io.FileIO(path)) as stream:
        if reader is PngImagePlugin.PngImageFile:
            _check_png_size(path)
        with reader(stream) as picture:
            check_size(path, height=picture.height, width=picture.width)
            check_claim(path, picture.height * picture.width * len(picture.getbands()))
            yield picture


def _png_start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(26)


def _check_png_size(path: Path) -> None:
    """Refuse a PNG of no pixel: Pillow's own words for it are of a broken file."""
    start = _png_start(path)
    if len(start) >= 24:
        width, height = struct.unpack(">II", start[16:24])
        check_size(path, height=height, width=width)


def _bit_depth(path: Path) -> int | None:
    """Bits per value by a PNG's own header, which Pillow does not hand on; None for the others."""
    start = _png_start(path)
    return start[24] if start.startswith(b"\x89PNG") else None


def _is_grey_with_alpha(path: Path) -> bool:
    """A PNG's colour type 4, which Pillow opens as RGBA where it has 16 bits."""
    start = _png_start(path)
    return start.startswith(b"\x89PNG") and start[25] == 4


def _is_colour(picture: ImageFile.ImageFile) -> bool:
    if picture.mode == "P":
        table = _colour_table(picture)
        return bool((table != table[:, :1]).any())
    return picture.mode in COLOURED


def _colour_table(picture: ImageFile.ImageFile) -> NDArray[np.uint8]:
    """(n, 3) colours of a palette; entries that the file leaves out are black."""
    table = np.zeros((256, 3), np.uint8)
    colours = np.array(picture.getpalette() or [], np.uint8).reshape(-1, 3)
    table[: len(colours)] = colours
    return table


def _coloured(picture: ImageFile.ImageFile) -> NDArray[np.uint8]:
    table = _colour_table(picture)
    return np.take(table if _is_colour(picture) else table[:, 0], np.asarray(picture), axis=0)


def _values(picture: ImageFile.ImageFile, *, path: Path) -> NDArray[Any]:
    if _bit_depth(path) != 16:
        values = np.asarray(picture)
        return values.astype(np.uint8) if values.dtype == np.bool_ else values
    if picture.mode.startswith("I"):
        return np.asarray(picture).astype(np.uint16)
    # Of 16-bit values in several channels Pillow keeps the upper bytes alone. It keeps the lower
    # ones when told that the file has them first, so the picture is decoded twice.
    if _is_grey_with_alpha(path):  # four bytes per pixel, which pass as an RGBA of 8 bits each
        parts = _decoded_as(picture, "RGBA").astype(np.uint16)
        return parts[..., ::2] * UPPER + parts[..., 1::2]
    upper = _decoded_as(picture, f"{picture.mode};16B").astype(np.uint16)
    return upper * UPPER + _decoded_as(picture, f"{picture.mode};16L")


def _decoded_as(picture: ImageFile.ImageFile, raw_mode: str) -> NDArray[np.uint8]:
    """Decode a PNG once more, its values laid out in another way (in Pillow's notation)."""
    stream = cast("IO[bytes]", picture.fp)
    stream.seek(0)
    again = PngImagePlugin.PngImageFile(stream)
    # (decoder, area, place in the file, layout): a plain tuple in older Pillows, a named one now.
    tiles: list[Any] = again.tile
    tiles[:] = [(*tile[:3], raw_mode) for tile in tiles]
    return np.asarray(again)


def _without_alpha(values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim == 2:
        return values
    return values[..., :3] if values.shape[2] >= 3 else values[..., 0]


def _alpha_notes(picture: ImageFile.ImageFile) -> Iterator[str]:
    """Say that alpha is dropped, where it held something; this alone needs the pixels."""
    if picture.mode not in ("RGBA", "LA"):
        return
    alpha = np.asarray(picture)[..., -1]
    share = np.count_nonzero(alpha < 255) / alpha.size
    if share:
        yield (
            f"the alpha channel was dropped, although {share:.1%} of the pixels are "
            "(partly) transparent"
        )


def _mode_notes(picture: ImageFile.ImageFile) -> Iterator[str]:
    if picture.mode == "CMYK":
        yield "CMYK colours were turned into RGB without a colour profile"
    elif picture.mode == "P":
        yield "the entries of its colour table were replaced by their colours"


def _pixel_size(
    picture: ImageFile.ImageFile,
) -> tuple[tuple[float, float] | None, str | None]:
    """Pixel size from a PNG's pHYs chunk; Pillow hands it on as dots per inch, (x, y)."""
    dots = picture.info.get("dpi") if picture.format == "PNG" else None
    if not dots or min(dots) <= 0:
        return None, None
    return um_or_note((25_400 / dots[1], 25_400 / dots[0]))
