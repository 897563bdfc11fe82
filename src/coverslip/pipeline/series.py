"""one image file, frame by frame → labels, overlays, maps and rows."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pandas as pd

from coverslip.errors import DataError
from coverslip.figures import overlay
from coverslip.files import open_pages, read_frame, write_image, write_labels
from coverslip.measure import confluence
from coverslip.pipeline.record import Record
from coverslip.pipeline.segment import segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from coverslip.files import ImageFile
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import Job
    from coverslip.pipeline.segment import Segmentation


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
        DataError: no such channel.
        FileError: a frame cannot be read, or a result not be written.
    """
    if job.channel >= file.n_channels:
        raise DataError(
            f"{file.path}: channel {job.channel} was asked for, it has {file.n_channels} "
            "(counted from 0): choose another --channel."
        )
    images: list[dict[str, Any]] = []
    cells: list[pd.DataFrame] = []

    with ExitStack() as stack:
        keep_probs = stack.enter_context(open_pages(target.probs)) if job.keep_probs else None
        keep_spread = stack.enter_context(open_pages(target.spread)) if job.keep_spread else None

        def frames() -> Iterator[NDArray[np.uint32]]:
            for index in range(file.n_frames):
                image = read_frame(file, index, channel=job.channel)
                found = segment(
                    image, job.model, settings=job.settings, pixel_size_um=file.pixel_size_um
                )
                picture = overlay(image, found.labels)
                write_image(target.overlay(index, file.n_frames), picture)
                if keep_probs:
                    keep_probs(found.probs)
                if keep_spread and found.spread is not None:
                    keep_spread(found.spread)
                images.append(image_row(file, index, found))
                cells.append(cell_rows(file, index, found))
                on_frame(file.path, index + 1, file.n_frames)
                yield found.labels

        write_labels(
            target.labels,
            frames(),
            shape=tuple(file.length(axis) for axis in file.frame_axes + "YX"),
            axes=file.frame_axes + "YX",
            pixel_size_um=file.pixel_size_um,
        )
    return Record(
        path=str(file.path),
        key=key,
        images=pd.DataFrame(images),
        cells=pd.concat(cells, ignore_index=True),
        notes=list(file.notes) + channel_note(file, job),
    )


def image_row(file: ImageFile, frame: int, found: Segmentation) -> dict[str, Any]:
    """A frame's row of images.csv."""
    height, width = found.labels.shape
    row = {
        "file": str(file.path),
        "frame": frame,
        "cells": len(found.cells),
        "confluence": round(confluence(found.labels), 6),
        "height_px": height,
        "width_px": width,
    }
    if file.pixel_size_um is not None:
        row |= {"pixel_height_um": file.pixel_size_um[0], "pixel_width_um": file.pixel_size_um[1]}
    if file.frame_interval_s is not None and file.frame_axes == "T":
        row["time_s"] = frame * file.frame_interval_s
    return row


def cell_rows(file: ImageFile, frame: int, found: Segmentation) -> pd.DataFrame:
    """A frame's rows of cells.csv."""
    cells = found.cells.copy()
    cells.insert(0, "file", str(file.path))
    cells.insert(1, "frame", frame)
    return cells


def channel_note(file: ImageFile, job: Job) -> list[str]:
    """What was decided where a file has several channels."""
    if file.n_channels == 1:
        return []
    names = file.channel_names or tuple(map(str, range(file.n_channels)))
    return [
        f"of its {file.n_channels} channels ({', '.join(names)}) number {job.channel} was "
        "segmented; --channel chooses another."
    ]
