"""two or three channels of a file → one picture in colours, each channel by its own range.

Whole cells in fluorescence: a stain of the cytoplasm and one of the nuclei, seen together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError
from coverslip.io.header import ImageFile, channel_number
from coverslip.value_range import find_range, sample_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Window = Callable[[Mapping[str, int], slice, slice], NDArray[Any]]

PLUS = "+"  # between the names of channels that are read together
COLOURS = ("red", "green", "blue")
TOP = 65_535
PERCENTILES = (1.0, 99.8)
# A frame's range is taken of all of it, or of so many bands of so many rows where it is larger.
WHOLE_PX, BANDS, BAND_ROWS = 4_000_000, 16, 64


def is_together(channel: int | str | None) -> bool:
    """Whether several channels are named: ``1+0``, ``actin+dapi``."""
    return isinstance(channel, str) and PLUS in channel.strip(PLUS)


def find_together(file: ImageFile, channel: int | str | None) -> tuple[int, ...]:
    """The numbers of the channels that are named together; none where one alone is meant.

    A channel whose own name has a plus sign in it is one alone.

    Raises:
        FileError: no such channel, one named twice, or more than three.
    """
    if not is_together(channel):
        return ()
    named = str(channel)
    try:
        channel_number(file, named)
    except FileError:
        pass
    else:
        return ()
    numbers = tuple(channel_number(file, part) for part in named.split(PLUS))
    if len(set(numbers)) < len(numbers) or len(numbers) > len(COLOURS):
        raise FileError(
            f"{file.path}: --channel {named}: wanted two or three channels, each once, such as 0+1."
        )
    return numbers


def put_together(file: ImageFile, numbers: Sequence[int]) -> ImageFile:
    """Have channels read as one picture in colours, the first as red, then green and blue.

    Each is stretched by its own range first, so that a dim channel counts as much as a bright one.

    Args:
        file: of several grey channels.
        numbers: two or three of them.

    Returns:
        A file of one channel, with samples; `ImageFile.apart` is the one with its channels apart.
    """
    kept = [(a, n) for a, n in zip(file.axes, file.shape, strict=True) if a not in "CS"]
    names = dict(enumerate(file.channel_names))
    called = [names.get(number) or f"channel {number}" for number in numbers]
    colours = ", ".join(
        f"{name} as {colour}" for name, colour in zip(called, COLOURS, strict=False)
    )
    return replace(
        file,
        axes="".join(axis for axis, _ in kept) + "S",
        shape=(*(length for _, length in kept), 3),
        dtype=np.dtype(np.uint16),
        bit_depth=16,
        channel_names=(" + ".join(called),),
        notes=(*file.notes, f"channels read together, each by its own range: {colours}"),
        gaps=_gaps_of(file, numbers),
        together=tuple(numbers),
        apart=file,
    )


def _gaps_of(file: ImageFile, numbers: Sequence[int]) -> dict[tuple[int, int, int], str]:
    """A frame is missing where one of its channels is."""
    return {(t, z, 0): why for (t, z, c), why in file.gaps.items() if c in numbers}


def read_together(file: ImageFile, read: Window) -> Window:
    """A function that reads parts of the picture in colours, from one that reads single channels.

    Args:
        file: of `put_together`.
        read: of the file with its channels apart.
    """
    ranges: dict[tuple[int, int, int], tuple[float, float]] = {}

    def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
        size = rows.stop - rows.start, columns.stop - columns.start
        picture = np.zeros((*size, 3), np.uint16)
        for place, number in enumerate(file.together):
            own = {**index, "C": number}
            key = index.get("T", 0), _depth_of(file, index), number
            if key not in ranges:
                ranges[key] = _range_of(file, read, {**own, "Z": key[1]})
            picture[..., place] = _to_uint16(read(own, rows, columns), *ranges[key])
        return picture

    return window


def _depth_of(file: ImageFile, index: Mapping[str, int]) -> int:
    """The depth that the range is taken of: of a projection, one for all."""
    if file.projection is None:
        return index.get("Z", 0)
    return file.projection.depths[len(file.projection.depths) // 2]


def _range_of(file: ImageFile, read: Window, index: Mapping[str, int]) -> tuple[float, float]:
    """What becomes black and what white of a channel of a frame."""
    height, width = file.frame_shape
    bands = [slice(0, height)]
    if height * width > WHOLE_PX:
        starts = np.linspace(0, max(0, height - BAND_ROWS), BANDS).astype(int)
        bands = [slice(start, min(start + BAND_ROWS, height)) for start in starts.tolist()]
    parts = [_finite(read(index, band, slice(0, width))) for band in bands]
    step = max(1, sum(part.size for part in parts) // 1_000_000)
    pairs = [sample_pairs(part, 0, step) for part in parts]
    values, following = (np.concatenate(one) for one in zip(*pairs, strict=True))
    found = find_range(values, following, percentiles=PERCENTILES)
    if found.low >= found.high:
        return float(values.min()), float(values.max())
    return found.low, found.high


def _finite(picture: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.nan_to_num(picture)) if picture.dtype.kind == "f" else picture


def _to_uint16(picture: NDArray[Any], low: float, high: float) -> NDArray[np.uint16]:
    if low >= high:
        return np.zeros(picture.shape, np.uint16)
    share = np.clip((_finite(picture).astype(np.float64) - low) / (high - low), 0, 1)
    return np.asarray(np.rint(TOP * share), np.uint16)
