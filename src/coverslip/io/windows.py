"""image file → a function that reads a part of one of its pictures, whatever the format."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from numpy.typing import NDArray

from coverslip.errors import FileError
from coverslip.io.axes import describe
from coverslip.io.formats import czi, nd2, ome_zarr, raster, tiff
from coverslip.io.formats.guard import sniff
from coverslip.io.header import ImageFile

# Time, depth and channel; rows; columns → (H, W) or (H, W, 3) as the file has them, NaN and all.
Window = Callable[[Mapping[str, int], slice, slice], NDArray[Any]]


@contextmanager
def _open_tiff(file: ImageFile) -> Iterator[Window]:
    with tiff.opened(file.path) as opened:

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
            kept.append(raster.read_pixels(file.path))
        picture = kept[0][rows, columns]
        return picture[..., index.get("C", 0)] if "C" in file.axes else picture

    yield window


OPENERS: dict[str, Callable[[ImageFile], AbstractContextManager[Window]]] = {
    "tiff": _open_tiff,
    "zarr": ome_zarr.open_windows,
    "nd2": nd2.open_windows,
    "czi": czi.open_windows,
}


def open_windows(file: ImageFile) -> AbstractContextManager[Window]:
    """Open a file for reading; an exception from within the block may come out as a FileError.

    Raises:
        FileError: The file is damaged.
        SettingsError: The package for its format is not installed.
    """
    return OPENERS.get(sniff(file.path), _open_raster)(file)


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
    return [{"T": time, "Z": depth, "C": channel} for depth in depths]


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
