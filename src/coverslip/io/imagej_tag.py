"""a TIFF that is written + ImageJ's description → the same TIFF, whose first page has both.

ImageJ and Fiji's own reader know frames, pixel size and interval from a description of their own,
and nothing of OME-XML. A page may have two descriptions: programs that want OME-XML read the
first, ImageJ takes the last that begins with its name.
Source: ij.io.TiffDecoder and ij.io.FileOpener of ImageJ 1.53t.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO

IMAGE_DESCRIPTION, ASCII = 270, 2


@dataclass(frozen=True)
class Layout:
    """How a TIFF counts: the plain one, and BigTIFF.

    Attributes:
        order: Of bytes, as struct has it.
        first_ifd: Where the place of the first page's directory is written.
        place: A place in the file, as struct has it.
        count: The number of entries of a directory.
        entry: A whole entry: tag, type, count and value.
    """

    order: str
    first_ifd: int
    place: str
    count: str
    entry: str


def imagej_description(
    *,
    shape: tuple[int, ...],
    axes: str,
    pixel_size_um: tuple[float, float] | None,
    frame_interval_s: float | None,
    largest: int,
    slice_distance_um: float | None = None,
) -> str:
    """What ImageJ writes of a stack of labels itself."""
    lengths = dict(zip(axes, shape, strict=True))
    frames, slices = lengths.get("T", 1), lengths.get("Z", 1)
    lines = ["ImageJ=1.53t"]
    if frames * slices > 1:
        lines += [f"images={frames * slices}", f"slices={slices}", f"frames={frames}"]
        lines += ["hyperstack=true"] if frames > 1 else []
    if pixel_size_um is not None:
        lines += ["unit=um"]
    if slice_distance_um is not None and slices > 1:
        lines += [f"spacing={slice_distance_um:.17g}"]
    if frame_interval_s is not None and frames > 1:
        lines += [f"finterval={frame_interval_s:.17g}", "tunit=sec"]
    lines += ["loop=false", "min=0.0", f"max={float(max(1, largest))}"]
    return "\n".join([*lines, ""])


def add_description(file: IO[bytes], text: str) -> None:
    """Give the first page of a TIFF a further description.

    Its directory is written anew at the end of the file, with one entry more.

    Args:
        file: Open for reading and writing.
        text: In ASCII.
    """
    layout = _layout(file)
    file.seek(layout.first_ifd)
    (start,) = _read(file, layout.order + layout.place)
    file.seek(start)
    (n,) = _read(file, layout.order + layout.count)
    size = struct.calcsize(layout.order + layout.entry)
    entries = [file.read(size) for _ in range(n)]
    following = file.read(struct.calcsize(layout.order + layout.place))
    body = text.encode("ascii") + b"\0"
    text_at = _append(file, body)
    own = struct.pack(layout.order + layout.entry, IMAGE_DESCRIPTION, ASCII, len(body), text_at)
    tags = [struct.unpack(f"{layout.order}H", one[:2])[0] for one in entries]
    behind = sum(tag <= IMAGE_DESCRIPTION for tag in tags)
    entries.insert(behind, own)
    directory = struct.pack(layout.order + layout.count, n + 1) + b"".join(entries) + following
    place = _append(file, directory)
    file.seek(layout.first_ifd)
    file.write(struct.pack(layout.order + layout.place, place))


def _layout(file: IO[bytes]) -> Layout:
    file.seek(0)
    start = file.read(4)
    order = "<" if start[:2] == b"II" else ">"
    (version,) = struct.unpack(f"{order}H", start[2:4])
    if version == 43:
        return Layout(order, 8, "Q", "Q", "HHQQ")
    return Layout(order, 4, "I", "H", "HHII")


def _read(file: IO[bytes], form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _append(file: IO[bytes], data: bytes) -> int:
    """Write at the end of the file, at an even place as TIFF wants it; that place."""
    file.seek(0, 2)
    place = file.tell()
    file.write(b"\0" * (place % 2) + data)
    return place + place % 2
