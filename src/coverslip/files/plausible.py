"""what an image file claims × its length → an error, before memory is taken for a damaged one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from coverslip.errors import FileError
from coverslip.files.colour import bits

if TYPE_CHECKING:
    from pathlib import Path

    import tifffile

HARMLESS_BYTES = 2**24  # below it no claim does harm

# How many bytes of values one byte of a file can stand for, at the very most.
PER_BYTE = {
    1: 2,  # TIFF: none
    5: 1_500,  # LZW
    7: 2_000,  # JPEG: a bit or more for each block of 64 pixels
    8: 1_100,  # deflate, whose limit is 1032
    32773: 130,  # PackBits
    32946: 1_100,
}
MOST_PER_BYTE = 40_000  # zstd, with an empty picture; parts that a TIFF leaves out
RASTER_PER_BYTE = 10_000  # PNG of one bit, each of which becomes a byte; JPEG and BMP stay below


def check_claim(path: Path, n_bytes: int, *, per_byte: int = RASTER_PER_BYTE) -> None:
    """Refuse pixels that a file of this length cannot hold.

    Args:
        path: The file.
        n_bytes: What they would take in memory.
        per_byte: How many of them a byte of the file can stand for.

    Raises:
        FileError: There are too many, and so many that their memory would be missed.
    """
    size = path.stat().st_size
    if n_bytes > max(HARMLESS_BYTES, size * per_byte):
        raise FileError(
            f"{path}: its header claims {n_bytes / 1e6:,.0f} MB of pixels, which its {size:,} "
            "bytes cannot hold: the file is damaged or cut off. Copy it again from its source."
        )


def check_page(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse a TIFF page, or tiles or strips of it, that cannot be in its file.

    Raises:
        FileError: Its picture or one of its tiles is too large, or ends beyond the file.
    """
    is_whole = all(page.databytecounts)
    per_byte = PER_BYTE.get(int(page.compression), MOST_PER_BYTE) if is_whole else MOST_PER_BYTE
    item = page.dtype.itemsize if page.dtype is not None else 1
    per_byte *= max(1, 8 * item // max(1, bits(page)))
    for shape in (page.shape, page.chunks):
        check_claim(path, math.prod(shape) * item, per_byte=per_byte)
    size = path.stat().st_size
    if max(page.databytecounts, default=0) > max(size, HARMLESS_BYTES):
        raise FileError(
            f"{path}: a part of its picture is said to have {max(page.databytecounts):,} bytes, "
            f"where the file has {size:,}: it is damaged or cut off. Copy it again."
        )
