"""Small TIFFs with the private tags of LSM (Zeiss) and STK (MetaMorph), written byte by byte."""

import json
import struct

import numpy as np

SHORT, LONG, RATIONAL, BYTE, ASCII = 3, 4, 5, 1, 2
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8}


def tiff_bytes(pages, *, head=b""):
    """A little-endian TIFF of pages: (values (H, W) or bytes, shape, {tag: (type, count, bytes)}).

    What Micro-Manager has behind the first eight bytes is `head`.
    """
    data = bytearray(struct.pack("<2sHI", b"II", 42, 0)) + head
    link = 4
    for values, (height, width), tags in pages:
        strip = len(data)
        raw = values if isinstance(values, bytes) else values.astype("<u2").tobytes()
        data += raw
        entries = {
            256: long(width),
            257: long(height),
            258: short(16),
            259: short(1),
            262: short(1),
            273: long(strip),
            277: short(1),
            278: long(height),
            279: long(2 * height * width),
        } | {tag: _placed(data, entry) for tag, entry in tags.items()}
        data += b"\0" * (len(data) % 2)
        struct.pack_into("<I", data, link, len(data))
        data += struct.pack("<H", len(entries))
        for tag in sorted(entries):
            kind, count, body = entries[tag]
            data += struct.pack("<HHI", tag, kind, count) + body.ljust(4, b"\0")
        link = len(data)
        data += b"\0\0\0\0"
    return bytes(data)


def _placed(data, entry):
    """A tag whose values lie elsewhere in the file."""
    kind, count, body = entry
    if len(body) <= 4:
        return entry
    data += b"\0" * (len(data) % 2)
    place = len(data)
    data += body
    return kind, count, struct.pack("<I", place)


def short(value):
    return SHORT, 1, struct.pack("<H", value)


def long(value):
    return LONG, 1, struct.pack("<I", value)


def text(value):
    body = value.encode() + b"\0"
    return ASCII, len(body), body


# --- LSM

SCAN_TYPES = {"ZYX": 0, "TYX": 3, "TZYX": 6}


def lsm_bytes(film, *, voxel_m, interval_s=0.0):
    """An LSM of a film (T, H, W), with a thumbnail behind each picture as Zeiss writes them."""
    n, height, width = film.shape
    info = struct.pack(
        "<I9i6dHH5Id",
        *(67127628, 500, width, height, 1, 1, n, 2, 0, 0, *voxel_m, 0.0, 0.0, 0.0),
        *(SCAN_TYPES["TYX"], 0, 0, 0, 0, 0, 0, interval_s),
    ).ljust(500, b"\0")
    pages = []
    for number, picture in enumerate(film):
        own = {34412: (BYTE, len(info), info)} if number == 0 else {}
        pages.append((picture, (height, width), {254: long(0), **own}))
        pages.append((picture[::2, ::2], picture[::2, ::2].shape, {254: long(1)}))
    return tiff_bytes(pages)


# --- STK


def stk_bytes(film, *, size_um, unit, times_ms, steps_nm=None):
    """An STK of a film (T, H, W): one header, and all planes behind each other."""
    n, height, width = film.shape
    day = 2_455_000
    steps_nm = steps_nm or [0] * n
    planes = b"".join(
        struct.pack("<6I", step, 1000, day, ms, day, ms)
        for step, ms in zip(steps_nm, times_ms, strict=True)
    )
    raw = film.astype("<u2").tobytes()
    # UIC1: pairs of a number and a value, or the place of it; the tags here have values in line
    # but for the three that point into the file, right behind the pixels.
    at = 8 + len(raw)
    ratio = struct.pack("<II", round(size_um * 10_000), 10_000)
    name = unit.encode() + b"\0"
    said = struct.pack("<I", len(name)) + name
    pairs = [(3, 1), (4, at), (5, at), (6, at + len(ratio))]
    uic1 = b"".join(struct.pack("<II", *pair) for pair in pairs)
    tags = {
        33628: (LONG, len(pairs), uic1),
        33629: (RATIONAL, n, planes),
    }
    return tiff_bytes([(raw + ratio + said, (height, width), tags)])


# --- NDTiff


def write_ndtiff(folder, film, *, files=1):
    """An NDTiff of Micro-Manager, (T, H, W): JSON in a tag of each page, and an index of all."""
    index = b""
    for number, part in enumerate(np.array_split(np.arange(len(film)), files)):
        name = f"NDTiffStack{f'_{number}' if number else ''}.tif"
        summary = b'{"PixelSize_um": 0.65, "Interval_ms": 2000}'
        head = struct.pack("<IIIII", 483729, 3, 0, 2355492, len(summary)) + summary
        pages = []
        for time in part.tolist():
            about = text(json.dumps({"PixelSizeUm": 0.65, "Axes": {"time": time}}))
            pages.append((film[time], film.shape[1:], {51123: about}))
        data = tiff_bytes(pages, head=head)
        (folder / name).write_bytes(data)
        for time in part.tolist():
            offset = data.index(film[time].astype("<u2").tobytes())
            axes, file = b'{"time": %d}' % time, name.encode()
            index += struct.pack("<I", len(axes)) + axes + struct.pack("<I", len(file)) + file
            height, width = film.shape[1:]
            index += struct.pack("<IiiiiIii", offset, width, height, 1, 0, 0, 0, 0)
    (folder / "NDTiff.index").write_bytes(index)
