"""which channel, depths and axes are meant → an opened image file, its channel, and words for both.

A file of several channels, z-slices or dimensions without names leaves open which picture is meant.
What the user says of it, and what a model has learnt, is settled here for every verb.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coverslip.errors import FileError
from coverslip.io.header import ImageFile, channel_number
from coverslip.io.projection import check_projection, project
from coverslip.io.read import channel_notes, open_image
from coverslip.io.together import find_together, put_together

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Reading:
    """Which picture of a file is meant.

    Attributes:
        channel: Its number from 0, or its name; two or three together with a plus sign, as 1+0;
            None: the one that was learnt, or the first.
        axes: One letter for each dimension, as for `open_image`; None: as the file says.
        project: How depths (Z) become one picture, see `project`.
        learnt: The channel that the model has learnt, where the user names none.

    Raises:
        SettingsError: No known projection.

    Example:
        >>> import coverslip
        >>> reading = coverslip.Reading(channel="dapi", project="max")
        >>> reading.axes is None
        True
    """

    channel: int | str | None = None  # most files have one
    axes: str | None = None  # the file knows
    project: str = "none"  # each depth is a picture
    learnt: int | str | None = None

    def __post_init__(self) -> None:
        """Refuse a projection that cannot be, before a file is opened."""
        check_projection(self.project)

    @property
    def is_plain(self) -> bool:
        """Whether all is left to the file."""
        return self == Reading(learnt=self.learnt)


def dict_to_reading(values: Mapping[str, Any]) -> Reading:
    """The inverse of `dataclasses.asdict`; what is missing is left to the file."""
    return Reading(**values)


def open_reading(path: str | Path, reading: Reading) -> ImageFile:
    """Open an image file as it is meant; its notes say which channel is read.

    Raises:
        FileError: It cannot be read, or has no such channel.
        SettingsError: The package for its format is missing, or there are fewer depths.

    Example:
        >>> file = open_reading("examples/nuclei/fluorescence_culture.png", Reading())
        >>> file.axes, find_channel(file, Reading())
        ('YX', 0)
    """
    file = project(open_image(path, axes=reading.axes), reading.project)
    together = channels_together(file, reading)
    return put_together(file, together) if together else say_channel(file, reading)


def channels_together(file: ImageFile, reading: Reading) -> tuple[int, ...]:
    """The channels that are read as one picture; none where one alone is.

    Raises:
        FileError: the user named one that the file has not.
    """
    if reading.channel is not None:
        return find_together(file, reading.channel)
    try:
        return find_together(file, reading.learnt)
    except FileError:  # the file is not like those that the model has learnt, which is said
        return ()


def find_channel(file: ImageFile, reading: Reading) -> int:
    """The number of the channel that is meant.

    Raises:
        FileError: The file has no channel that the user named.
    """
    if file.together:
        return 0
    if reading.channel is not None:
        return channel_number(file, reading.channel)
    if reading.learnt is None or file.n_channels == 1:
        return 0
    try:
        return channel_number(file, reading.learnt)
    except FileError:
        return 0


def say_channel(file: ImageFile, reading: Reading) -> ImageFile:
    """The same file, with the note on its channels true of what is read.

    Raises:
        FileError: The file has no channel that the user named.
    """
    number = find_channel(file, reading)
    if file.n_channels == 1 or (reading.channel is None and reading.learnt is None):
        return file
    names = dict(enumerate(file.channel_names))
    which = f"channel {number}" + (f" ({names[number]})" if names.get(number) else "")
    start = f"it has {file.n_channels} channels; "
    if reading.channel is not None:
        note = f"{start}{which} is read, as asked for"
    elif has_channel(file, reading.learnt):
        note = f"{start}{which} is read, which the model has learnt; --channel names another"
    else:
        note = (
            f"{start}none is {reading.learnt}, which the model has learnt: the first is read "
            "unless another is named"
        )
    usual = channel_notes(file.axes, file.shape)
    kept = [one for one in file.notes if one not in usual]
    return replace(file, notes=(*kept, note))


def has_channel(file: ImageFile, channel: int | str | None) -> bool:
    """Whether a file has a channel of that number or name."""
    try:
        return channel is not None and channel_number(file, channel) >= 0
    except FileError:
        return False
