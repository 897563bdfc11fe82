"""TIFF → its pages; a page is the most that is ever read at once."""

import itertools
import logging
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from coverslip.errors import FileError
from coverslip.io.axes import describe
from coverslip.io.formats import orientation, photometric
from coverslip.io.formats.guard import check_page, check_series, check_size, readable
from coverslip.io.formats.ome_set import open_tiff, opened_files
from coverslip.io.formats.tiff_picture import Picture
from coverslip.io.formats.tiff_pictures import find_pictures
from coverslip.io.formats.tiff_window import path_of, piece_size, read_plain, read_window

XMP_TAG = 700
BAND_PX = 2**24  # of a picture that is read for its greatest value


@dataclass(frozen=True)
class OpenTiff:
    """A TIFF that is open, and the one image in it, or in its set, that is read.

    Attributes:
        path: The file.
        tif: tifffile's handle.
        picture: The image.
        names: What the file calls all of its images.
        how: What its samples are, see `photometric.kind`.
        messages: What tifffile had to say about the file.
        series: Which of its images it is.
    """

    path: Path
    tif: tifffile.TiffFile
    picture: Picture
    names: tuple[str, ...]
    how: str
    messages: list[str]
    series: int = 0

    @property
    def page(self) -> tifffile.TiffPage:
        """The page that stands for all pages of the image."""
        return self.picture.key

    @property
    def axes(self) -> str:
        """Letters of the dimensions as stored; "?" for one without a name."""
        return self.picture.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension as stored."""
        return self.picture.shape

    @property
    def orientation(self) -> int:
        """How its pictures are to be turned, 1 to 8."""
        tag, xmp = (self.page.tags.get(code) for code in (orientation.TAG, XMP_TAG))
        if tag is not None:
            return orientation.known(tag.value)
        return orientation.from_metadata(None, xmp.value) if xmp is not None else 1

    @property
    def is_inverted(self) -> bool:
        """Whether 0 is white in it."""
        return photometric.is_inverted(self.page, how=self.how)

    @property
    def shape_as_seen(self) -> tuple[int, ...]:
        """Length of each stored dimension, once the pictures are turned."""
        lengths = dict(zip(self.axes, self.shape, strict=True))
        stored = (lengths["Y"], lengths["X"])
        seen = zip("YX", orientation.shape_as_seen(stored, self.orientation), strict=True)
        return tuple((lengths | dict(seen)).values())


@contextmanager
def opened(path: Path, series: int = 0, *, look: bool = False) -> Iterator[OpenTiff]:
    """Open a TIFF and read its headers, not its pixels.

    Args:
        path: The file.
        series: Which of its images, from 0; of a file with one image whose positions are an axis,
            that axis is left to the caller.
        look: Whether to look for pages of a set that cannot be given.

    Raises:
        FileError: The file is damaged, or stores what we cannot read.
    """
    with readable(path), _overheard() as messages, opened_files() as files, open_tiff(path) as tif:
        pictures = find_pictures(path, tif, files, look=look)
        cut_off = [text for text in messages if "invalid page offset" in text]
        if cut_off:
            raise FileError(
                f"{path}: cut off: it holds fewer pages than it says ({cut_off[0]}). "
                "Copy it again from its source."
            )
        if len(pictures) > 1:
            check_series(path, series, len(pictures))
        picture = pictures[series if len(pictures) > 1 else 0]
        _check(path, picture.key)
        key_axes = picture.key.axes
        samples = picture.key.shape[key_axes.index("S")] if "S" in key_axes else 0
        how = photometric.kind(picture.key, samples=samples)
        names = tuple(one.name for one in pictures)
        yield OpenTiff(path, tif, picture, names, how, messages, series)


def _check(path: Path, page: tifffile.TiffPage) -> None:
    if page.dtype is None or page.dtype.kind not in "buif":
        raise FileError(
            f"{path}: its values are {page.dtype or 'of an unknown type'}; integers and real "
            "numbers are read. Convert it in Fiji (Image > Type)."
        )
    check_size(path, height=page.imagelength, width=page.imagewidth, piece=piece_size(page))
    check_page(path_of(page), page)


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Collect what tifffile logs, which would else go to the terminal, unseen by our caller."""
    messages: list[str] = []
    here = threading.get_ident()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == here:  # another thread may be reading another file
                messages.append(record.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("tifffile")
    logger.addHandler(listener)
    try:
        yield messages
    finally:
        logger.removeHandler(listener)


def pixels(
    file: OpenTiff,
    *,
    axes: str,
    index: Mapping[str, int],
    rows: slice | None = None,
    columns: slice | None = None,
) -> NDArray[Any]:
    """Read one picture as it is meant to be seen, or a part of it.

    Args:
        file: An open file.
        axes: Letters of its dimensions in the order in which they are stored.
        index: Which time, depth and channel; 0 for an axis that is not named.
        rows: With both ends, inside the picture; None: all.
        columns: Likewise.

    Returns:
        (H, W) or (H, W, 3), in the machine's byte order.
    """
    stored = plane(file, axes=axes, index=index, rows=rows, columns=columns)
    # Samples that --axes called channels are numbers as they are.
    is_shown = "S" in axes or file.how in ("inverted", "palette", "grey palette")
    is_shown |= file.is_inverted
    if not is_shown:
        return stored
    top = greatest(file) if stored.dtype.kind == "f" and file.is_inverted else None
    return photometric.show(stored, file.page, how=file.how, top=top)


def greatest(file: OpenTiff) -> float:
    """The greatest finite number in all pages of an image; 0 where there is none.

    All of it is read for that, in bands of rows, once.
    """
    stat = file.path.stat()
    return _greatest(file.path, file.series, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _greatest(path: Path, series: int, size: int, time: int) -> float:
    del size, time
    with opened(path, series) as file:
        lengths = dict(zip(file.axes, file.shape_as_seen, strict=True))
        outer = file.axes[: len(file.axes) - len(file.page.shape)]
        n_rows = max(1, BAND_PX // lengths["X"])
        tops = [
            _finite_max(
                plane(
                    file,
                    axes=file.axes,
                    index=dict(zip(outer, place, strict=True)),
                    rows=slice(row, min(row + n_rows, lengths["Y"])),
                    columns=slice(0, lengths["X"]),
                ),
                how=file.how,
            )
            for number, place in enumerate(np.ndindex(*(lengths[axis] for axis in outer)))
            if number not in file.picture.gaps
            for row in range(0, lengths["Y"], n_rows)
        ]
    top = max(tops, default=-math.inf)
    return top if math.isfinite(top) else 0.0


def _finite_max(values: NDArray[Any], *, how: str) -> float:
    values = values[..., 0] if how == "grey+alpha" else values
    return float(np.max(values, initial=-np.inf, where=np.isfinite(values)))


def plane(
    file: OpenTiff,
    *,
    axes: str,
    index: Mapping[str, int],
    rows: slice | None = None,
    columns: slice | None = None,
) -> NDArray[Any]:
    """The numbers of one picture, (H, W) or (H, W, S): those of a mask, a colour table's entries.

    It is upright, and else as stored.

    Which of 0 and 1 is white differs between programs, and is a matter of display alone.
    """
    n_outer = len(axes) - len(file.page.shape)
    if _is_moved(file, axes):
        picture = _across(file, axes=axes, index=index, rows=rows, columns=columns)
        return _native(picture)
    place = [index.get(axis, 0) for axis in axes[:n_outer]]
    number = int(np.ravel_multi_index(place, file.shape[:n_outer])) if place else 0
    inner = axes[n_outer:]
    if rows is None or columns is None:
        page = _page(file, number)
    else:
        lengths = dict(zip(axes, file.shape_as_seen, strict=True))
        seen = (lengths["Y"], lengths["X"])
        rows, columns = orientation.window_as_stored(
            rows, columns, shape=seen, orientation=file.orientation
        )
        page, index = _window(file, number, inner=inner, index=index, rows=rows, columns=columns)
    window = tuple(slice(None) if axis in "YXS" else index.get(axis, 0) for axis in inner)
    kept = [axis for axis in inner if axis in "YXS"]
    picture = page[window].transpose([kept.index(axis) for axis in "YXS" if axis in kept])
    return _native(orientation.turned(picture, file.orientation))


def _native(picture: NDArray[Any]) -> NDArray[Any]:
    native = picture.astype(picture.dtype.newbyteorder("="), copy=False)
    return native.astype(np.uint8) if native.dtype == np.bool_ else native


def _is_moved(file: OpenTiff, axes: str) -> bool:
    """Whether rows, columns or samples are not where the pages have them."""
    inner = axes[len(axes) - len(file.page.shape) :]
    stay = all(inner.find(axis) == file.page.axes.find(axis) for axis in "YX")
    return not stay or ("S" in axes and "S" not in inner)


def _across(
    file: OpenTiff,
    *,
    axes: str,
    index: Mapping[str, int],
    rows: slice | None,
    columns: slice | None,
) -> NDArray[Any]:
    """A picture whose rows, columns or samples lie in several pages: (H, W) or (H, W, S)."""
    lengths = dict(zip(axes, file.shape, strict=True))
    parts = {"Y": rows or slice(0, lengths["Y"]), "X": columns or slice(0, lengths["X"])}
    parts["S"] = slice(0, min(3, lengths.get("S", 0)))
    n_outer = len(axes) - len(file.page.shape)
    outer, inner = axes[:n_outer], axes[n_outer:]
    spans = [
        range(parts[a].start, parts[a].stop) if a in "YXS" else [index.get(a, 0)] for a in outer
    ]
    window = tuple(parts[axis] if axis in "YXS" else index.get(axis, 0) for axis in inner)
    numbers = [
        int(np.ravel_multi_index(place, file.shape[:n_outer]))
        for place in itertools.product(*spans)
    ]
    pages = np.stack([_page(file, number)[window] for number in numbers])
    sides = [len(span) for axis, span in zip(outer, spans, strict=True) if axis in "YXS"]
    kept = [axis for axis in axes if axis in "YXS"]
    picture = pages.reshape(*sides, *pages.shape[1:])
    return picture.transpose([kept.index(axis) for axis in "YXS" if axis in kept])


def _page(file: OpenTiff, number: int) -> NDArray[Any]:
    """One page, in its own shape."""
    page = _find_page(file, number)
    shape = file.page.shape
    if page is not None:
        with _open_again(page):
            return np.asarray(page.asarray()).reshape(shape)
    return _behind(file, number, window=tuple(slice(None) for _ in shape))


@contextmanager
def _open_again(page: Any) -> Iterator[None]:
    """Open the file of a page, where tifffile has closed it: of an NDTiff all but one."""
    handle = page.parent.filehandle
    is_closed = handle.closed
    if is_closed:
        handle.open()
    try:
        yield
    finally:
        if is_closed:
            handle.close()


def _window(
    file: OpenTiff,
    number: int,
    *,
    inner: str,
    index: Mapping[str, int],
    rows: slice,
    columns: slice,
) -> tuple[NDArray[Any], Mapping[str, int]]:
    """Rows and columns of a page, and which of its channels to take of what was read."""
    parts = {"Y": rows, "X": columns}
    page = _find_page(file, number)
    if page is None:
        return _behind(file, number, window=tuple(parts.get(a, slice(None)) for a in inner)), index
    lengths = dict(zip(inner, file.page.shape, strict=True))
    lengths |= {axis: part.stop - part.start for axis, part in parts.items()}
    chosen = None
    if page.shaped[0] > 1 and inner[0] not in "YXS":  # planes that are channels or times
        chosen = index.get(inner[0], 0)
        lengths[inner[0]], index = 1, {**index, inner[0]: 0}
    window = read_window(path_of(page), page, rows=rows, columns=columns, plane=chosen)
    return window.reshape(tuple(lengths.values())), index


def _find_page(file: OpenTiff, number: int) -> Any:
    """A page or frame of tifffile's; None where all pages share the header of the first."""
    page = file.picture.find(number)
    if page is None and (number in file.picture.gaps or not file.picture.offset):
        why = file.picture.gaps.get(number, "it is missing from the file")
        n_pages = file.picture.n_pages
        raise FileError(
            f"{file.path}: page {number + 1} of {n_pages}: {why}. Copy it again from its source."
        )
    if page is not None and tuple(page.shape) != tuple(file.page.shape):
        raise FileError(
            f"{path_of(page)}: page {number + 1} is {describe(page.shape)}, where the first is "
            f"{describe(file.page.shape)}. Save it as a file of its own."
        )
    return page


def _behind(file: OpenTiff, number: int, *, window: tuple[slice, ...]) -> NDArray[Any]:
    """A page without a header: beyond 4 GB ImageJ writes one, and all pages behind each other."""
    shape, dtype = file.page.shape, np.dtype(file.page.dtype)
    start = (file.picture.offset) + number * int(np.prod(shape)) * dtype.itemsize
    stored = dtype.newbyteorder(file.tif.byteorder)
    return read_plain(file.path, stored, shape=shape, offset=start, window=window)
