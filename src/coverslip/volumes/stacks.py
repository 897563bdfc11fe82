"""label files of z-stacks, or of slices in files of their own → slices, read when asked for."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from coverslip.errors import DataError
from coverslip.io import (
    ImageFile,
    find_images,
    find_label_files,
    open_image,
    open_label_file,
    open_label_frames,
    read_checked,
    read_frame,
    stem,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LabelStack:
    """A z-stack of labels: one file of many slices, or a file for each slice.

    Attributes:
        name: what its results are called by.
        files: one, or one for each slice.
        n_times: 1, or the frames of a film of stacks.
        n_slices: of each stack.
        size: height and width, pixels.
        pixel_size_um: height and width of a pixel, where the file says it.
        slice_distance_um: from a slice to the next, likewise.
        notes: what was decided in opening it.
        images: what the labels are of, in the same order; None: nothing.
    """

    name: str
    files: tuple[Path, ...]
    n_times: int
    n_slices: int
    size: tuple[int, int]
    pixel_size_um: tuple[float, float] | None = None
    slice_distance_um: float | None = None
    notes: tuple[str, ...] = ()
    images: tuple[ImageFile, ...] | None = None
    _open: ExitStack = field(default_factory=ExitStack, repr=False)

    def labels(self, time: int, number: int) -> NDArray[Any]:
        """Read the labels of a slice."""
        if len(self.files) == 1:
            height, width = self.size
            at = time * self.n_slices + number
            labels: NDArray[Any] = self._read(at, (slice(0, height), slice(0, width)))
            return labels
        labels = read_checked(self.files[number]).cells()
        if labels.shape != self.size:
            came, wanted = ("{} × {}".format(*s) for s in (labels.shape[-2:], self.size))
            raise DataError(
                f"{self.files[number]}: {came} pixels, where the first slice has {wanted}: wanted "
                "one size for all slices of a stack."
            )
        return labels

    def image(self, time: int, number: int) -> NDArray[np.generic] | None:
        """Read the picture of a slice, where there are images."""
        if self.images is None:
            return None
        if len(self.images) == 1:
            return read_frame(self.images[0], time * self.n_slices + number)
        return read_frame(self.images[number])

    @cached_property
    def _read(self) -> Any:
        return self._open.enter_context(open_label_frames(self.files[0], whole=True))

    def __enter__(self) -> Self:
        """Hold the file open until the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self._open.close()


def open_stacks(sources: Iterable[Path]) -> list[LabelStack]:
    """Open the stacks that files and folders hold.

    A file of several slices is a stack, one of times and slices a film of stacks. Files of one
    picture that lie in one folder are the slices of one, in the natural order of their names.

    Args:
        sources: label files of any tool, or folders of them.

    Raises:
        FileError: a source that is not there, or without labels.
        DataError: one slice alone.
    """
    stacks: list[LabelStack] = []
    singles: dict[Path, list[Path]] = {}
    for path in find_label_files(sources):
        file = open_label_file(path)
        if file.n_frames > 1:
            stacks.append(_one_file(file, path))
        else:
            singles.setdefault(path.parent, []).append(path)
    return stacks + [open_slices(folder.resolve().name, own) for folder, own in singles.items()]


def _one_file(file: ImageFile, path: Path) -> LabelStack:
    n_slices = file.length("Z")
    notes: tuple[str, ...] = ()
    if n_slices == 1:
        n_slices = file.n_frames
        notes = (f"its {n_slices} frames are taken for the slices of one stack",)
    return LabelStack(
        stem(path),
        (path,),
        n_times=file.n_frames // n_slices,
        n_slices=n_slices,
        size=file.frame_shape,
        pixel_size_um=file.pixel_size_um,
        slice_distance_um=file.slice_distance_um,
        notes=notes,
    )


def open_slices(name: str, files: Sequence[Path]) -> LabelStack:
    """Open label files that are the slices of one stack, in their order.

    Raises:
        DataError: one file alone.
    """
    if len(files) < 2:
        raise DataError(
            f"{files[0]}: one slice: wanted a stack, a file of several slices or a folder of them."
        )
    first = open_image(files[0])
    return LabelStack(
        name or "stack",
        tuple(files),
        n_times=1,
        n_slices=len(files),
        size=first.frame_shape,
        pixel_size_um=first.pixel_size_um,
        notes=(f"{len(files)} files, from {files[0].name} to {files[-1].name}, are one stack",),
    )


def with_images(stack: LabelStack, sources: Sequence[Path]) -> LabelStack:
    """The stack with the pictures that its labels are of.

    Args:
        stack: of labels.
        sources: a file of as many frames, or as many files, or a folder of them.

    Raises:
        DataError: they do not fit the labels.
    """
    images = tuple(open_image(path) for path in find_images(sources))
    wanted = stack.n_times * stack.n_slices
    counts = [image.n_frames for image in images]
    fits = counts == [wanted] or (counts == [1] * stack.n_slices and stack.n_times == 1)
    if not fits or any(image.frame_shape != stack.size for image in images):
        came = f"{sum(counts)} pictures of {' × '.join(map(str, images[0].frame_shape))} px"
        raise DataError(
            f"{sources[0]}: {came}, where the labels {stack.name} are {wanted} of "
            f"{' × '.join(map(str, stack.size))}: wanted a picture for each slice."
        )
    return replace(
        stack,
        images=images,
        pixel_size_um=stack.pixel_size_um or images[0].pixel_size_um,
        slice_distance_um=stack.slice_distance_um or images[0].slice_distance_um,
    )
