"""one frame of an image file → its regions, each read when it is asked for.

What a region costs: of a tiled TIFF its tiles, of one in strips the strips that it touches, of an
uncompressed one or an ND2 its own pixels, of a Zarr its chunks, of a CZI its blocks. PNG, JPEG and
BMP, and an ND2 that is compressed, have no parts; they are read whole once, and kept.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError
from coverslip.io.formats.guard import readable
from coverslip.io.projection import combine
from coverslip.io.windows import Window, check_there, find_places, open_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io.header import ImageFile

WALK_PX = 2048  # side of the pieces in which a frame is looked through for its extremes


@dataclass(frozen=True)
class FrameReader:
    """One frame of a file that is open.

    Attributes:
        shape: Height and width in px.
        dtype: Type of the values.
        read: Takes the rows and the columns wanted, and gives (h, w) or (h, w, 3): the numbers of
            `read_frame(file, frame, channel=channel)[rows, columns]`. Any thread may call it; two
            that do so wait for each other.

    Example:
        >>> import coverslip
        >>> with coverslip.open_frame(coverslip.open_image("examples/phase/t98g_film.tif")) as one:
        ...     print(one.read(slice(0, 5), slice(0, 7)).shape)
        (5, 7)
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    read: Callable[[slice, slice], NDArray[Any]]


@contextmanager
def open_frame(
    file: ImageFile,
    frame: int = 0,
    *,
    channel: int = 0,
    tell: Callable[[str], None] | None = None,
) -> Iterator[FrameReader]:
    """Open a frame of any size, to read it region by region.

    NaN and Inf are replaced as `read_frame` does, by the least and the greatest finite value of the
    whole frame. Where a region has some, the frame is looked through once, piece by piece, to find
    these; a frame without a finite value is refused then and not before.

    Args:
        file: From `open_image`, or `project`.
        frame: From 0; times are the slow axis, depths the fast one.
        channel: From 0; a colour picture is one channel.
        tell: Called with a sentence for what only the pixels show.

    Yields:
        What reads its regions, as long as the block runs.

    Raises:
        FileError: The file is damaged, or has no such frame or channel; so does `read`.

    Example:
        >>> import coverslip
        >>> film = coverslip.open_image("examples/phase/t98g_film.tif")
        >>> with coverslip.open_frame(film) as frame:
        ...     print(frame.read(slice(10, 20), slice(30, 70)).shape)
        (10, 40)
    """
    check_there(file, channel)
    places = find_places(file, frame, channel=channel)
    # What goes wrong within the block is the caller's, and must not come out as a damaged file:
    # so the file is closed here, and is not told of it.
    opened = ExitStack()
    window = opened.enter_context(open_windows(file))
    read_finite = _make_finite(file, window, tell=tell)
    lock = threading.Lock()
    height, width = file.frame_shape

    def read(rows: slice, columns: slice) -> NDArray[Any]:
        inside = _inside(rows, height), _inside(columns, width)
        with lock, readable(file.path):
            pictures = (read_finite(place, *inside) for place in places)
            if file.projection is None:
                return next(pictures)
            return combine(pictures, file.projection)

    try:
        yield FrameReader((height, width), file.dtype, read)
    finally:
        opened.close()


def _inside(wanted: slice, length: int) -> slice:
    """The same part as numpy takes, with both ends, and not empty backwards."""
    start, stop, step = wanted.indices(length)
    if step != 1:
        raise ValueError(f"a region of every {step}. row or column; wanted all between two")
    return slice(start, max(start, stop))


def _make_finite(
    file: ImageFile, window: Window, *, tell: Callable[[str], None] | None
) -> Callable[[dict[str, int], slice, slice], NDArray[Any]]:
    known: dict[tuple[int, ...], Extremes] = {}

    def read(place: dict[str, int], rows: slice, columns: slice) -> NDArray[Any]:
        if rows.start == rows.stop or columns.start == columns.stop:
            corner = window(place, slice(0, 1), slice(0, 1))
            size = rows.stop - rows.start, columns.stop - columns.start
            return np.empty((*size, *corner.shape[2:]), corner.dtype)
        picture = window(place, rows, columns)
        if is_finite(picture):
            return picture
        key = tuple(place.values())
        if key not in known:
            pieces = (window(place, *piece) for piece in _walk(file.frame_shape))
            known[key] = find_extremes(file.path, pieces)
            say_bad(known[key], tell)
        return replace_bad(picture, known[key])

    return read


def _walk(shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    height, width = shape
    for top in range(0, height, WALK_PX):
        for left in range(0, width, WALK_PX):
            yield (
                slice(top, min(top + WALK_PX, height)),
                slice(left, min(left + WALK_PX, width)),
            )


@dataclass(frozen=True)
class Extremes:
    """What the finite values of a frame lie between, and how many others it has."""

    low: Any
    high: Any
    n_bad: int


def is_finite(picture: NDArray[Any]) -> bool:
    """Whether every value is finite, as those of integers are."""
    return picture.dtype.kind != "f" or bool(np.isfinite(picture).all())


def find_extremes(path: Path, pieces: Iterable[NDArray[Any]]) -> Extremes:
    """Look at a frame, piece by piece.

    Raises:
        FileError: It has no finite value.
    """
    lows, highs, n_bad = [], [], 0
    for piece in pieces:
        good = piece[np.isfinite(piece)]
        n_bad += piece.size - good.size
        if good.size:
            lows.append(good.min())
            highs.append(good.max())
    if not lows:
        raise FileError(f"{path}: holds nothing but NaN and Inf. Export the image again.")
    return Extremes(min(lows), max(highs), n_bad)


def replace_bad(picture: NDArray[Any], extremes: Extremes) -> NDArray[Any]:
    """NaN and -Inf become the least finite value of the frame, +Inf the greatest."""
    low, high = extremes.low, extremes.high
    return np.asarray(np.nan_to_num(picture, nan=low, posinf=high, neginf=low))


def say_bad(extremes: Extremes, tell: Callable[[str], None] | None) -> None:
    """Tell the user that values were replaced."""
    if tell is not None:
        tell(
            f"{extremes.n_bad} values that were NaN or Inf were replaced by {extremes.low:g} and "
            f"{extremes.high:g}"
        )
