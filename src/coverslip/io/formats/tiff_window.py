"""a page of a TIFF × rows × columns → those pixels, of their own tiles or strips alone."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from coverslip.errors import FileError

JPEGS = (6, 7, 34892, 33007)  # compressions whose tiles share tables that the page holds


def path_of(page: Any) -> Path:
    """The file that a page lies in; of a set, not all lie in one."""
    return Path(page.parent.filehandle.path)


def piece_size(page: tifffile.TiffPage) -> tuple[int, int]:
    """Height and width of the largest part that must be decoded at once."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    if is_plain(page):
        return 1, 1
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def is_plain(page: Any) -> bool:
    """Whether the page's values lie in the file as in an array, one after the other."""
    key = page.keyframe
    if not key.is_final or key.dtype is None or key.is_tiled:
        return False
    offsets = np.asarray(page.dataoffsets, np.int64)
    counts = np.asarray(page.databytecounts, np.int64)
    if not offsets.size or not offsets.all():
        return False
    return bool((offsets[1:] == offsets[:-1] + counts[:-1]).all())


def read_window(
    path: Path, page: Any, *, rows: slice, columns: slice, plane: int | None = None
) -> NDArray[Any]:
    """Read a window of a page.

    Args:
        path: The file, for messages.
        page: A page or a frame of tifffile's.
        rows: With both ends, inside the page.
        columns: Likewise.
        plane: Which of the planes of a page that stores its samples one after the other; None: all.

    Returns:
        (planes, depth, rows, columns, samples), as `page.shaped` counts them.

    Raises:
        FileError: A tile is damaged, or lies beyond the end of the file.
    """
    planes = range(page.shaped[0]) if plane is None else range(plane, plane + 1)
    if is_plain(page):
        stored = np.dtype(page.keyframe.dtype).newbyteorder(page.parent.byteorder)
        return read_plain(
            path,
            stored,
            shape=page.shaped,
            offset=page.dataoffsets[0],
            window=(slice(planes.start, planes.stop), slice(None), rows, columns, slice(None)),
        )
    _, depth, _, _, samples = page.shaped
    shape = (len(planes), depth, rows.stop - rows.start, columns.stop - columns.start, samples)
    window = np.full(shape, page.keyframe.nodata, page.keyframe.dtype)
    for number in segments_in(page.keyframe, rows=rows, columns=columns, planes=planes):
        segment, (at_plane, at_depth, top, left, _) = decode_segment(path, page, number)
        if segment is not None:
            there = window[at_plane - planes.start, at_depth : at_depth + len(segment)]
            _paste(segment, there, top=top - rows.start, left=left - columns.start)
    return window


def read_plain(
    path: Path,
    dtype: np.dtype[Any],
    *,
    shape: tuple[int, ...],
    offset: int,
    window: tuple[slice, ...],
) -> NDArray[Any]:
    """Read a part of an array that lies in a file as it is.

    Raises:
        FileError: The file ends before the array does.
    """
    if offset + math.prod(shape) * dtype.itemsize > path.stat().st_size:
        raise FileError(
            f"{path}: cut off: it ends before the pixels that its header promises. "
            "Copy it again from its source."
        )
    return np.array(np.memmap(path, dtype, mode="r", offset=offset, shape=shape)[window])


def segments_in(
    key: tifffile.TiffPage, *, rows: slice, columns: slice, planes: range
) -> Iterator[int]:
    """Numbers of the tiles or strips that hold a window, in the order of the file."""
    _, depth, height, width, _ = key.shaped
    if key.is_tiled:
        size = key.tiledepth, key.tilelength, key.tilewidth
    else:
        size = 1, min(key.rowsperstrip, height), width
    deep, down, across = (
        math.ceil(n / m) for n, m in zip((depth, height, width), size, strict=True)
    )
    for plane in planes:
        for layer in range(deep):
            for row in range(rows.start // size[1], math.ceil(rows.stop / size[1])):
                first = ((plane * deep + layer) * down + row) * across
                start, stop = columns.start // size[2], math.ceil(columns.stop / size[2])
                yield from range(first + start, first + stop)


def decode_segment(
    path: Path, page: Any, number: int
) -> tuple[NDArray[Any] | None, tuple[int, ...]]:
    """One tile or strip, (depth, rows, columns, samples), and where it begins in the page.

    Returns:
        None for a tile that the file leaves out, which is empty.

    Raises:
        FileError: The tile is not all there, or is damaged.
    """
    key, handle = page.keyframe, page.parent.filehandle
    total = len(page.dataoffsets)
    if number >= total:
        raise FileError(
            f"{path}: damaged: it has {total} tiles or strips, where its size wants more. "
            "Copy it again from its source."
        )
    offset, count = page.dataoffsets[number], page.databytecounts[number]
    if offset + count > handle.size:
        raise FileError(
            f"{path}: cut off: its tile or strip {number + 1} of {total} ends behind the end of "
            "the file. Copy it again from its source."
        )
    data = None
    if offset and count:
        is_closed = handle.closed  # of a set, whose files are not all open
        if is_closed:
            handle.open()
        handle.seek(offset)
        data = handle.read(count)
        if is_closed:
            handle.close()
    tables = {}
    if key.compression in JPEGS:
        tables = {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader}
    segment, place, _ = key.decode(data, number, **tables)
    return segment, place


def _paste(segment: NDArray[Any], window: NDArray[Any], *, top: int, left: int) -> None:
    """Copy that part of a tile that lies in the window; its corner may lie outside."""
    depth, height, width, _ = window.shape
    rows = slice(max(top, 0), min(top + segment.shape[1], height))
    columns = slice(max(left, 0), min(left + segment.shape[2], width))
    window[:, rows, columns] = segment[
        :depth, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
