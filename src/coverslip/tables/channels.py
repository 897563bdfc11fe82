"""image file → its frames, with all their channels by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from coverslip.files import read_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from coverslip.files import ImageFile


def read_channels(
    file: ImageFile,
    frames: Sequence[int] | None = None,
    *,
    tell: Callable[[str], None] | None = None,
) -> Iterator[NDArray[Any] | dict[str, NDArray[Any]]]:
    """Read frames, one at a time, as `coverslip.measure.measure` takes them.

    Args:
        file: an opened image file.
        frames: which, from 0; all where none are named.
        tell: as for `coverslip.files.read_frame`.

    Yields:
        (H, W) or (H, W, 3) of a file of one channel; else each channel by its name.

    Raises:
        FileError: a frame is damaged, not there or without any finite value.
    """
    if file.n_channels == 1:
        yield from read_frames(file, frames, tell=tell)
        return
    channels = range(file.n_channels)
    readers = [read_frames(file, frames, channel=n, tell=tell) for n in channels]
    for pictures in zip(*readers, strict=True):
        yield dict(zip(channel_names(file), pictures, strict=True))


def channel_names(file: ImageFile) -> list[str]:
    """What the file calls its channels, as a part of a column's name; c0, c1 … without names.

    What is no letter or digit becomes _, as in Alexa_488_em_519.
    """
    names = [re.sub(r"\W+", "_", name).strip("_") for name in file.channel_names]
    if len(names) == file.n_channels == len(set(names)) and all(names):
        return names
    return [f"c{number}" for number in range(file.n_channels)]
