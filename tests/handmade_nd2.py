"""Small ND2 files written byte by byte: version 2.1, whose metadata are XML, as nd2 reads them."""

import struct
import zlib

MAGIC = 0x0ABECEDA
NAME = b"ND2 FILE SIGNATURE CHUNK NAME01!"
MAP_NAME = b"ND2 FILEMAP SIGNATURE NAME 0001!"
MAP_END = b"ND2 CHUNK MAP SIGNATURE 0000001!"
TYPES = {bool: "bool", int: "lx_uint32", float: "double", str: "CLxStringW"}


def nd2_bytes(frames, *, names=("",), loops=(), pixel_size_um=None, **options):
    """An ND2 of frames (n, H, W, C) uint16; loops: ("T", "P" or "Z", count, period in ms).

    Options: is_compressed; has_probe, without which nd2 cannot read what is said of the channels.
    """
    is_compressed, has_probe = options.get("is_compressed", False), options.get("has_probe", True)
    _, height, width, n_channels = frames.shape
    attributes = {
        "uiWidth": width,
        "uiWidthBytes": 2 * width * n_channels,
        "uiHeight": height,
        "uiComp": n_channels,
        "uiBpcInMemory": 16,
        "uiBpcSignificant": 12,
        "uiSequenceCount": len(frames),
        "eCompression": 0 if is_compressed else 2,
    }
    probe = {"pFluorescentProbe": {"m_sName": "any"}} if has_probe else {}
    plane = {"uiCompCount": 1, **probe}
    planes = {f"a{n}": {"sDescription": name, **plane} for n, name in enumerate(names)}
    metadata = {
        "bCalibrated": pixel_size_um is not None,
        "dCalibration": pixel_size_um or 1.0,
        "sPicturePlanes": {"uiCount": len(names), "sPlane": planes},
    }
    chunks = {
        b"ImageAttributes!": xml(attributes),
        b"ImageMetadataSeq|0!": xml(metadata),
    }
    if loops:
        chunks[b"ImageMetadata!"] = xml(_experiment(loops))
    for number, frame in enumerate(frames):
        data = frame.astype("<u2").tobytes()
        chunks[b"ImageDataSeq|%d!" % number] = b"\0" * 8 + (
            zlib.compress(data) if is_compressed else data
        )
    return _file(chunks)


def _file(chunks):
    data = _chunk(NAME, b"Ver2.1".ljust(64, b"\0"))
    places = b""
    for name, body in chunks.items():
        places += name + struct.pack("<QQ", len(data), len(body))
        data += _chunk(name.ljust(4072, b"\0"), body)  # a picture begins 4096 bytes behind
    at = len(data)
    return data + _chunk(MAP_NAME, places + MAP_END + struct.pack("<Q", at))


def _chunk(name, body):
    return struct.pack("<IIQ", MAGIC, len(name), len(body)) + name + body


def _experiment(loops):
    (kind, count, period), *inner = loops
    if kind == "T":
        pars = {"uiCount": count, "dStart": 0.0, "dPeriod": period, "dDuration": 0.0}
    elif kind == "P":
        at = {"dPosX": 0.0, "dPosY": 0.0, "dPosZ": 0.0, "dPFSOffset": 0.0, "dPosName": ""}
        pars = {"uiCount": count, "Points": {f"a{n}": at for n in range(count)}}
    else:
        pars = {"uiCount": count, "dZLow": 0.0, "dZHigh": 1.0, "dZStep": 0.5, "dZHome": 0.0}
    own = {"eType": {"T": 1, "P": 2, "Z": 4}[kind], "uLoopPars": pars}
    return own | ({"ppNextLevelEx": {"a0": _experiment(inner)}} if inner else {})


def xml(values):
    return f"<variant>{_nodes(values)}</variant>".encode()


def _nodes(values):
    text = ""
    for name, value in values.items():
        if isinstance(value, dict):
            text += f"<{name}>{_nodes(value)}</{name}>"
        else:
            text += f'<{name} runtype="{TYPES[type(value)]}" value="{value!s}"/>'
    return text
