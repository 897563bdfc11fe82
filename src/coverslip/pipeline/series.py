"""one image file, frame by frame → labels, overlays, maps and rows."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from coverslip.errors import FileError
from coverslip.figures import overlay, to_picture
from coverslip.files import (
    channel_number,
    open_pages,
    read_frame,
    read_frames,
    write_bytes,
    write_image,
    write_label_regions,
    write_labels,
)
from coverslip.pipeline.frames import Frame, read_part, write_part
from coverslip.pipeline.model import prepare_image
from coverslip.pipeline.record import Record, job_key
from coverslip.pipeline.segment import segment
from coverslip.pipeline.size import keep_scale, say_scale, settle
from coverslip.report import encode_picture, pick_frames
from coverslip.tables import join_rows, read_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.files import ImageFile
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import Job
    from coverslip.pipeline.segment import Segmentation
    from coverslip.pipeline.settings import SegmentSettings


# Longer side of the pictures for the page, which reduces them further where it has many.
PAGE_SIDE_PX = 1280


class Picture(NamedTuple):
    """One frame as it is read."""

    frame: int
    image: NDArray[Any]  # to be segmented
    channels: NDArray[Any] | dict[str, NDArray[Any]] | None  # to be measured; None: the image
    notes: tuple[str, ...]


def segment_series(
    file: ImageFile,
    target: Outputs,
    *,
    job: Job,
    key: str,
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
) -> Record:
    """Segment all frames of a file, one in memory at a time.

    Each frame of a film is kept in a part file as soon as it is done, and those that an earlier
    start has kept are not done again.

    Args:
        file: an opened image file.
        target: where the results go.
        job: model, settings and what to keep.
        key: the record's key.
        on_frame: called after each frame with the file, the frames done and the frames in all.

    Raises:
        FileError: a frame or the channel cannot be read, or a result not be written.
    """
    parts = [target.part(frame, job=job, key=key) for frame in range(file.n_frames)]
    missing = [n for n in range(file.n_frames) if not is_done(n, parts[n], target, file.n_frames)]
    frames: Iterable[Frame] = map(read_part, parts)
    channel = channel_number(file, job.channel)
    folder = target.parts(job=job, key=key)
    settings, found_scale = settle_series(file, job, channel=channel, folder=folder)
    for picture in read_pictures(file, missing, channel=channel):
        frame = segment_frame(picture, file, target, job=replace(job, settings=settings))
        if file.n_frames == 1:
            frames = [frame]
        else:
            write_part(parts[picture.frame], frame)
        on_frame(file.path, picture.frame + 1, file.n_frames)
    if job_key(file.path, job) != key:
        target.forget()
        raise FileError(f"{file.path}: was changed while it was read: start again when it is done.")
    notes = [*file.notes, *found_scale]
    return join_frames(frames, file, target, job=job, key=key, notes=notes)


def settle_series(
    file: ImageFile, job: Job, *, channel: int, folder: Path
) -> tuple[SegmentSettings, list[str]]:
    """The settings for all frames, and what to say of them: the first frame's cells decide.

    Args:
        file: an opened image file.
        job: model and settings.
        channel: the one to be segmented.
        folder: where what is done of a film is kept, the scale with it.

    Raises:
        FileError: the first frame cannot be read.
    """
    if job.settings.scale is not None:
        return job.settings, []

    def find() -> float:
        first = prepare_image(read_frame(file, channel=channel), job.model)
        return settle(job.settings, first, job.model).scale or 1.0

    scale = find() if file.n_frames == 1 else keep_scale(folder, find)
    settings = replace(job.settings, scale=scale)
    return settings, say_scale(settings, job.model)


def is_done(frame: int, part: Path, target: Outputs, n_frames: int) -> bool:
    """Whether a film's frame needs nothing more."""
    wanted = [part, target.overlay(frame, n_frames)]
    wanted += [target.thumbnail(frame)] if frame in pick_frames(n_frames) else []
    return n_frames > 1 and all(path.is_file() for path in wanted)


def read_pictures(file: ImageFile, frames: Sequence[int], *, channel: int) -> Iterator[Picture]:
    """Read each frame to be segmented, with all its channels to be measured if it has several."""
    notes: list[str] = []
    wanted = read_frames(file, frames, channel=channel, tell=notes.append)
    channels: Iterable[Any] = repeat(None)
    if file.n_channels > 1:
        channels = read_channels(file, frames, tell=notes.append)
    for frame, image, others in zip(frames, wanted, channels, strict=False):
        yield Picture(frame, image, others, tuple(notes))
        notes.clear()


def segment_frame(picture: Picture, file: ImageFile, target: Outputs, *, job: Job) -> Frame:
    """Segment one frame and write its pictures."""
    notes = list(picture.notes)
    found = segment(
        picture.image,
        job.model,
        settings=job.settings,
        pixel_size_um=file.pixel_size_um,
        channels=picture.channels,
        tell=notes.append,
    )
    write_pictures(picture.image, found, target, frame=picture.frame, n_frames=file.n_frames)
    return Frame(
        labels=found.labels,
        image=image_row(file, picture.frame, found, target),
        cells=cell_rows(file, picture.frame, found),
        notes=tuple(notes),
        probs=found.probs if job.keep_probs else None,
        spread=found.spread if job.keep_spread else None,
    )


def join_frames(
    frames: Iterable[Frame],
    file: ImageFile,
    target: Outputs,
    *,
    job: Job,
    key: str,
    notes: list[str],
) -> Record:
    """Write the label file and the maps of all frames, one in memory at a time."""
    channel = channel_number(file, job.channel)
    images: list[dict[str, Any]] = []
    cells: list[pd.DataFrame] = []

    with open_maps(target, job) as keep:

        def labels() -> Iterator[NDArray[np.uint32]]:
            for frame in frames:
                keep(frame)
                images.append(frame.image)
                cells.append(frame.cells)
                notes.extend(frame.notes)
                yield frame.labels

        write = write_label_frames if job.labels == "zarr" else write_labels
        write(
            target.labels,
            labels(),
            shape=tuple(file.length(axis) for axis in file.frame_axes + "YX"),
            axes=file.frame_axes + "YX",
            pixel_size_um=file.pixel_size_um,
            frame_interval_s=file.frame_interval_s,
            channel_name=dict(enumerate(file.channel_names)).get(channel),
        )
    return Record(
        path=str(file.path),
        key=key,
        images=pd.DataFrame(images),
        cells=join_rows(cells, columns=[]),
        notes=list(dict.fromkeys(notes)),
    )


def write_label_frames(
    path: Path, frames: Iterable[NDArray[np.uint32]], *, shape: tuple[int, ...], **about: Any
) -> None:
    """Write labels as OME-Zarr, as `write_labels` does as TIFF, a frame in memory at a time."""
    reads = (lambda rows, columns, frame=frame: frame[rows, columns] for frame in frames)
    write_label_regions(path, shape=shape, read=reads, **about)


@contextmanager
def open_maps(target: Outputs, job: Job) -> Iterator[Callable[[Frame], None]]:
    """What is called with each frame, to write those of its maps that are wanted."""
    with ExitStack() as stack:
        probs = stack.enter_context(open_pages(target.probs)) if job.keep_probs else None
        spread = stack.enter_context(open_pages(target.spread)) if job.keep_spread else None

        def keep(frame: Frame) -> None:
            if probs and frame.probs is not None:
                probs(frame.probs)
            if spread and frame.spread is not None:
                spread(frame.spread)

        yield keep


def write_pictures(
    image: NDArray[Any], found: Segmentation, target: Outputs, *, frame: int, n_frames: int
) -> None:
    """Write a frame's overlay and, if the page shows the frame, the picture beneath it."""
    write_image(target.overlay(frame, n_frames), overlay(image, found.labels))
    if frame in pick_frames(n_frames):
        small = encode_picture(to_picture(image), side_px=PAGE_SIDE_PX)
        write_bytes(target.thumbnail(frame), small)


def image_row(file: ImageFile, frame: int, found: Segmentation, target: Outputs) -> dict[str, Any]:
    """A frame's row of images.csv; the columns are those of `coverslip.report.IMAGE_COLUMNS`."""
    return frame_row(
        file,
        frame,
        target,
        n_cells=len(found.cells),
        confluence=found.confluence,
        median_area_px=median_area(found.labels),
    )


def frame_row(
    file: ImageFile,
    frame: int,
    target: Outputs,
    *,
    n_cells: int,
    confluence: float,
    median_area_px: float,
) -> dict[str, Any]:
    """The same, from the numbers alone."""
    height, width = file.frame_shape
    row: dict[str, Any] = {
        "file": str(file.path),
        "frame": frame,
        "n_cells": n_cells,
        "confluence": round(confluence, 6),
        "median_area_px": median_area_px,
        "height_px": height,
        "width_px": width,
        "overlay": target.overlay(frame, file.n_frames).relative_to(target.folder).as_posix(),
        "labels": target.labels.name,
    }
    if file.pixel_size_um is not None:
        row["pixel_size_um"] = file.pixel_size_um[0]
        row["median_area_um2"] = median_area_px * file.pixel_size_um[0] * file.pixel_size_um[1]
    if file.frame_interval_s is not None and file.frame_axes == "T":
        row["time_s"] = frame * file.frame_interval_s
    return row


def median_area(labels: NDArray[np.uint32]) -> float:
    """The median number of pixels of the cells, whether the table has it or not; NaN without."""
    areas = np.bincount(labels.ravel())[1:]
    return float(np.median(areas)) if len(areas) else float("nan")


def cell_rows(file: ImageFile, frame: int, found: Segmentation) -> pd.DataFrame:
    """A frame's rows of cells.csv."""
    cells = found.cells.copy()
    cells.insert(0, "file", str(file.path))
    cells.insert(1, "frame", frame)
    return cells
