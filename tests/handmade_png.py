"""PNG files written byte by byte, for what Pillow cannot write."""

import struct
import zlib


def png_bytes(values, *, depth, colour_type, width=None):
    """A PNG of 8-bit or (depth 16) 16-bit values: (H, W) or (H, W, samples).

    With fewer bits per value the caller packs them into bytes, and says how wide the picture is.
    """
    rows = values.astype(">u2" if depth == 16 else ">u1")
    height, width = values.shape[0], width or values.shape[1]
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(name, body):
    """A PNG chunk: length, name, body, checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
