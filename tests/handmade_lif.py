"""Small LIF files written byte by byte: an XML, and a block of pixels for each image."""

import struct

import numpy as np

DIMENSIONS = {"X": (1, "m"), "Y": (2, "m"), "Z": (3, "m"), "T": (4, "s"), "M": (10, "")}


def lif_bytes(images, *, stamps=()):
    """A LIF of images: (name, values, axes "MTZCYX" of them, {axis: length from first to last}).

    The stamps say when each picture was taken, in steps of 100 ns.
    """
    times = " ".join(f"{stamp:x}" for stamp in stamps)
    times = f'<TimeStampList NumberOfTimeStamps="{len(stamps)}">{times}</TimeStampList>'
    elements = [
        _element(n, *image).replace("</Image>", f"{times * bool(stamps)}</Image>")
        for n, image in enumerate(images)
    ]
    text = (
        '<LMSDataContainerHeader Version="2"><Element Name="session" UniqueID="u"><Data>'
        '<Experiment Path=""/></Data><Memory Size="0" MemoryBlockID="MemBlock_all"/><Children>'
        f"{''.join(elements)}</Children></Element></LMSDataContainerHeader>"
    )
    parts = [_block(struct.pack("<BI", 0x2A, len(text)) + text.encode("utf-16-le"))]
    for n, (_, values, *_) in enumerate(images):
        name = f"MemBlock_{n}"
        head = struct.pack("<BQBI", 0x2A, values.nbytes, 0x2A, len(name))
        parts.append(_block(head + name.encode("utf-16-le")) + values.tobytes())
    return b"".join(parts)


def _block(body):
    return struct.pack("<II", 0x70, len(body)) + body


def _element(number, name, values, axes, lengths):
    strides = dict(zip(axes, values.strides, strict=True))
    sizes = dict(zip(axes, values.shape, strict=True))
    dimensions = "".join(
        f'<DimensionDescription DimID="{DIMENSIONS[axis][0]}" NumberOfElements="{sizes[axis]}" '
        f'Origin="0" Length="{lengths.get(axis, 0)}" Unit="{DIMENSIONS[axis][1]}" '
        f'BitInc="0" BytesInc="{strides[axis]}"/>'
        for axis in reversed(axes)
        if axis in DIMENSIONS
    )
    bits = 8 * np.dtype(values.dtype).itemsize
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="{bits}" '
        f'NameOfMeasuredQuantity="" Min="0" Max="1" Unit="" LUTName="{colour}" '
        f'IsLUTInverted="0" BytesInc="{c * strides.get("C", 0)}" BitInc="0"/>'
        for c, colour in enumerate(("Green", "Red", "Blue")[: sizes.get("C", 1)])
    )
    return (
        f'<Element Name="{name}" UniqueID="u{number}"><Data><Image><ImageDescription><Channels>'
        f"{channels}</Channels><Dimensions>{dimensions}</Dimensions></ImageDescription></Image>"
        f'</Data><Memory Size="{values.nbytes}" MemoryBlockID="MemBlock_{number}"/></Element>'
    )
