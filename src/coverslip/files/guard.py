"""file → its format, or an error that names the file and the cure."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coverslip.errors import CoverslipError, FileError

# 32,768 × 32,768: beyond it, float32 working copies of one frame no longer fit a workstation.
MAX_FRAME_PX = 2**30

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}


def sniff(path: Path) -> str:
    """Tell the format of an image file by its first bytes, whatever its name says.

    Returns:
        "png", "jpeg", "bmp" or "tiff".

    Raises:
        FileError: The file is missing, empty or none of these.
    """
    with readable(path), path.open("rb") as stream:
        start = stream.read(16)
    if not start:
        raise FileError(f"{path}: the file is empty (0 bytes). Copy it again from its source.")
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            return kind
    raise FileError(
        f"{path}: not an image, whatever its name says: it begins with {start!r}. "
        "PNG, JPEG, BMP and TIFF are read; export it as TIFF."
    )


def check_size(path: Path, *, height: int, width: int) -> None:
    """Refuse a picture that no memory can hold, before anything is allocated for it.

    Raises:
        FileError: No pixel at all, or more than MAX_FRAME_PX.
    """
    if height < 1 or width < 1:
        raise FileError(
            f"{path}: the picture has no pixel (height {height}, width {width}). Export it again."
        )
    if height * width > MAX_FRAME_PX:
        raise FileError(
            f"{path}: its header claims {width:,} × {height:,} pixels; at most "
            f"{math.isqrt(MAX_FRAME_PX):,} × {math.isqrt(MAX_FRAME_PX):,} are read. "
            "If that is its true size, cut it into smaller pictures; if not, the file is damaged."
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
        raise FileError(_decoder_message(path, error)) from error


def _decoder_message(path: Path, error: Exception) -> str:
    if "imagecodecs" in str(error):
        return (
            f"{path}: its compression needs a package that is not installed ({error}). "
            "Install it with: pip install imagecodecs"
        )
    return (
        f"{path}: cannot be read; it is probably cut off or damaged "
        f"({type(error).__name__}: {str(error) or 'no further word'}). "
        "Copy it again from its source, or open it in Fiji and save it as TIFF."
    )
