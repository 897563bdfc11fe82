"""one image file of large frames → labels, overlays and rows: the story."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError
from coverslip.figures import overlay, to_picture
from coverslip.files import (
    channel_number,
    write_bytes,
    write_image,
    write_label_regions,
    write_labels,
)
from coverslip.pipeline.large.cores import Cores
from coverslip.pipeline.large.finish import bands_of_rows, make_overview
from coverslip.pipeline.large.join import join_regions
from coverslip.pipeline.large.kept import table_to_arrays, write_arrays
from coverslip.pipeline.large.survey import survey_notes
from coverslip.pipeline.large.work import do_work, open_work, plan_work
from coverslip.pipeline.record import Record, TablePart, job_key
from coverslip.pipeline.series import PAGE_SIDE_PX, frame_row
from coverslip.pipeline.size import keep_scale, say_scale, settle_by, windows
from coverslip.report import encode_picture, pick_frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coverslip.files import ImageFile
    from coverslip.pipeline.large.finish import Overview
    from coverslip.pipeline.large.join import Joined
    from coverslip.pipeline.large.work import Work
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import Job

# What is drawn on the page at most; beyond, outlines are dots, and the page too long to be mailed.
MOST_OUTLINES = 20_000


def is_large(file: ImageFile, job: Job) -> bool:
    """Whether a file's frames are done region by region."""
    height, width = file.frame_shape
    return height * width > job.regions.most_px


def segment_large(
    file: ImageFile,
    target: Outputs,
    *,
    job: Job,
    key: str,
    on_frame: Callable[[Path, int, int], None] = lambda path, done, n: None,
) -> Record:
    """Segment all frames of a file, region by region.

    What is done stays done: a start that was broken off goes on with the region that it was at.

    Args:
        file: an opened image file.
        target: where the results go.
        job: model, settings and what to keep.
        key: the record's key.
        on_frame: called after each region with the file, the regions done and the regions in all.

    Raises:
        FileError: a frame or the channel cannot be read, or a result not be written.
        SettingsError: a model or an option that needs the whole frame at once.
    """
    notes = list(file.notes)
    works = plan_works(file, job=job, folder=target.parts(job=job, key=key), tell=notes.append)
    n_all = sum(len(work.regions) for work in works)
    images, parts = [], []
    n_done = 0

    def on_region(_: int) -> None:
        nonlocal n_done
        n_done += 1
        on_frame(file.path, n_done, n_all)

    for work in works:
        do_work(work, on_region=on_region, tell=notes.append)
        notes += survey_notes(work.folder)
        row, own_parts, own_notes = finish(work, target)
        images.append(row)
        parts += own_parts
        notes += own_notes
    if job_key(file.path, job) != key:
        target.forget()
        raise FileError(f"{file.path}: was changed while it was read: start again when it is done.")
    return Record.of_parts(path=str(file.path), key=key, images=images, parts=parts, notes=notes)


def plan_works(
    file: ImageFile, *, job: Job, folder: Path, tell: Callable[[str], None]
) -> list[Work]:
    """Say how each frame is to be done; the first one's cells decide at which scale.

    Raises:
        FileError: the first frame cannot be read.
        SettingsError: a model or an option that needs the whole frame at once.
    """
    first = plan_work(file, 0, job=job, folder=folder)
    settings = job.settings

    def find() -> float:
        with open_work(first) as frame:
            pieces = [frame.stretched(window) for window in windows(frame.shape)]
        return settle_by(settings, pieces, first.model).scale or 1.0

    if settings.scale is None:
        settings = replace(settings, scale=keep_scale(folder, find))
        for note in say_scale(settings, first.model):
            tell(note)
    settings = settle_by(settings, [], first.model)
    job = replace(job, settings=settings)
    return [plan_work(file, index, job=job, folder=folder) for index in range(file.n_frames)]


def finish(work: Work, target: Outputs) -> tuple[dict[str, Any], list[TablePart], list[str]]:
    """Make the results of a frame whose regions are all done.

    Returns:
        Its row of images.csv, where its rows of cells are, and what the user should know.
    """
    file, job = work.file, work.job
    cores = Cores(work.regions, work.done)
    joined = join_regions(
        cores, min_area_px=job.settings.min_area_px or 0, drop_border=job.settings.drop_border
    )
    labels = target.frame_labels(work.index, file.n_frames)
    write_label_regions(
        labels,
        shape=file.frame_shape,
        read=lambda rows, columns: cores.final((rows, columns), joined.numbers),
        pixel_size_um=file.pixel_size_um,
        channel_name=dict(enumerate(file.channel_names)).get(channel_number(file, job.channel)),
    )
    parts = []
    tables = bands_of_rows(cores, joined, pixel_size_um=file.pixel_size_um)
    for number, table in enumerate(tables):
        path = target.rows(work.index, number)
        write_arrays(path, table_to_arrays(table))
        name = path.relative_to(target.folder).as_posix()
        parts.append(TablePart(work.index, name, len(table), list(map(str, table))))
    overview = make_overview(cores, joined, reduce=work.plan.reduce)
    write_overview(overview, target, work=work, n_cells=len(joined.firsts))
    row = frame_row(
        file,
        work.index,
        target,
        n_cells=len(joined.firsts),
        confluence=joined.confluence,
        median_area_px=float(np.median(joined.areas)) if len(joined.areas) else float("nan"),
    )
    return (
        row | {"labels": labels.relative_to(target.folder).as_posix()},
        parts,
        _notes(work, joined),
    )


def write_overview(overview: Overview, target: Outputs, *, work: Work, n_cells: int) -> None:
    """Write the overlay, smaller than the frame, and if the page shows the frame, its picture."""
    frame, n_frames = work.index, work.file.n_frames
    write_image(target.overlay(frame, n_frames), overlay(overview.picture, overview.labels))
    if frame in pick_frames(n_frames):
        small = encode_picture(to_picture(overview.picture), side_px=PAGE_SIDE_PX)
        write_bytes(target.thumbnail(frame), small)
        if n_cells <= MOST_OUTLINES:
            write_labels(
                target.small_labels(frame),
                iter([overview.labels]),
                shape=overview.labels.shape,
                axes="YX",
            )


def _notes(work: Work, joined: Joined) -> list[str]:
    """What the user should know of how a frame was done."""
    reduce = work.plan.reduce
    size = f"; the overlay has 1 pixel for {reduce} × {reduce} of them" if reduce > 1 else ""
    notes = [f"done in {len(work.regions)} regions of {work.plan.core} px a side{size}"]
    if joined.giants:
        notes.append(
            f"cells that reach farther than {work.plan.most_margin} px beyond a region: "
            f"{len(joined.giants)}, put together of parts; only their place and area are measured"
        )
    if joined.n_disputed:
        notes.append(f"pixels that two regions gave to two cells: {joined.n_disputed}")
    return notes
