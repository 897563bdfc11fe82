"""file → its format, or an error that names the file and the cure."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coverslip.errors import CoverslipError, FileError
from coverslip.io.atomic import is_trouble, read_error
from coverslip.io.formats.links import check_links, check_regular, is_zarr
from coverslip.io.formats.photometric import bits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import tifffile

# 32,768 × 32,768: beyond it, float32 working copies of one frame no longer fit a workstation. It is
# the most that is ever held at once: a frame that is read whole, or a tile of one that is not.
MAX_FRAME_PX = 2**30
# 1,048,576 × 1,048,576: ten times the side of the largest slide scans; a larger header is wrong.
MAX_REGIONS_PX = 2**40

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    b"\xda\xce\xbe\n": "nd2",
    b"ZISRAWFILE": "czi",
}
LIF_START = b"p\0\0\0"
ZIP_START = b"PK\x03\x04"
ZIPPED = ".zarr.zip"
JPEG_2000 = b"\0\0\0\x0cjP  "  # what an ND2 of before 2008 is inside


def sniff(path: Path) -> str:
    """Tell the format of an image by its first bytes, whatever its name; of a folder, by its files.

    Returns:
        "png", "jpeg", "bmp", "tiff", "nd2", "czi", "lif" or "zarr".

    Raises:
        FileError: The file is missing, empty or none of these.
    """
    path, _ = split_series(path)
    if path.is_dir():
        return _sniff_folder(path)
    with readable(path):
        check_regular(path)
        stream = path.open("rb")
    with readable(path), stream:
        start = stream.read(16)
    if not start:
        raise FileError(f"{path}: the file is empty (0 bytes). Copy it again from its source.")
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            return kind
    if start.startswith(LIF_START) and start[8:9] == b"*":
        return "lif"
    if start.startswith(ZIP_START) and _is_zip(path):
        return "zarr"
    if start.startswith(JPEG_2000) and path.suffix.lower() == ".nd2":
        return "nd2"
    raise FileError(
        f"{path}: not an image, whatever its name says: it begins with {start!r}. "
        "PNG, JPEG, BMP, TIFF, OME-Zarr, ND2, CZI and LIF are read; export it as TIFF."
    )


def split_series(path: Path) -> tuple[Path, int | None]:
    """Which file and which of its images is meant, if it is said: film.nd2/1 → film.nd2, 1."""
    if path.name.isdecimal() and path.parent.is_file() and not _is_zip(path.parent):
        return path.parent, int(path.name)
    return path, None


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(ZIPPED)


def check_series(path: Path, series: int, count: int) -> None:
    """Refuse an image that a file does not have.

    Raises:
        FileError: Its number is not below the count.
    """
    if not 0 <= series < count:
        images = "1 image" if count == 1 else f"{count} images"
        raise FileError(f"{path}: no image {series}; it has {images}, counted from 0.")


def _sniff_folder(path: Path) -> str:
    if is_zarr(path):
        with readable(path):
            check_links(path)
        return "zarr"
    if path.suffix.lower() == ".zarr":
        raise FileError(
            f"{path}: a folder called .zarr without the metadata of one (zarr.json, .zgroup or "
            ".zarray). Copy it again from its source."
        )
    raise FileError(f"{path}: a folder, where one image file was wanted.")


def check_size(
    path: Path, *, height: int, width: int, piece: tuple[int, int] | None = None
) -> None:
    """Refuse a picture that no memory can hold, before anything is allocated for it.

    What counts is what must be held at once: the whole picture, or the largest piece of one that
    is stored in pieces, each of which can be read alone.

    Args:
        path: The file, for messages.
        height: Of the picture, in px.
        width: Likewise.
        piece: Height and width of a tile, a strip or a chunk; None where there is no such thing.

    Raises:
        FileError: No pixel at all, or more than MAX_FRAME_PX to be held, or MAX_REGIONS_PX in all.
    """
    if height < 1 or width < 1:
        raise FileError(
            f"{path}: the picture has no pixel (height {height}, width {width}). Export it again."
        )
    side = math.isqrt(MAX_FRAME_PX)
    most = math.isqrt(MAX_FRAME_PX if piece is None else MAX_REGIONS_PX)
    if height * width > most**2:
        raise FileError(
            f"{path}: its header claims {width:,} × {height:,} pixels; at most "
            f"{most:,} × {most:,} are read. "
            "If that is its true size, save it as tiled TIFF or OME-Zarr, which are read region by "
            "region; if not, the file is damaged."
        )
    if piece is not None and math.prod(piece) > MAX_FRAME_PX:
        raise FileError(
            f"{path}: it is stored in pieces of {piece[1]:,} × {piece[0]:,} values, each of which "
            f"must be read whole; at most {side:,} × {side:,} are. Save it in tiles of 512 × 512."
        )


def check_whole(path: Path, height: int, width: int) -> None:
    """Refuse to read a frame whole that can be read region by region only.

    Raises:
        FileError: More than MAX_FRAME_PX.
    """
    if height * width > MAX_FRAME_PX:
        side = math.isqrt(MAX_FRAME_PX)
        raise FileError(
            f"{path}: {width:,} × {height:,} pixels are too many to be read whole; at most "
            f"{side:,} × {side:,} are. Cut it into smaller pictures, or use a verb "
            "that reads region by region."
        )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises on a bad file into one FileError that names the file.

    Decoders meet damaged data at any line, so they raise nearly anything (ValueError, KeyError,
    struct.error, zlib.error, SyntaxError ...); all of it means the same to the user.
    """
    try:
        yield
    except CoverslipError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"{path}: no such file. Check the spelling of its path.") from error
    except IsADirectoryError as error:
        raise FileError(f"{path}: a folder, where one image file was wanted.") from error
    except PermissionError as error:
        raise FileError(
            f"{path}: you may not read this file. Change its permissions, or copy it."
        ) from error
    except MemoryError as error:
        raise FileError(
            f"{path}: one frame does not fit in the free memory. Cut the picture smaller."
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and is_trouble(error):
            raise read_error(path, error) from error
        raise FileError(_decoder_message(path, error)) from error


def _decoder_message(path: Path, error: Exception) -> str:
    # Before Python 3.14, tifffile asks for Python's own Zstandard where imagecodecs is not there.
    is_zstd = isinstance(error, ModuleNotFoundError) and "compression" in str(error.name)
    if is_zstd or "imagecodecs" in str(error):
        error = ValueError("Zstandard") if is_zstd else error
        return (
            f"{path}: its compression needs a package that is not installed ({error}). "
            "Install it with: pip install imagecodecs"
        )
    return (
        f"{path}: cannot be read; it is probably cut off or damaged "
        f"({type(error).__name__}: {str(error) or 'no further word'}). "
        "Copy it again from its source, or open it in Fiji and save it as TIFF."
    )


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


FEW_PICTURES = 10_000  # which no file is refused for
MOST_PICTURES = 1_000_000  # of a file: what is known of each takes memory


def check_pictures(path: Path, n: int, *, files: Iterable[Path] = ()) -> None:
    """Refuse more pictures than a file of this length can hold: each takes a byte at the least.

    Args:
        path: The file, or the folder of a Zarr.
        n: Times × depths × channels that its header claims.
        files: Those that the pictures lie in, where they are several.

    Raises:
        FileError: There are too many, or more than MOST_PICTURES.
    """
    if n > MOST_PICTURES:
        raise FileError(
            f"{path}: its header claims {n:,} pictures; at most {MOST_PICTURES:,} are read. If it "
            "has so many, cut it into shorter films; if not, the file is damaged."
        )
    if n > FEW_PICTURES and not any(_has_bytes(one, n) for one in (path, *files)):
        raise FileError(
            f"{path}: its header claims {n:,} pictures, which its length cannot hold: the file is "
            "damaged or cut off. Copy it again from its source."
        )


def _has_bytes(path: Path, n: int) -> bool:
    """Whether a file, or the files of a folder, have so many bytes."""
    if not path.is_dir():
        return path.stat().st_size >= n
    found = 0
    for folder, _, names in os.walk(path):
        for name in names:
            found += os.lstat(os.path.join(folder, name)).st_size
            if found >= n:
                return True
    return False


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
