"""one image file, frame by frame → labels, overlays, maps and rows."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.figures import overlay, to_picture
from coverslip.files import (
    channel_number,
    open_pages,
    read_frames,
    write_bytes,
    write_image,
    write_labels,
)
from coverslip.pipeline.model import prepare_image
from coverslip.pipeline.record import Record
from coverslip.pipeline.segment import segment
from coverslip.pipeline.size import say_scale, settle
from coverslip.report import encode_picture, pick_frames
from coverslip.tables import join_rows, read_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.files import ImageFile
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import Job
    from coverslip.pipeline.segment import Segmentation


# Longer side of the pictures for the page, which reduces them further where it has many.
PAGE_SIDE_PX = 1280


def segment_series(
    file: ImageFile,
    target: Outputs,
    *,
    job: Job,
    key: str,
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
) -> Record:
    """Segment all frames of a file, one in memory at a time.

    Args:
        file: an opened image file.
        target: where the results go.
        job: model, settings and what to keep.
        key: the record's key.
        on_frame: called after each frame with the file, the frames done and the frames in all.

    Raises:
        FileError: a frame or the channel cannot be read, or a result not be written.
    """
    notes = list(file.notes)
    channel = channel_number(file, job.channel)
    images: list[dict[str, Any]] = []
    cells: list[pd.DataFrame] = []

    with open_maps(target, job) as keep:

        def frames() -> Iterator[NDArray[np.uint32]]:
            pictures = read_with_channels(file, channel=channel, tell=notes.append)
            settings = job.settings
            for index, (image, channels) in enumerate(pictures):
                if settings.scale is None:  # the first frame's cells decide for all
                    settings = settle(settings, prepare_image(image, job.model), job.model)
                    notes.extend(say_scale(settings, job.model))
                found = segment(
                    image,
                    job.model,
                    settings=settings,
                    pixel_size_um=file.pixel_size_um,
                    channels=channels,
                )
                write_pictures(image, found, target, frame=index, n_frames=file.n_frames)
                keep(found)
                images.append(image_row(file, index, found, target))
                cells.append(cell_rows(file, index, found))
                on_frame(file.path, index + 1, file.n_frames)
                yield found.labels

        write_labels(
            target.labels,
            frames(),
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


@contextmanager
def open_maps(target: Outputs, job: Job) -> Iterator[Callable[[Segmentation], None]]:
    """What is called with each frame's result, to write those of its maps that are wanted."""
    with ExitStack() as stack:
        probs = stack.enter_context(open_pages(target.probs)) if job.keep_probs else None
        spread = stack.enter_context(open_pages(target.spread)) if job.keep_spread else None

        def keep(found: Segmentation) -> None:
            if probs:
                probs(found.probs)
            if spread and found.spread is not None:
                spread(found.spread)

        yield keep


def read_with_channels(
    file: ImageFile, *, channel: int, tell: Callable[[str], None]
) -> Iterator[tuple[NDArray[Any], Any]]:
    """Each frame to be segmented, with all its channels to be measured; None if it has one."""
    wanted = read_frames(file, channel=channel, tell=tell)
    others: Iterable[Any] = read_channels(file, tell=tell) if file.n_channels > 1 else repeat(None)
    return zip(wanted, others, strict=False)


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
    height, width = found.labels.shape
    area = median_area(found.labels)
    row: dict[str, Any] = {
        "file": str(file.path),
        "frame": frame,
        "n_cells": len(found.cells),
        "confluence": round(found.confluence, 6),
        "median_area_px": area,
        "height_px": height,
        "width_px": width,
        "overlay": target.overlay(frame, file.n_frames).relative_to(target.folder).as_posix(),
        "labels": target.labels.name,
    }
    if file.pixel_size_um is not None:
        row["pixel_size_um"] = file.pixel_size_um[0]
        row["median_area_um2"] = area * file.pixel_size_um[0] * file.pixel_size_um[1]
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
