"""Small CZI files written byte by byte: uncompressed blocks, as czifile reads them."""

import struct

import numpy as np

PIXEL_TYPES = {("u1", 1): 0, ("u2", 1): 1, ("f4", 1): 2, ("u1", 3): 3}


def czi_bytes(blocks, *, xml=""):
    """A CZI of blocks: (values (H, W) or (H, W, 3), {axis: first index}, pyramid factor or 1)."""
    start = 32 + 512  # the header's segment
    parts, entries, place = [], [], start
    for values, index, factor in blocks:
        stored = values[..., ::-1] if values.ndim == 3 else values  # blue first
        entry = _entry(values, index, position=place, factor=factor)
        data = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
        head = struct.pack("<iiq", 0, 0, len(data)) + entry
        parts.append(_segment(b"ZISRAWSUBBLOCK", head.ljust(16 + 240, b"\0") + data))
        entries.append(entry)
        place += len(parts[-1])
    directory = struct.pack("<i124x", len(entries)) + b"".join(entries)
    parts.append(_segment(b"ZISRAWDIRECTORY", directory))
    metadata_at = place + len(parts[-1])
    text = xml.encode()
    parts.append(_segment(b"ZISRAWMETADATA", struct.pack("<ii248x", len(text), 0) + text))
    header = struct.pack("<iiii16s16siqqiq", 1, 0, 0, 0, b"", b"", 0, place, metadata_at, 0, 0)
    return _segment(b"ZISRAWFILE", header.ljust(512, b"\0")) + b"".join(parts)


def _segment(name, body):
    return struct.pack("<16sqq", name, len(body), len(body)) + body


def _entry(values, index, *, position, factor):
    """Where a block lies; X and Y first, as they are fastest."""
    height, width = values.shape[:2]
    sizes = {"X": width, "Y": height} | {axis: 1 for axis in index if axis not in "XY"}
    samples = 1 if values.ndim == 2 else values.shape[2]
    kind = PIXEL_TYPES[np.dtype(values.dtype).str[1:], samples]
    pyramid = 2 if factor > 1 else 0
    head = struct.pack("<2siqiiBB4si", b"DV", kind, position, 0, 0, pyramid, 0, b"", len(sizes))
    dimensions = [
        struct.pack(
            "<4siifi",
            axis.encode(),
            index.get(axis, 0),
            size * (factor if axis in "XY" else 1),
            0.0,
            size,
        )
        for axis, size in sizes.items()
    ]
    return head + b"".join(dimensions)
