"""TIFF → its pages; a page is the most that is ever read at once."""

import logging
import math
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from coverslip.errors import FileError
from coverslip.io.axes import describe
from coverslip.io.formats import orientation, photometric
from coverslip.io.formats.guard import check_page, check_pictures, check_size, readable
from coverslip.io.formats.tiff_window import piece_size, read_plain, read_window

UNNAMED = "IQ"  # tifffile's letters for "a sequence of pages" and "something"


@dataclass(frozen=True)
class OpenTiff:
    """A TIFF that is open, and the one series of pages in it that we read.

    Attributes:
        path: The file.
        tif: tifffile's handle.
        series: Its first series.
        axes: Letters of the dimensions as stored; "?" for one without a name.
        how: What its samples are, see `colour.kind`.
        messages: What tifffile had to say about the file.
    """

    path: Path
    tif: tifffile.TiffFile
    series: tifffile.TiffPageSeries
    axes: str
    how: str
    messages: list[str]

    @property
    def page(self) -> tifffile.TiffPage:
        """The page that stands for all pages of the series."""
        return self.series.keyframe

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension as stored."""
        return tuple(self.series.shape)

    @property
    def orientation(self) -> int:
        """How its pictures are to be turned, 1 to 8."""
        tag = self.page.tags.get(orientation.TAG)
        return orientation.known(tag.value) if tag is not None else 1

    @property
    def shape_as_seen(self) -> tuple[int, ...]:
        """Length of each stored dimension, once the pictures are turned."""
        lengths = dict(zip(self.axes, self.shape, strict=True))
        stored = (lengths["Y"], lengths["X"])
        seen = zip("YX", orientation.shape_as_seen(stored, self.orientation), strict=True)
        return tuple((lengths | dict(seen)).values())


@contextmanager
def opened(path: Path) -> Iterator[OpenTiff]:
    """Open a TIFF and read its headers, not its pixels.

    Raises:
        FileError: The file is damaged, or stores what we cannot read.
    """
    with readable(path), _overheard() as messages:
        with _pages_of_one_kind(path) as tif:
            series = tif.series[0]
            cut_off = [text for text in messages if "invalid page offset" in text]
            if cut_off:
                raise FileError(
                    f"{path}: cut off: it holds fewer pages than it says ({cut_off[0]}). "
                    "Copy it again from its source."
                )
            _check(path, series)
            axes = "".join("?" if axis in UNNAMED else axis for axis in series.axes)
            samples = series.shape[axes.index("S")] if "S" in axes else 0
            how = photometric.kind(series.keyframe, samples=samples)
            yield OpenTiff(path, tif, series, axes, how, messages)


@contextmanager
def _pages_of_one_kind(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF; pages that a loop wrote one by one with tifffile are taken as one series."""
    # _multifile: one file of an OME set would stand for the whole set, and each of a folder's files
    # would be read as often as there are files.
    with tifffile.TiffFile(path, _multifile=False) as tif:
        _check_ome_claim(path, tif)
        kinds = {(series.shape, series.dtype) for series in tif.series}
        if not (tif.is_shaped and len(tif.series) > 1 and len(kinds) == 1):
            yield tif
            return
    with tifffile.TiffFile(path, _multifile=False, is_shaped=False) as tif:
        yield tif


def _check_ome_claim(path: Path, tif: tifffile.TiffFile) -> None:
    """Refuse pictures that a file cannot hold, for which tifffile would lay out a list at once."""
    if not tif.is_ome:
        return
    for pixels_ in re.findall(r"<(?:\w+:)?Pixels\s[^>]*>", tif.ome_metadata or ""):
        lengths = re.findall(r"\sSize[ZCT]\s*=\s*[\"'](\d{1,19})[\"']", pixels_)
        check_pictures(path, math.prod(map(int, lengths)))


def _check(path: Path, series: tifffile.TiffPageSeries) -> None:
    page = series.keyframe
    if page.dtype is None or page.dtype.kind not in "buif":
        raise FileError(
            f"{path}: its values are {page.dtype or 'of an unknown type'}; integers and real "
            "numbers are read. Convert it in Fiji (Image > Type)."
        )
    check_size(path, height=page.imagelength, width=page.imagewidth, piece=piece_size(page))
    check_page(path, page)
    if tuple(series.shape[-len(page.shape) :]) != tuple(page.shape) or "Y" not in series.axes:
        raise FileError(
            f"{path}: its pages ({describe(page.shape)}) do not fit the shape in its metadata "
            f"({describe(series.shape)}). Open it in Fiji and save it as TIFF."
        )


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
    is_shown |= photometric.is_inverted(file.page, how=file.how)
    return photometric.show(stored, file.page, how=file.how) if is_shown else stored


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
    picture = orientation.turned(picture, file.orientation)
    native = picture.astype(picture.dtype.newbyteorder("="), copy=False)
    return native.astype(np.uint8) if native.dtype == np.bool_ else native


def _page(file: OpenTiff, number: int) -> NDArray[Any]:
    """One page, in its own shape."""
    page = _find_page(file, number)
    shape = file.page.shape
    if page is not None:
        return np.asarray(page.asarray()).reshape(shape)
    return _behind(file, number, window=tuple(slice(None) for _ in shape))


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
    window = read_window(file.path, page, rows=rows, columns=columns, plane=chosen)
    return window.reshape(tuple(lengths.values())), index


def _find_page(file: OpenTiff, number: int) -> Any:
    """A page or frame of tifffile's; None where all pages share the header of the first."""
    n_pages = int(np.prod(file.shape)) // int(np.prod(file.page.shape))
    if len(file.series) >= n_pages and not file.series.is_truncated:
        page = file.series[number]
        if page is None:
            raise FileError(
                f"{file.path}: page {number + 1} of {n_pages} is missing from the file. "
                "Copy it again from its source."
            )
        return page
    if file.series.dataoffset is None:
        raise FileError(
            f"{file.path}: {n_pages} pages are promised, {len(file.series)} are there. "
            "Copy it again from its source."
        )
    return None


def _behind(file: OpenTiff, number: int, *, window: tuple[slice, ...]) -> NDArray[Any]:
    """A page without a header: beyond 4 GB ImageJ writes one, and all pages behind each other."""
    shape, dtype = file.page.shape, np.dtype(file.page.dtype)
    start = (file.series.dataoffset or 0) + number * int(np.prod(shape)) * dtype.itemsize
    stored = dtype.newbyteorder(file.tif.byteorder)
    return read_plain(file.path, stored, shape=shape, offset=start, window=window)
