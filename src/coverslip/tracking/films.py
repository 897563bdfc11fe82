"""label files of a time-lapse, in any form → its frames, each read when it is asked for."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from coverslip.errors import DataError
from coverslip.io import (
    find_label_files,
    open_image,
    open_label_file,
    open_label_frames,
    read_checked,
    stem,
)
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# At most this many times as many frames may be missing, by the numbers in the names, as are there.
MOSTLY_THERE = 1


@dataclass(frozen=True, eq=False)
class Film:
    """A time-lapse of labels, one file of many frames or many files of one.

    Attributes:
        name: Of the film: what its results are called by.
        files: One; or one a frame, None where the numbers in the names say that one is missing.
        n_frames: Frames, the missing ones among them.
        size: Height and width, pixels.
        pixel_size_um: Height and width of a pixel, where the file says it.
        frame_interval_s: From a frame to the next, where the file says it.
        notes: What was decided in opening it, a sentence each.
        are_masks: Whether the connected pieces of a frame are its cells, whatever their numbers.
    """

    name: str
    files: tuple[Path | None, ...]
    n_frames: int
    size: tuple[int, int]
    pixel_size_um: tuple[float, float] | None = None
    frame_interval_s: float | None = None
    notes: tuple[str, ...] = ()
    are_masks: bool = False
    _open: ExitStack = field(default_factory=ExitStack, repr=False)

    def __len__(self) -> int:
        """How many frames there are."""
        return self.n_frames

    def __getitem__(self, frame: int) -> NDArray[Any]:
        """Read the labels of a frame, from 0; a missing one has no cell."""
        labels = self._read_frame(frame)
        return mask_to_labels(labels > 0) if self.are_masks else labels

    def _read_frame(self, frame: int) -> NDArray[Any]:
        if not 0 <= frame < self.n_frames:
            raise IndexError(frame)
        if len(self.files) == 1 and self.n_frames > 1:
            height, width = self.size
            labels: NDArray[Any] = self._read(frame, (slice(0, height), slice(0, width)))
            return labels
        path = self.files[frame]
        if path is None:
            return np.zeros(self.size, dtype=np.uint8)
        labels = read_checked(path).labels
        if labels.shape != self.size:
            came, wanted = ("{} × {}".format(*s) for s in (labels.shape[-2:], self.size))
            raise DataError(
                f"{path}: {came} pixels, where the film's first frame has {wanted}: wanted one "
                "size for all frames. Track frames of another size on their own."
            )
        return labels

    @cached_property
    def _read(self) -> Any:
        path = self.files[0]
        assert path is not None
        return self._open.enter_context(open_label_frames(path, whole=True))

    def __enter__(self) -> Self:
        """Hold the file open until the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self._open.close()


def open_films(sources: Iterable[Path]) -> list[Film]:
    """Open the time-lapses that files and folders hold.

    A file of several frames is a film. Files of one frame that lie in one folder are one, in the
    natural order of their names; where a number in the names runs through them, gaps in it are
    missing frames.

    Args:
        sources: Label files of any tool, OME-Zarrs, folders of them, Cell Tracking Challenge
            folders of masks.

    Raises:
        FileError: A source that is not there, or without labels.
        DataError: Frames over depths.
    """
    films: list[Film] = []
    singles: dict[Path, list[Path]] = {}
    for path in find_label_files(sources):
        file = open_label_file(path)
        if "Z" in file.axes and file.length("Z") > 1:
            raise DataError(
                f"{path}: {file.length('Z')} depths: wanted a time-lapse of flat frames. If the "
                "depths are times, save the labels with T for that axis."
            )
        if file.n_frames > 1:
            films.append(_one_file(path))
        else:
            singles.setdefault(path.parent, []).append(path)
    films += [open_frames(folder.resolve().name, files) for folder, files in singles.items()]
    return films


def _one_file(path: Path) -> Film:
    file = open_label_file(path)
    return Film(
        name=stem(path),
        files=(path,),
        n_frames=file.n_frames,
        size=file.frame_shape,
        pixel_size_um=file.pixel_size_um,
        frame_interval_s=file.frame_interval_s,
    )


def open_frames(name: str, files: Sequence[Path]) -> Film:
    """Open label files that are one time-lapse, a frame each.

    Args:
        name: Of the film.
        files: In the order of time. Where a number in their names counts them, gaps in it are
            missing frames.

    Raises:
        FileError: The first one cannot be read.
    """
    first = open_image(files[0])
    times = find_times([stem(path) for path in files])
    frames: list[Path | None] = [None] * (max(times) + 1)
    for time, path in zip(times, files, strict=True):
        frames[time] = path
    notes = []
    if len(frames) > 1:
        notes.append(f"{len(files)} files, from {files[0].name} to {files[-1].name}, are one film")
    missing = [time for time, path in enumerate(frames) if path is None]
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
        notes.append(
            f"by the numbers in the names {len(missing)} frames are missing (counted from 0: "
            f"{shown}); cells are followed across up to --max-gap of them"
        )
    return Film(
        name=name or "film",
        files=tuple(frames),
        n_frames=len(frames),
        size=first.frame_shape,
        pixel_size_um=first.pixel_size_um,
        notes=tuple(notes),
    )


def find_times(names: Sequence[str]) -> list[int]:
    """Tell which frame each file is, by the number that counts them.

    Args:
        names: Of the files, in their natural order.

    Returns:
        A frame from 0 for each, ascending; just 0, 1, 2 … where no number counts the files, or
        where more would be missing than are there.

    Example:
        >>> find_times(["t005", "t010", "t020"])
        [0, 1, 3]
        >>> find_times(["left", "right"])
        [0, 1]
    """
    plain = list(range(len(names)))
    parts = [re.split(r"(\d+)", name) for name in names]
    if len(names) < 2 or len({len(one) for one in parts}) > 1:
        return plain
    varying = [n for n in range(len(parts[0])) if len({one[n] for one in parts}) > 1]
    if len(varying) != 1 or varying[0] % 2 == 0:
        return plain
    numbers = [int(one[varying[0]]) for one in parts]
    steps = np.diff(numbers)
    if steps.min() <= 0:
        return plain
    step = gcd(*steps.tolist())
    times = [(number - numbers[0]) // step for number in numbers]
    return times if times[-1] + 1 <= (1 + MOSTLY_THERE) * len(names) else plain
