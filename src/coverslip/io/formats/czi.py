"""CZI of Zeiss → Header, and parts of its pictures, by the package czifile.

A picture is a mosaic of blocks, often one for each field of the camera; where blocks overlap, that
with the higher number lies on top, as in ZEN. Smaller copies of the mosaic are left aside.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from coverslip._optional import need
from coverslip.errors import FileError
from coverslip.io.formats.guard import check_series, check_size, readable
from coverslip.io.formats.units import scaled
from coverslip.io.header import Header, ImageFile

LOOPS = "TZC"
# What older czifiles cannot decode: Zstandard, which newer ZENs write by default.
NEWER_COMPRESSIONS = (5, 6, 7)


@dataclass(frozen=True)
class Block:
    """One block of pixels, at its full size.

    Attributes:
        entry: czifile's own.
        start: First index along each axis, by its letter.
        size: Length along each axis.
        samples: 1, or 3 or 4 in colour.
        order: Blocks with a higher number lie on top.
        scene: Which one it belongs to, or -1.
    """

    entry: Any
    start: Mapping[str, int]
    size: Mapping[str, int]
    samples: int
    order: int
    scene: int


@dataclass(frozen=True)
class Mosaic:
    """All blocks, and the box that holds them.

    Attributes:
        blocks: The lowest first.
        start: First index along each axis, by its letter, in the order TZC…YX.
        length: Length along each axis.
        samples: 1, or 3 in colour.
        dtype: Of one sample.
    """

    blocks: Sequence[Block]
    start: Mapping[str, int]
    length: Mapping[str, int]
    samples: int
    dtype: np.dtype[Any]

    @property
    def axes(self) -> dict[str, int]:
        """Lengths by letters, without those of length 1; S where it is in colour."""
        kept = {axis: n for axis, n in self.length.items() if n > 1 or axis in "YX"}
        return kept | ({"S": self.samples} if self.samples > 1 else {})


def read_header(path: Path, series: int = 0) -> Header:
    """Read what a CZI says of itself.

    Raises:
        FileError: The file is damaged, or has no such scene.
        SettingsError: The package czifile is not installed.
    """
    czifile = _package(path)
    with readable(path), czifile.CziFile(path) as file:
        mosaic, names = _mosaic(path, file, series)
        largest = max(mosaic.blocks, key=lambda block: block.size["Y"] * block.size["X"]).size
        height, width = mosaic.length["Y"], mosaic.length["X"]
        check_size(path, height=height, width=width, piece=(largest["Y"], largest["X"]))
        root = _metadata(file)
        bits = root.findtext(".//Information/Image/ComponentBitCount")
        return Header(
            axes="".join(mosaic.axes),
            shape=tuple(mosaic.axes.values()),
            dtype=mosaic.dtype.newbyteorder("="),
            bit_depth=int(bits) if bits and bits.isdigit() else 8 * mosaic.dtype.itemsize,
            pixel_size_um=_pixel_size(root),
            channel_names=_channel_names(root, mosaic.length.get("C", 1)),
            frame_interval_s=_interval(root),
            slice_distance_um=_slice_distance(root),
            names=names,
        )


@contextmanager
def open_windows(file: ImageFile) -> Iterator[Any]:
    """Yield a function that reads a part of a picture, as `read.Window` is."""
    czifile = _package(file.source)
    with readable(file.source), czifile.CziFile(file.source) as opened:
        mosaic, _ = _mosaic(file.path, opened, file.series)
        letters = dict(zip(mosaic.axes, file.stored_axes, strict=True))

        def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
            place = {axis: index.get(letters.get(axis, axis), 0) for axis in mosaic.length}
            size = rows.stop - rows.start, columns.stop - columns.start, mosaic.samples
            picture = np.zeros(size, mosaic.dtype.newbyteorder("="))
            for block in mosaic.blocks:
                top = block.start["Y"] - mosaic.start["Y"] - rows.start
                left = block.start["X"] - mosaic.start["X"] - columns.start
                if _is_in(block, mosaic, place) and _overlaps(block, size, top=top, left=left):
                    _paste(_decode(file.path, opened, block), picture, top=top, left=left)
            return picture if mosaic.samples > 1 else picture[..., 0]

        yield window


def _package(path: Path) -> Any:
    return need("czifile", extra="czi", what=f"{path}: Zeiss' CZI")


def _mosaic(path: Path, file: Any, series: int) -> tuple[Mosaic, tuple[str, ...]]:
    """A scene of a file, and the names of all."""
    blocks = [_block(entry) for entry in file.subblock_directory if _is_full_size(entry)]
    if not blocks:
        raise FileError(f"{path}: no picture in this file. Export it again from ZEN.")
    scenes = sorted({block.scene for block in blocks})
    check_series(path, series, len(scenes))
    blocks = [block for block in blocks if block.scene == scenes[series]]
    blocks.sort(key=lambda block: block.order)
    axes = sorted({axis for block in blocks for axis in block.size}, key=_rank)
    start = {axis: min(block.start.get(axis, 0) for block in blocks) for axis in axes}
    stop = {a: max(b.start.get(a, 0) + b.size.get(a, 1) for b in blocks) for a in axes}
    kinds = {np.dtype(block.entry.dtype).base for block in blocks}
    mosaic = Mosaic(
        blocks=blocks,
        start=start,
        length={axis: stop[axis] - start[axis] for axis in axes},
        samples=min(3, max(block.samples for block in blocks)),
        dtype=np.result_type(*kinds),
    )
    return mosaic, tuple(f"scene {scene}" for scene in scenes) if len(scenes) > 1 else ("",)


def _rank(axis: str) -> int:
    """T, Z and C first, Y and X last; rotations, phases and others, which are not read, between."""
    return LOOPS.find(axis) if axis in LOOPS else 10 + "YX".find(axis)


def _is_full_size(entry: Any) -> bool:
    """Whether a block is no smaller copy of others; czifile's versions agree on these names."""
    return tuple(entry.shape) == tuple(entry.stored_shape) and int(entry.pyramid_type) == 0


def _block(entry: Any) -> Block:
    """A block of either czifile: that of 2019 has `axes` with scenes, later ones `dims` without."""
    names = list(entry.dims) if hasattr(entry, "dims") else list(entry.axes)
    start, size = dict(enumerate(entry.start)), dict(enumerate(entry.shape))
    places = [n for n, name in enumerate(names[:-1]) if name != "S"]  # the last are the samples
    scene = getattr(entry, "scene_index", None)
    if scene is None:
        scene = next((start[n] for n, name in enumerate(names[:-1]) if name == "S"), -1)
    order = entry.mosaic_index
    return Block(
        entry=entry,
        start={names[n]: int(start[n]) for n in places},
        size={names[n]: int(size[n]) for n in places},
        samples=int(entry.shape[-1]),
        order=-1 if order is None else int(order),
        scene=int(scene),
    )


def _is_in(block: Block, mosaic: Mosaic, place: Mapping[str, int]) -> bool:
    """Whether a block belongs to a time, depth and channel."""
    return all(
        block.start.get(axis, 0) - mosaic.start[axis] == place[axis]
        for axis in mosaic.length
        if axis not in "YX"
    )


def _overlaps(block: Block, size: tuple[int, ...], *, top: int, left: int) -> bool:
    down, across = block.size["Y"], block.size["X"]
    return -down < top < size[0] and -across < left < size[1]


def _decode(path: Path, file: Any, block: Block) -> NDArray[Any]:
    """The (H, W, S) values of a block."""
    entry = block.entry
    if hasattr(entry, "read_segment_data"):
        values = entry.read_segment_data(file).data()
    elif int(entry.compression) in NEWER_COMPRESSIONS:
        raise FileError(
            f"{path}: its compression (Zstandard) needs a newer czifile, and that Python 3.12 or "
            "later. Install it there, or save the file without compression in ZEN."
        )
    else:
        values = entry.data_segment().data(resize=False)
    return np.asarray(values).reshape(block.size["Y"], block.size["X"], block.samples)


def _paste(values: NDArray[Any], picture: NDArray[Any], *, top: int, left: int) -> None:
    height, width, samples = picture.shape
    rows = slice(max(top, 0), min(top + values.shape[0], height))
    columns = slice(max(left, 0), min(left + values.shape[1], width))
    picture[rows, columns] = values[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, :samples
    ]


def _metadata(file: Any) -> ElementTree.Element:
    """The file's XML, or an empty one."""
    try:
        return ElementTree.fromstring(file.metadata() or "<none/>")
    except ElementTree.ParseError:
        return ElementTree.Element("none")


def _pixel_size(root: ElementTree.Element) -> tuple[float, float] | None:
    metres = {one.get("Id"): one.findtext("Value") for one in root.iterfind(".//Distance")}
    height, width = scaled(metres.get("Y"), 1e6), scaled(metres.get("X"), 1e6)
    return (height, width) if height and width else None


def _slice_distance(root: ElementTree.Element) -> float | None:
    metres = {one.get("Id"): one.findtext("Value") for one in root.iterfind(".//Distance")}
    return scaled(metres.get("Z"), 1e6)


def _channel_names(root: ElementTree.Element, n_channels: int) -> tuple[str, ...]:
    channels = root.findall(".//Information/Image/Dimensions/Channels/Channel")
    names = [channel.get("Name") for channel in channels]
    return tuple(n for n in names if n) if len(names) == n_channels and all(names) else ()


def _interval(root: ElementTree.Element) -> float | None:
    found = root.findtext(".//Information/Image/Dimensions/T/Positions/Interval/Increment")
    return scaled(found, 1.0)
