"""image file → ImageFile, and its frames one at a time."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.errors import FileError
from coverslip.files import raster, tiff, tiff_header
from coverslip.files.axes import describe, in_order, settle
from coverslip.files.guard import readable, sniff
from coverslip.files.record import Header, ImageFile


def open_image(path: str | Path, *, axes: str | None = None) -> ImageFile:
    """Read what an image file says of itself; its frames are read later, by `read_frame`.

    Args:
        path: PNG, JPEG, BMP or TIFF, told by its content.
        axes: One letter of T, Z, C, Y, X, S per dimension as the file stores them, where the
            file's own metadata are missing or wrong.

    Returns:
        The header, with a note for every decision that was taken.

    Raises:
        FileError: The file cannot be read, or `axes` does not fit it.
    """
    path = Path(path)
    header = tiff_header.read_header(path) if sniff(path) == "tiff" else raster.read_header(path)
    stored, note = settle(path, stored=header.axes, shape=header.shape, wanted=axes)
    seen, shape = in_order(*_as_seen(header, stored))
    return ImageFile(
        path=path,
        axes=seen,
        shape=shape,
        dtype=header.dtype,
        bit_depth=header.bit_depth,
        pixel_size_um=header.pixel_size_um,
        channel_names=header.channel_names,
        frame_interval_s=header.frame_interval_s,
        notes=(*header.notes, *([note] if note else []), *_channel_notes(seen, shape)),
        stored_axes=stored,
    )


def _channel_notes(axes: str, shape: tuple[int, ...]) -> list[str]:
    if "C" not in axes:
        return []
    return [f"it has {shape[axes.index('C')]} channels; the first is read unless another is named"]


def _as_seen(header: Header, stored: str) -> tuple[str, tuple[int, ...]]:
    """Axes and shape of what `read_frame` gives: three samples of a colour, none of a grey."""
    lengths = dict(zip(stored, header.shape, strict=True))
    if header.samples == "palette":
        lengths["S"] = 3
    elif header.samples == "grey+alpha":
        lengths.pop("S", None)
    elif "S" in lengths:
        lengths["S"] = 3
    return "".join(lengths), tuple(lengths.values())


def read_frame(
    file: ImageFile,
    frame: int = 0,
    *,
    channel: int = 0,
    tell: Callable[[str], None] | None = None,
) -> NDArray[Any]:
    """Read one 2-D picture of a file, and no more than that.

    Args:
        file: From `open_image`.
        frame: From 0; times are the slow axis, depths the fast one.
        channel: From 0; a colour picture is one channel.
        tell: Called with a sentence for what only the pixels show: NaN and Inf that were replaced.

    Returns:
        (H, W) or (H, W, 3) of the file's own type, every value finite: NaN and -Inf become the
        least finite value of the frame, +Inf the greatest.

    Raises:
        FileError: The frame is damaged, not there or without any finite value.
    """
    return next(read_frames(file, [frame], channel=channel, tell=tell))


def read_frames(
    file: ImageFile,
    frames: Iterable[int] | None = None,
    *,
    channel: int = 0,
    tell: Callable[[str], None] | None = None,
) -> Iterator[NDArray[Any]]:
    """Read frames one after the other; the file is opened once, which a long film needs.

    Args:
        file: From `open_image`.
        frames: Which, from 0; all where none are named.
        channel: As for `read_frame`.
        tell: As for `read_frame`.

    Yields:
        One frame at a time, as `read_frame` returns it.

    Raises:
        FileError: A frame is damaged, not there or without any finite value.
    """
    _check_range(file, "channel", number=channel, count=file.n_channels)
    wanted = range(file.n_frames) if frames is None else frames
    read = _read_tiff if sniff(file.path) == "tiff" else _read_raster
    for picture in read(file, wanted, channel=channel):
        yield _finite(file.path, picture, tell=tell)


def _read_tiff(file: ImageFile, frames: Iterable[int], *, channel: int) -> Iterator[NDArray[Any]]:
    with tiff.opened(file.path) as opened:
        for frame in frames:
            index = frame_index(file, frame) | {"C": channel}
            with readable(file.path):
                picture = tiff.pixels(opened, axes=file.stored_axes, index=index)
            yield picture


def _read_raster(file: ImageFile, frames: Iterable[int], *, channel: int) -> Iterator[NDArray[Any]]:
    for frame in frames:
        frame_index(file, frame)
        picture = raster.read_pixels(file.path)
        yield picture[..., channel] if "C" in file.axes else picture


def frame_index(file: ImageFile, frame: int) -> dict[str, int]:
    """Time and depth of a frame.

    Raises:
        FileError: The file has no such frame.
    """
    _check_range(file, "frame", number=frame, count=file.n_frames)
    time, depth = divmod(frame, file.length("Z"))
    return {"T": time, "Z": depth}


def _check_range(file: ImageFile, what: str, *, number: int, count: int) -> None:
    if not 0 <= number < count:
        raise FileError(
            f"{file.path}: no {what} {number}; it has {count}, counted from 0 "
            f"({file.axes}, {describe(file.shape)})."
        )


def _finite(
    path: Path, picture: NDArray[Any], *, tell: Callable[[str], None] | None
) -> NDArray[Any]:
    if picture.dtype.kind != "f":
        return picture
    good = np.isfinite(picture)
    n_bad = good.size - int(np.count_nonzero(good))
    if n_bad == 0:
        return picture
    if n_bad == good.size:
        raise FileError(f"{path}: holds nothing but NaN and Inf. Export the image again.")
    low, high = picture[good].min(), picture[good].max()
    if tell is not None:
        tell(f"{n_bad} values that were NaN or Inf were replaced by {low:g} and {high:g}")
    return np.asarray(np.nan_to_num(picture, nan=low, posinf=high, neginf=low))
