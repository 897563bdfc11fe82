"""image file → a function that reads a part of one of its pictures, whatever the format."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.errors import FileError
from coverslip.io.axes import describe
from coverslip.io.formats import czi, lif, nd2, ome_zarr, raster, tiff
from coverslip.io.formats.guard import sniff
from coverslip.io.header import ImageFile
from coverslip.io.together import read_together

# Time, depth and channel; rows; columns → (H, W) or (H, W, 3) as the file has them, NaN and all.
Window = Callable[[Mapping[str, int], slice, slice], NDArray[Any]]


@contextmanager
def _open_tiff(file: ImageFile) -> Iterator[Window]:
    with tiff.opened(file.source, file.series) as opened:

        def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
            where = {"rows": rows, "columns": columns}
            if (rows, columns) == everything(file):  # decoded at once, by several threads
                where = {}
            return tiff.pixels(opened, axes=file.stored_axes, index=index, **where)

        yield window


@contextmanager
def _open_raster(file: ImageFile) -> Iterator[Window]:
    """These formats have no pieces: the picture is read once, when it is first asked for."""
    kept: list[NDArray[Any]] = []

    def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
        if not kept:
            kept.append(raster.read_pixels(file.source))
        picture = kept[0][rows, columns]
        return picture[..., index.get("C", 0)] if "C" in file.axes else picture

    yield window


OPENERS: dict[str, Callable[[ImageFile], AbstractContextManager[Window]]] = {
    "tiff": _open_tiff,
    "zarr": ome_zarr.open_windows,
    "nd2": nd2.open_windows,
    "czi": czi.open_windows,
    "lif": lif.open_windows,
}


@contextmanager
def open_windows(file: ImageFile) -> Iterator[Window]:
    """Open a file for reading; an exception from within the block may come out as a FileError.

    What the file does not have, its gaps, is 0 everywhere.

    Raises:
        FileError: The file is damaged.
        SettingsError: The package for its format is not installed.
    """
    if file.apart is not None:
        with open_windows(file.apart) as read_apart:
            yield read_together(file, read_apart)
        return
    with OPENERS.get(sniff(file.path), _open_raster)(file) as read:

        def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
            if _place(index) not in file.gaps:
                return read(index, rows, columns)
            size = rows.stop - rows.start, columns.stop - columns.start
            samples = (file.length("S"),) if "S" in file.axes else ()
            return np.zeros((*size, *samples), file.dtype)

        yield window


def _place(index: Mapping[str, int]) -> tuple[int, int, int]:
    return index.get("T", 0), index.get("Z", 0), index.get("C", 0)


def find_gap(file: ImageFile, frame: int, *, channel: int = 0) -> str | None:
    """Why a frame of a file is empty; None where it is there."""
    if not file.gaps:
        return None
    places = map(_place, find_places(file, frame, channel=channel))
    return next((file.gaps[place] for place in places if place in file.gaps), None)


def check_there(file: ImageFile, channel: int) -> None:
    """Refuse a channel of which no frame is there.

    Raises:
        FileError: The file has no such channel, or none of its frames.
    """
    find_places(file, 0, channel=channel)
    if not file.gaps:
        return
    gaps = [find_gap(file, frame, channel=channel) for frame in range(file.n_frames)]
    if all(gaps):
        names = dict(enumerate(file.channel_names))
        others = ", ".join(
            f"{n} {names.get(n, '')}".strip() for n in range(file.n_channels) if is_there(file, n)
        )
        named = f"{channel} {names.get(channel, '')}".strip()
        raise FileError(
            f"{file.path}: no frame of channel {named} can be read: {gaps[0]}. Put all files of "
            f"the set into one folder, or take another channel with --channel ({others})."
        )


def is_there(file: ImageFile, channel: int) -> bool:
    """Whether any frame of a channel is there."""
    if not file.gaps:
        return True
    return not all(find_gap(file, n, channel=channel) for n in range(file.n_frames))


def everything(file: ImageFile) -> tuple[slice, slice]:
    """All rows, and all columns."""
    height, width = file.frame_shape
    return slice(0, height), slice(0, width)


def find_places(file: ImageFile, frame: int, *, channel: int) -> list[dict[str, int]]:
    """Where the picture of a frame is stored; of a projection, those of all its depths.

    Raises:
        FileError: The file has no such frame or channel.
    """
    check_range(file, "channel", number=channel, count=file.n_channels)
    check_range(file, "frame", number=frame, count=file.n_frames)
    time, depth = divmod(frame, file.length("Z"))
    depths = file.projection.depths if file.projection else (depth,)
    return [{"T": time, "Z": z, "C": channel, "P": file.position} for z in depths]


def check_range(file: ImageFile, what: str, *, number: int, count: int) -> None:
    """Refuse a frame or a channel that is not there.

    Raises:
        FileError: The number is below 0, or not below the count.
    """
    if not 0 <= number < count:
        raise FileError(
            f"{file.path}: no {what} {number}; it has {count}, counted from 0 "
            f"({file.axes}, {describe(file.shape)})."
        )
