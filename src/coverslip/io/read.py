"""image file → ImageFile, and its frames one at a time.

It opens microscope images of every format that is read, single pictures, time-lapses and z-stacks.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from coverslip.errors import CoverslipError
from coverslip.io.axes import in_order, settle
from coverslip.io.formats import czi, lif, nd2, ome_zarr, raster, tiff_header
from coverslip.io.formats.guard import (
    check_pictures,
    check_series,
    check_whole,
    readable,
    sniff,
    split_series,
)
from coverslip.io.formats.ome_set import may_hold_several, members_of
from coverslip.io.header import Header, ImageFile, be_wary
from coverslip.io.projection import combine
from coverslip.io.region_reader import find_extremes, is_finite, replace_bad, say_bad
from coverslip.io.windows import check_there, everything, find_places, open_windows

MOST_NAMED = 5  # images of a file

HEADERS: dict[str, Callable[[Path, int], Header]] = {
    "tiff": tiff_header.read_header,
    "zarr": lambda path, series: ome_zarr.read_header(path),
    "nd2": nd2.read_header,
    "czi": czi.read_header,
    "lif": lif.read_header,
}


def open_image(path: str | Path, *, axes: str | None = None) -> ImageFile:
    """Read what an image file says of itself; its frames are read later, by `read_frame`.

    Args:
        path: PNG, JPEG, BMP, TIFF, ND2, CZI or LIF, told by its content, or a folder or zip of
            OME-Zarr; one of the images of a file by its number, film.nd2/1.
        axes: One letter of T, Z, C, Y, X, S per dimension as the file stores them, where the
            file's own metadata are missing or wrong.

    Returns:
        The header, with a note for every decision that was taken.

    Raises:
        FileError: The file cannot be read, or `axes` does not fit it.
        SettingsError: The package for its format is not installed.

    Example:
        >>> import coverslip
        >>> film = coverslip.open_image("examples/phase/t98g_film.tif")
        >>> film.axes, film.n_frames, film.n_channels
        ('TYX', 6, 1)
    """
    path = Path(path)
    source, series = split_series(path)
    kind = sniff(source)
    header = be_wary(HEADERS.get(kind, _read_single)(source, series or 0))
    members = members_of(source) if kind == "tiff" else [source]
    check_pictures(source, _count_pictures(header), files=members)
    stored, note = settle(
        path,
        stored=header.axes,
        shape=header.shape,
        wanted=axes,
        has_pages=header.has_pages,
        is_free=header.is_free,
    )
    lengths = dict(zip(stored, header.shape, strict=True))
    n_images = lengths.get("P", len(header.names))
    check_series(path, series or 0, n_images)
    seen, shape = in_order(*_as_seen(header, stored))
    position = (series or 0) if "P" in stored else 0
    file = ImageFile(
        path=path,
        axes=seen,
        shape=shape,
        dtype=header.dtype,
        bit_depth=header.bit_depth,
        pixel_size_um=header.pixel_size_um,
        channel_names=header.channel_names,
        frame_interval_s=header.frame_interval_s,
        notes=(
            *header.notes,
            *([note] if note else []),
            *(_series_notes(path, header.names, n_images) if series is None else []),
            *channel_notes(seen, shape),
        ),
        stored_axes=stored,
        series=series or 0,
        position=position,
        gaps=_find_gaps(header, stored, position),
        slice_distance_um=header.slice_distance_um,
    )
    return file


def list_series(path: Path) -> list[Path]:
    """The images of a file, each by the name that it is read by: film.nd2/0, film.nd2/1.

    Returns:
        The file itself where it holds one image, or cannot be read.
    """
    source, series = split_series(path)
    try:
        n_images = 1 if series is not None else count_images(source)
    except (CoverslipError, OSError):  # which is said when it is read
        return [path]
    return [path] if n_images == 1 else [source / str(n) for n in range(n_images)]


def count_images(path: Path) -> int:
    """How many images a file holds.

    Raises:
        FileError: It cannot be read.
        SettingsError: The package for its format is not installed.
    """
    kind = sniff(path)
    if kind not in HEADERS or kind == "zarr":
        return 1
    if kind == "tiff" and not may_hold_several(path):
        return 1
    if kind == "lif":
        return lif.count_images(path)
    header = HEADERS[kind](path, 0)
    lengths = dict(zip(header.axes, header.shape, strict=True))
    return lengths.get("P", len(header.names))


def _read_single(path: Path, series: int) -> Header:
    """Of a format that holds one image."""
    check_series(path, series, 1)
    return raster.read_header(path)


def _find_gaps(header: Header, stored: str, position: int) -> dict[tuple[int, int, int], str]:
    """Times, depths and channels without a picture, of one position."""
    gaps = {}
    for place, why in header.gaps.items():
        index = dict(zip(stored, place, strict=False))
        if index.get("P", position) == position:
            gaps[index.get("T", 0), index.get("Z", 0), index.get("C", 0)] = why
    return gaps


def _series_notes(path: Path, names: tuple[str, ...], n_images: int) -> list[str]:
    """How to name the other images of a file."""
    if n_images == 1:
        return []
    known = [name for name in names if name][:MOST_NAMED]
    called = f" ({', '.join(known)}{', …' if len(names) > len(known) else ''})" if known else ""
    return [
        f"it holds {n_images} images{called}; the first is read. Name another as {path}/1 "
        f"{'' if n_images == 2 else f'to {path}/{n_images - 1} '}"
    ]


def _count_pictures(header: Header) -> int:
    """Times × depths × channels, and whatever else a file has many pictures of."""
    lengths = zip(header.axes, header.shape, strict=True)
    return math.prod(length for axis, length in lengths if axis not in "YXS")


def channel_notes(axes: str, shape: tuple[int, ...]) -> list[str]:
    """What is said of a file of several channels where nobody named one."""
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
    if not header.has_pages:  # OME-Zarr has axes of length 1, as many as its writer likes
        lengths = {axis: n for axis, n in lengths.items() if n > 1 or axis in "YXS"}
    lengths = {axis: n for axis, n in lengths.items() if axis not in "P?"}
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

    Example:
        >>> import coverslip
        >>> film = coverslip.open_image("examples/phase/t98g_film.tif")
        >>> frame = coverslip.read_frame(film, 2)
        >>> frame.shape == film.frame_shape
        True
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

    Example:
        >>> import coverslip
        >>> film = coverslip.open_image("examples/phase/t98g_film.tif")
        >>> len(list(coverslip.read_frames(film, [0, 2])))
        2
    """
    wanted = range(file.n_frames) if frames is None else frames
    check_there(file, channel)
    check_whole(file.path, *file.frame_shape)
    with open_windows(file) as window:
        for frame in wanted:
            places = find_places(file, frame, channel=channel)
            pictures = (window(place, *everything(file)) for place in places)
            finite = (_finite(file.path, picture, tell=tell) for picture in pictures)
            with readable(file.path):
                picture = (
                    next(finite) if file.projection is None else combine(finite, file.projection)
                )
            yield picture


def _finite(
    path: Path, picture: NDArray[Any], *, tell: Callable[[str], None] | None
) -> NDArray[Any]:
    if is_finite(picture):
        return picture
    extremes = find_extremes(path, [picture])
    say_bad(extremes, tell)
    return replace_bad(picture, extremes)
