"""label files × image files → one table, a row for each cell.

Morphology and intensity of every cell, of label files from any segmentation tool.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

from coverslip.errors import CoverslipError, DataError, costs_itself, list_problems
from coverslip.io import (
    Reading,
    channel_notes,
    describe_labels,
    find_channel,
    find_gap,
    find_images,
    group_label_files,
    is_one_image,
    is_there,
    open_reading,
    pair_images,
    read_checked,
    read_frames,
    say_ambiguous,
)
from coverslip.measurements import measure
from coverslip.progress import Pace
from coverslip.tables import join_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.io import ImageFile
    from coverslip.measurements import MeasureSettings
    from coverslip.progress import Progress


NOTHING_MEASURED = "Nothing was measured: mend these, or leave them out"


def measure_files(
    files: Iterable[LabelFile],
    *,
    settings: MeasureSettings | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    reading: Reading | None = None,
    on_file: Callable[[Path], None] = lambda path: None,
    on_note: Callable[[str], None] = lambda text: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> pd.DataFrame:
    """Measure the cells of label files, one file in memory at a time.

    Args:
        files: labels with their images, from `match_labels`.
        settings: what to measure; None: everything.
        pixel_size_um: height and width of a pixel; None: what the image says, or else the labels.
        reading: which channel, depths and axes of the images are meant; None: as the files say,
            and every channel.
        on_file: called with each label file that is done.
        on_note: called with every decision that the user should be told.
        on_progress: called with how many files are done, and how long the rest takes.

    Returns:
        One row per cell: the label file, the frame, and the columns of
        `coverslip.measurements.COLUMNS`.

    Raises:
        DataError: files that cannot be read or do not fit together; all are listed at once.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.file_measurements import match_labels
        >>> found = match_labels(Path("examples/truth/nuclei"), Path("examples/nuclei"))
        >>> cells = coverslip.measure_files(found.files[:1])
        >>> len(cells) > 10, "intensity_mean" in cells
        (True, True)
    """
    tables = measure_each(
        files,
        settings=settings,
        pixel_size_um=pixel_size_um,
        reading=reading,
        on_file=on_file,
        on_note=on_note,
        on_progress=on_progress,
    )
    return join_cells(list(tables))


def measure_each(
    files: Iterable[LabelFile],
    *,
    settings: MeasureSettings | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    reading: Reading | None = None,
    on_file: Callable[[Path], None] = lambda path: None,
    on_note: Callable[[str], None] = lambda text: None,
    on_failed: Callable[[Path, str], None] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Iterator[pd.DataFrame]:
    """Measure as `measure_files` does; a table for each frame, so that not all need be held.

    Args:
        files: as for `measure_files`, and so the others.
        settings: what to measure.
        pixel_size_um: height and width of a pixel.
        reading: which channel, depths and axes of the images are meant.
        on_file: called with each label file that is done.
        on_note: called with every decision that the user should be told.
        on_failed: called with each label file that cannot be measured, and why; tables of its
            first frames may have come by then. None: all are raised in the end.
        on_progress: called with how far it is after each file.

    Raises:
        DataError: at the end, of all files that cannot be read or do not fit together.
    """
    failed: dict[Path, str] = {}
    files = list(files)
    pace = Pace("measuring", n_all=len(files))
    for n_done, file in enumerate(files, start=1):
        with costs_itself(
            file.labels,
            on_failed or failed.__setitem__,
            kinds=Exception if on_failed else CoverslipError,
        ):
            yield from _measure_file(
                file,
                settings=settings,
                pixel_size_um=pixel_size_um,
                reading=reading or Reading(),
                on_note=on_note,
            )
        on_file(file.labels)
        on_progress(pace.reach(n_done, item=file.labels.name))
    if failed:
        raise DataError(list_problems(list(failed.values()), cure=NOTHING_MEASURED))


def _measure_file(
    file: LabelFile,
    *,
    settings: MeasureSettings | None,
    pixel_size_um: tuple[float, float] | None,
    reading: Reading,
    on_note: Callable[[str], None],
) -> Iterator[pd.DataFrame]:
    """Measure a label file, a table for each frame."""

    def tell(path: Path) -> Callable[[str], None]:
        return lambda text: on_note(f"{path}: {text}")

    labels = read_cells(file.labels, image=file.image, tell=tell(file.labels))
    image = None if file.image is None else open_measured(file.image, reading)
    frames: Iterable[Any] = repeat(None)
    if image is not None:
        _check_fit(file.labels, labels, image)
        for note in image.notes:
            tell(image.path)(note)
        if reading.channel is None:
            frames = read_channels(image, tell=tell(image.path))
        else:
            number = find_channel(image, reading)
            frames = read_frames(image, channel=number, tell=tell(image.path))
    headers = [image] if image is not None else []
    headers.append(describe_labels(file.labels, labels))
    sizes = [header.pixel_size_um for header in headers]
    size = pixel_size_um or next((size for size in sizes if size is not None), None)
    for number, (one, picture) in enumerate(zip(labels, frames, strict=False)):
        table = measure(one, picture, pixel_size_um=size, settings=settings)
        table.insert(0, "file", str(file.labels))
        table.insert(1, "frame", number)
        yield table


def open_measured(path: Path, reading: Reading) -> ImageFile:
    """Open an image as it is meant; every channel is measured, unless one is named."""
    file = open_reading(path, reading)
    usual = channel_notes(file.axes, file.shape) if reading.channel is None else []
    return replace(file, notes=tuple(note for note in file.notes if note not in usual))


def read_cells(
    path: Path, *, image: Path | None = None, tell: Callable[[str], None]
) -> NDArray[np.integer[Any]]:
    """Frames of labels (n, H, W); the pieces of a mask get numbers.

    Args:
        path: a label or mask file.
        image: its image, for annotations that do not say its size.
        tell: called with every decision that was taken.

    Raises:
        FileError: the file cannot be read.
        DataError: it only looks like labels.
    """
    found = read_checked(path, image=image)
    for note in found.all_notes():
        tell(note)
    labels = found.cells()
    return labels.reshape(-1, *labels.shape[-2:])


def _check_fit(path: Path, labels: NDArray[Any], image: ImageFile) -> None:
    if labels.shape != (image.n_frames, *image.frame_shape):
        sizes = [
            f"{n} frames of {height} × {width}" if n > 1 else f"{height} × {width}"
            for n, height, width in (labels.shape, (image.n_frames, *image.frame_shape))
        ]
        raise DataError(
            f"{path}: the labels are {sizes[0]} pixels, their image {image.path} {sizes[1]}: "
            "wanted the same. Export the labels at the image's size."
        )


@dataclass(frozen=True)
class LabelFile:
    """A label file, and the image that it belongs to.

    Attributes:
        labels: label or mask file of a tool or a person.
        image: the image; None where brightness is not measured.
    """

    labels: Path
    image: Path | None


@dataclass(frozen=True)
class LabelFiles:
    """What was found in two folders.

    Attributes:
        files: in natural order of the labels.
        without_labels: images that no label file asks for; the user should be told so.
    """

    files: tuple[LabelFile, ...]
    without_labels: tuple[Path, ...] = ()


def match_labels(labels: Path, images: Path | None) -> LabelFiles:
    """Find label files and the image of each, by name as `coverslip evaluate` does.

    `a_labels.tif`, `a_cp_masks.png` and `a.tif` are labels of `a.png`; of several images `a`,
    `a_png_labels.tif` names the one. A folder's subfolder `labels` or `masks` is taken in its
    place. A label file and an image file belong together whatever their names.

    Raises:
        FileError: a folder or file is not there, or has no image in it.
        DataError: labels without an image, or several files of one name; all listed at once.
    """
    found = _one_of_each_name(labels)
    if images is None:
        return LabelFiles(tuple(LabelFile(path, None) for path in found.values()))
    if is_one_image(labels) and is_one_image(images):
        return LabelFiles((LabelFile(labels, images),))
    paths = find_images([images])
    pairs = pair_images(found, paths, where=images, option="IMAGES")
    files = tuple(LabelFile(path, pairs[name]) for name, path in found.items())
    used = {file.image for file in files} | {file.labels for file in files}
    return LabelFiles(files, tuple(path for path in paths if path not in used))


def _one_of_each_name(source: Path) -> dict[str, Path]:
    by_name = group_label_files(source)
    problems = [say_ambiguous(paths) for paths in by_name.values() if len(paths) > 1]
    if problems:
        raise DataError(list_problems(problems, cure="Keep one label file of each name"))
    return {name: paths[0] for name, paths in by_name.items()}


def read_channels(
    file: ImageFile,
    frames: Sequence[int] | None = None,
    *,
    tell: Callable[[str], None] | None = None,
) -> Iterator[NDArray[Any] | dict[str, NDArray[Any]]]:
    """Read frames, one at a time, as `coverslip.measurements.measure` takes them.

    Args:
        file: an opened image file.
        frames: which, from 0; all where none are named.
        tell: as for `coverslip.io.read_frame`.

    Yields:
        (H, W) or (H, W, 3) of a file of one channel; else each channel by its name.

    Raises:
        FileError: a frame is damaged, not there or without any finite value.
    """
    if file.n_channels == 1:
        yield from read_frames(file, frames, tell=tell)
        return
    channels = [n for n in range(file.n_channels) if is_there(file, n)]
    readers = [read_frames(file, frames, channel=n, tell=tell) for n in channels]
    names = channel_names(file)
    numbers = range(file.n_frames) if frames is None else frames
    for number, *pictures in zip(numbers, *readers, strict=True):
        yield {
            names[channel]: picture
            for channel, picture in zip(channels, pictures, strict=True)
            if find_gap(file, number, channel=channel) is None  # the others are 0 everywhere
        }


def channel_names(file: ImageFile) -> list[str]:
    """What the file calls its channels, as a part of a column's name; c0, c1 … without names.

    What is no letter or digit becomes _, as in Alexa_488_em_519.
    """
    names = [re.sub(r"\W+", "_", name).strip("_") for name in file.channel_names]
    if len(names) == file.n_channels == len(set(names)) and all(names):
        return names
    return [f"c{number}" for number in range(file.n_channels)]
