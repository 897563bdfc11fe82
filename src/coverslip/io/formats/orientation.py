"""how a camera was held → the picture the right way up.

Cameras and scanners store a picture as the sensor saw it, and say by a tag (274, of EXIF in PNG
and JPEG, and of TIFF; or by XMP alone) how it is to be rotated or mirrored to be seen. Photographs
and masks alike are read as they are seen.
"""

import re
import struct
from typing import Any, NamedTuple

from numpy.typing import NDArray

TAG = 274


class Turn(NamedTuple):
    """What is done to a stored picture, in this order."""

    swaps: bool = False  # rows become columns
    flips_rows: bool = False
    flips_columns: bool = False


TURNS = {
    1: Turn(),
    2: Turn(flips_columns=True),
    3: Turn(flips_rows=True, flips_columns=True),
    4: Turn(flips_rows=True),
    5: Turn(swaps=True),
    6: Turn(swaps=True, flips_columns=True),
    7: Turn(swaps=True, flips_rows=True, flips_columns=True),
    8: Turn(swaps=True, flips_rows=True),
}

WORDS = {
    2: "mirrored left to right",
    3: "turned by 180°",
    4: "mirrored top to bottom",
    5: "mirrored along its diagonal",
    6: "turned by 90° clockwise",
    7: "mirrored along its other diagonal",
    8: "turned by 90° anticlockwise",
}


def note(orientation: int) -> list[str]:
    """What the user is told of it; nothing where nothing is done."""
    if orientation not in WORDS:
        return []
    return [f"it was {WORDS[orientation]}, as its orientation tag ({orientation}) says"]


NOTES = tuple(text for number in WORDS for text in note(number))


def from_metadata(exif: bytes | None, xmp: bytes | str | None) -> int:
    """The orientation that EXIF names, or else XMP; 1, as stored, where neither does.

    A program that turns a picture sets EXIF's right, and may leave an older one in XMP.
    """
    return from_exif(exif) or from_xmp(xmp) or 1


def from_exif(exif: bytes | None) -> int:
    """The orientation that a block of EXIF names; 0 where it is missing or damaged.

    >>> tag = struct.pack(">HHIHH", TAG, 3, 1, 6, 0)
    >>> from_exif(b"MM" + struct.pack(">HIH", 42, 8, 1) + tag)
    6
    >>> from_exif(b"damaged")
    0
    """
    data = (exif or b"").removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    if not order:
        return 0
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (n_tags,) = struct.unpack_from(f"{order}H", data, start)
        for at in range(start + 2, start + 2 + 12 * n_tags, 12):
            tag, kind = struct.unpack_from(f"{order}HH", data, at)
            if tag == TAG:
                form = "I" if kind == 4 else "H"
                return known(struct.unpack_from(f"{order}{form}", data, at + 8)[0])
    except struct.error:
        pass
    return 0


def from_xmp(xmp: bytes | str | None) -> int:
    """The orientation that a block of XMP names; 0 where it names none.

    >>> from_xmp(b'<rdf:Description tiff:Orientation="6"/>')
    6
    >>> from_xmp("<tiff:Orientation>3</tiff:Orientation>"), from_xmp(b"")
    (3, 0)
    """
    text = xmp.encode() if isinstance(xmp, str) else xmp or b""
    found = re.search(rb"tiff:Orientation(?:\s*=\s*[\"']|\s*>)\s*([1-8])\s*[\"'<]", text)
    return int(found[1]) if found else 0


def known(value: Any) -> int:
    """A tag's value, if it is one of the eight; else 1."""
    return int(value) if isinstance(value, int) and value in TURNS else 1


def shape_as_seen(shape: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Height and width of the picture that is stored as (height, width)."""
    return (shape[1], shape[0]) if TURNS[orientation].swaps else shape


def size_as_seen(size: tuple[float, float], orientation: int) -> tuple[float, float]:
    """Height and width of a pixel that is stored as (height, width)."""
    return (size[1], size[0]) if TURNS[orientation].swaps else size


def window_as_stored(
    rows: slice, columns: slice, *, shape: tuple[int, int], orientation: int
) -> tuple[slice, slice]:
    """Where the rows and columns of a picture as seen, of that shape, are stored."""
    turn = TURNS[orientation]
    if turn.flips_rows:
        rows = slice(shape[0] - rows.stop, shape[0] - rows.start)
    if turn.flips_columns:
        columns = slice(shape[1] - columns.stop, shape[1] - columns.start)
    return (columns, rows) if turn.swaps else (rows, columns)


def turned(picture: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A stored picture, or a part of one, (H, W) or (H, W, S), as it is seen.

    >>> import numpy as np
    >>> turned(np.array([[1, 2], [3, 4], [5, 6]]), 6)
    array([[5, 3, 1],
           [6, 4, 2]])
    """
    turn = TURNS[orientation]
    seen = picture.swapaxes(0, 1) if turn.swaps else picture
    return seen[:: -1 if turn.flips_rows else 1, :: -1 if turn.flips_columns else 1]
