"""ND2 of Nikon's NIS-Elements → Header, and parts of its pictures, by the package nd2."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip._optional import need
from coverslip.io.formats.guard import check_size, readable
from coverslip.io.formats.units import scaled
from coverslip.io.header import Header, ImageFile


def read_header(path: Path, series: int = 0) -> Header:
    """Read what an ND2 says of itself.

    Stage positions are the axis P: each is an image.

    Raises:
        FileError: The file is damaged.
        SettingsError: The package nd2 is not installed.
    """
    del series  # the caller takes a position of the axis P
    nd2 = _package(path)
    with readable(path), nd2.ND2File(path) as file:
        lengths, channels = _lengths(file), _channels(file)
        about = file.attributes
        # An uncompressed picture is mapped into memory, a compressed one is one stream.
        piece = (1, 1) if about.compressionType is None else None
        check_size(path, height=lengths["Y"], width=lengths["X"], piece=piece)
        return Header(
            axes="".join(lengths),
            shape=tuple(lengths.values()),
            dtype=np.dtype(file.dtype),
            bit_depth=int(about.bitsPerComponentSignificant),
            pixel_size_um=_pixel_size(file, channels),
            channel_names=_channel_names(channels),
            frame_interval_s=_interval(file),
            slice_distance_um=_slice_distance(file, channels),
            notes=() if channels else ("its metadata cannot be read: no pixel size, no channels",),
        )


@contextmanager
def open_windows(file: ImageFile) -> Iterator[Any]:
    """Yield a function that reads a part of a picture, as `read.Window` is.

    A compressed picture can be decoded only whole; the last one is kept.
    """
    nd2 = _package(file.source)
    with readable(file.source), nd2.ND2File(file.source) as opened:
        lengths = _lengths(opened)
        loops = [axis for axis in lengths if axis not in "CYXS"]
        letters = dict(zip(lengths, file.stored_axes, strict=True))
        inner = [axis for axis in lengths if axis in "CYXS"]
        is_mapped = opened.attributes.compressionType is None
        last: dict[int, NDArray[Any]] = {}

        def picture(number: int) -> NDArray[Any]:
            if number not in last:
                values = opened.read_frame(number).reshape([lengths[axis] for axis in inner])
                if is_mapped:
                    return np.asarray(values)
                last.clear()
                last[number] = values
            return last[number]

        def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
            place = [index.get(letters[axis], 0) for axis in loops]
            number = int(np.ravel_multi_index(place, [lengths[a] for a in loops])) if place else 0
            parts: dict[str, Any] = {"Y": rows, "X": columns, "S": slice(0, 3)}
            parts["C"] = index.get(letters.get("C", "C"), 0)
            return np.array(picture(number)[tuple(parts[axis] for axis in inner)])

        yield window


def _package(path: Path) -> Any:
    return need("nd2", extra="nd2", what=f"{path}: Nikon's ND2")


def _lengths(file: Any) -> dict[str, int]:
    """Length of each dimension: the loops outermost first, then C, Y, X and S where it has them."""
    about = file.attributes
    inner = {"C": file.sizes.get("C", 1), "Y": about.heightPx, "X": about.widthPx}
    inner |= {"S": file.sizes["S"]} if "S" in file.sizes else {}
    loops = {axis: n for axis, n in file.sizes.items() if axis not in "CYXS"}
    return loops | {axis: int(n) for axis, n in inner.items() if n > 1 or axis in "YX"}


def _channels(file: Any) -> list[Any]:
    """What is known of the channels; nothing where nd2 cannot make sense of it.

    It then raises errors of any kind, and the pixels can be read all the same.
    """
    try:
        return list(getattr(file.metadata, "channels", None) or [])
    except Exception:
        return []


def _pixel_size(file: Any, channels: list[Any]) -> tuple[float, float] | None:
    """None where nobody has calibrated the objective; the file then says 1 µm."""
    if not channels or not any(channels[0].volume.axesCalibrated[:2]):
        return None
    size = file.voxel_size()
    height, width = scaled(size.y, 1.0), scaled(size.x, 1.0)
    return (height, width) if height and width else None


def _slice_distance(file: Any, channels: list[Any]) -> float | None:
    """None where the depth was not calibrated."""
    if not channels or not all(channels[0].volume.axesCalibrated[2:3]):
        return None
    return scaled(file.voxel_size().z, 1.0)


def _channel_names(channels: list[Any]) -> tuple[str, ...]:
    names = [channel.channel.name for channel in channels]
    return tuple(names) if len(names) > 1 and all(names) else tuple(filter(None, names[:1]))


def _interval(file: Any) -> float | None:
    """Seconds between two times of the first loop over time; 0 says "as fast as it can"."""
    for loop in file.experiment:
        if loop.type == "TimeLoop":
            return scaled(loop.parameters.periodMs, 1e-3)
    return None
