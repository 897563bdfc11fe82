"""image file → ImageFile: axes, channels and pixel size, before a pixel is read.

The metadata of a microscope image: time-lapse, z-stack, channels, pixel size, frame interval.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip._text import clean_name, printable
from coverslip.errors import FileError
from coverslip.io.formats.guard import split_series
from coverslip.io.formats.links import check_links, check_regular
from coverslip.io.formats.ome_set import members_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np


@dataclass(frozen=True)
class Projection:
    """How one picture is made of the depths of a stack.

    Attributes:
        how: "max", "mean", or "slice" where there is one depth.
        depths: Which, from 0.
    """

    how: str
    depths: tuple[int, ...]


@dataclass(frozen=True)
class ImageFile:
    """One image file, as its header describes it.

    Attributes:
        path: The file.
        axes: One letter per dimension, always in the order T, Z, C, Y, X, S: time, depth, channel,
            row, column, and the three colour samples red, green, blue.
        shape: Length of each axis, in px for Y and X.
        dtype: Type of the values, in the machine's byte order.
        bit_depth: Bits of a value that carry the signal; a 12-bit camera in a 16-bit file says 12
            where the metadata tell.
        pixel_size_um: Height and width of one pixel in µm, or None when the file has none to trust.
        channel_names: Names from the metadata, one per channel, or empty.
        frame_interval_s: Seconds between two frames, or None.
        notes: Every decision that was taken while reading the header, for the user to see.
        stored_axes: The dimensions in the order in which the file stores them.
        projection: How its depths were made one picture, see `project`; `axes` has no Z then.
        series: Which of the images of its file it is, from 0.
        position: Which stage position, of a file that has them as an axis.
        gaps: Why there is no picture of a time, depth and channel, each from 0; its frame is read
            as 0 everywhere.
        slice_distance_um: From a depth to the next in µm, or None.
        together: Which channels are read as one picture in colours, see `put_together`.
        apart: The file with these channels apart; None where they are.

    Example:
        >>> import coverslip
        >>> film = coverslip.open_image("examples/phase/t98g_film.tif")
        >>> film.length("T"), film.frame_axes
        (6, 'T')
    """

    path: Path
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bit_depth: int
    pixel_size_um: tuple[float, float] | None
    channel_names: tuple[str, ...]
    frame_interval_s: float | None
    notes: tuple[str, ...]
    stored_axes: str
    projection: Projection | None = None
    series: int = 0
    position: int = 0
    gaps: Mapping[tuple[int, int, int], str] = field(default_factory=dict, hash=False)
    slice_distance_um: float | None = None
    together: tuple[int, ...] = ()
    apart: ImageFile | None = None

    @property
    def source(self) -> Path:
        """The file or folder on the disk; `path` may name an image in it, film.nd2/1."""
        return split_series(self.path)[0]

    def length(self, axis: str) -> int:
        """Length of an axis, 1 where the file does not have it."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def n_frames(self) -> int:
        """Number of 2-D pictures of one channel: times T × depths Z."""
        return self.length("T") * self.length("Z")

    @property
    def n_channels(self) -> int:
        """Number of channels; the samples of a colour picture count as one."""
        return self.length("C")

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.length("Y"), self.length("X")

    @property
    def frame_axes(self) -> str:
        """The axes that the frames run over, slowest first: "", "T", "Z" or "TZ"."""
        return "".join(axis for axis in "TZ" if axis in self.axes)


@dataclass(frozen=True)
class Header:
    """What one file format's reader knows; `open_image` makes an ImageFile of it.

    Attributes:
        axes: One letter per dimension as the file stores them; "?" for one without a meaning.
        shape: Length of each of them.
        samples: What the values are: "grey", "rgb", "palette" (entries of a colour table, so that
            a picture without samples is seen in colour), "grey+alpha" and others.
        is_free: Whether `--axes` may say that any dimension is rows or columns.
        names: What the file calls its images, this one among them; one for each.
        gaps: Why there is no picture at a place along the dimensions before those of a page.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    bit_depth: int
    samples: str = "grey"
    pixel_size_um: tuple[float, float] | None = None
    channel_names: tuple[str, ...] = ()
    frame_interval_s: float | None = None
    notes: tuple[str, ...] = ()
    has_pages: bool = True
    is_free: bool = False
    names: tuple[str, ...] = ("",)
    gaps: Mapping[tuple[int, ...], str] = field(default_factory=dict)
    slice_distance_um: float | None = None


# From a tenth of an atom to a metre, and from a nanosecond to thirty years.
PIXEL_UM = (1e-5, 1e6)
INTERVAL_S = (1e-9, 1e9)


def be_wary(header: Header) -> Header:
    """Leave out of a header what cannot be, with a note, and make its texts printable."""
    notes = list(header.notes)
    size, interval = header.pixel_size_um, header.frame_interval_s
    depth = header.slice_distance_um
    if size is not None and not all(PIXEL_UM[0] <= side <= PIXEL_UM[1] for side in size):
        notes.append(f"its pixel size, {size[0]:.4g} × {size[1]:.4g} µm, cannot be and was ignored")
        size = None
    if interval is not None and not INTERVAL_S[0] <= interval <= INTERVAL_S[1]:
        notes.append(f"its time between frames, {interval:.4g} s, cannot be and was ignored")
        interval = None
    if depth is not None and not PIXEL_UM[0] <= depth <= PIXEL_UM[1]:
        notes.append(f"its distance between slices, {depth:.4g} µm, cannot be and was ignored")
        depth = None
    return replace(
        header,
        pixel_size_um=size,
        frame_interval_s=interval,
        slice_distance_um=depth,
        channel_names=tuple(map(clean_name, header.channel_names)),
        notes=tuple(map(printable, notes)),
    )


def channel_number(file: ImageFile, channel: int | str) -> int:
    """Find a channel of a file.

    Args:
        file: From `open_image`.
        channel: Its number, from 0, also as text, or its name in any case. Text that is a number
            of one of the channels is taken for that, all else for a name.

    Raises:
        FileError: No such channel; the message lists those that there are.

    Example:
        >>> import coverslip
        >>> from coverslip.io import channel_number
        >>> channel_number(coverslip.open_image("examples/phase/t98g_film.tif"), "0")
        0
    """
    text = str(channel).strip()
    if text.isdecimal() and int(text) < file.n_channels:
        return int(text)
    wanted = text.casefold()
    found = [n for n, name in enumerate(file.channel_names) if name.strip().casefold() == wanted]
    if len(found) == 1:
        return found[0]
    raise FileError(f"{file.path}: {_reason(text, file, found)}")


def _reason(text: str, file: ImageFile, found: list[int]) -> str:
    count = file.n_channels
    if found:
        numbers = ", ".join(map(str, found))
        return f"several channels are called {text}: name one by its number, {numbers}."
    if file.channel_names:
        names = ", ".join(f"{n} {name}" for n, name in enumerate(file.channel_names))
        return f"no channel {text}; it has {count}, counted from 0: {names}."
    return (
        f"no channel {text}; it has {count}, counted from 0, without names. Name one by its number."
    )


WHOLE = 64 * 2**20  # bytes; up to so many, all of them are read
BLOCK = 2**16
N_BLOCKS = 64  # of a larger file, evenly spaced, the first and the last among them
N_FILES = 16_384  # of a Zarr of more than WHOLE: as many of its files are looked into


def fingerprint(path: Path) -> list[int | str]:
    """Tell whether an image is the one that it was; to read 100 GB to see that would take hours.

    Returns:
        Up to 64 MB, size and SHA-256 of the content. Of more, the size, the time of change in ns
        and a hash of blocks, the first and the last among them. Of a Zarr, how many files there
        are, their bytes, the latest time if they are more than 64 MB, and a hash of their names and
        contents, or of names, sizes, times and blocks; `labels` in it are no part of the image, and
        may be written later. Of an OME-TIFF set, the same of all its files.

    Raises:
        OSError: It is not there, or may not be looked at.
        FileError: It is no file, or a Zarr with a link in it that leads outside of it.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import fingerprint
        >>> path = Path("examples/phase/t98g_film.tif")
        >>> fingerprint(path)[0] == path.stat().st_size
        True
    """
    path, series = split_series(path)
    check_regular(path)
    if path.is_dir():
        check_links(path)
        return _folder_state(path)
    others = [one for one in members_of(path) if one != path]
    state = [*_file_state(path), *(part for one in others for part in _file_state(one))]
    return state if series is None else [*state, f"image {series}"]


def _file_state(path: Path) -> list[int | str]:
    stat = path.stat()
    if stat.st_size <= WHOLE:
        return [stat.st_size, _hash_blocks(path, stat.st_size)]
    return [stat.st_size, stat.st_mtime_ns, _hash_blocks(path, stat.st_size)]


def _folder_state(path: Path) -> list[int | str]:
    files = [(str(one.relative_to(path)), one, one.stat()) for one in _files_in(path)]
    size = sum(stat.st_size for _, _, stat in files)
    latest = 0 if size <= WHOLE else max(stat.st_mtime_ns for _, _, stat in files)
    step = 1 if size <= WHOLE else -(-len(files) // N_FILES)
    whole = hashlib.sha256()
    for n, (name, one, stat) in enumerate(files):
        time = stat.st_mtime_ns if latest else 0
        whole.update(f"{name}\0{stat.st_size}\0{time}\0".encode(errors="surrogateescape"))
        if n % step == 0:
            n_blocks = 2 if latest else N_BLOCKS
            whole.update(_hash_blocks(one, stat.st_size, n_blocks=n_blocks).encode())
    return [size, latest, len(files), whole.hexdigest()]


def _files_in(path: Path) -> list[Path]:
    found: list[Path] = []
    for folder, inner, names in os.walk(path, onerror=_raise):
        if Path(folder) == path and "labels" in inner:
            inner.remove("labels")
        found += [Path(folder, name) for name in names]
    return sorted(found)


def _hash_blocks(path: Path, size: int, *, n_blocks: int = N_BLOCKS) -> str:
    """SHA-256 of a file, or of blocks of it where it is larger than what is read whole."""
    whole = hashlib.sha256()
    with path.open("rb") as stream:
        if size <= WHOLE and n_blocks == N_BLOCKS:
            while block := stream.read(16 * BLOCK):
                whole.update(block)
            return whole.hexdigest()
        last = max(0, size - BLOCK)
        for n in range(n_blocks):
            stream.seek(last * n // (n_blocks - 1))
            whole.update(stream.read(BLOCK))
    return whole.hexdigest()


def _raise(error: OSError) -> None:
    raise error
