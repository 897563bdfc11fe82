"""the regions of an image's frames, all done → labels, pictures and rows of cells: its results."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.io import (
    find_channel,
    open_pages,
    smallest_dtype,
    write_label_regions,
    write_labels,
)
from coverslip.pipeline.corrected import check_truth, numbers_in_file, truth_message
from coverslip.pipeline.frame_summary import frame_messages, frame_row
from coverslip.pipeline.pictures import make_overview, write_overview
from coverslip.pipeline.record import Record, TablePart
from coverslip.pipeline.region_rows import bands_of_rows
from coverslip.pipeline.store import table_to_arrays, write_arrays
from coverslip.tables import join_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io import ImageFile
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.plan import FramePlan, OpenedImage
    from coverslip.pipeline.stitch import RegionLabels, Stitched

PART_ROWS = 20_000  # rows of cells that are kept in one file, at least, but for the last


def write_results(plans: Sequence[FramePlan], *, messages: Sequence[str]) -> Record:
    """Write the labels, maps and rows of all frames of an image, one frame in memory at a time.

    Args:
        plans: of all its frames, whose regions are all done.
        messages: what the user should know of the work on it.

    Raises:
        FileError: a result cannot be written.
    """
    opened = plans[0].opened
    write = write_large_frames if plans[0].is_large else write_held_frames
    with RowWriter(opened.target) as rows:
        frames = list(write(plans, rows))
    notes = [*messages, *(note for frame in frames for note in frame.messages)]
    images = pd.DataFrame([frame.row for frame in frames])
    names = list(dict.fromkeys(images["labels"]))
    if opened.truth:
        digests = check_truth(opened.target, names, truth=opened.truth)
        notes.insert(0, truth_message(names, int(images["n_cells"].sum()), is_mask=opened.is_mask))
    else:
        written = opened.target.ledger().last()
        digests = {name: written[name] for name in names}
    return Record(
        path=str(opened.file.path),
        key=opened.key,
        work=opened.work,
        images=images,
        parts=rows.parts,
        notes=list(dict.fromkeys(notes)),
        is_large=plans[0].is_large,
        digests=digests,
        truth=opened.truth,
        model=plans[0].job.model_name,
        choice=opened.choice,
    )


@dataclass(frozen=True)
class FrameResult:
    """What is said of a frame when its files are written."""

    row: dict[str, Any]  # of images.csv
    messages: list[str]


class RowWriter:
    """Writes rows of cells into files of so many rows, as they come."""

    def __init__(self, target: Outputs) -> None:
        self.target = target
        self.parts: list[TablePart] = []
        self.waiting: list[pd.DataFrame] = []

    def __enter__(self) -> RowWriter:
        """Begin with no rows."""
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Write what is left."""
        if kind is None and (self.waiting or not self.parts):
            self.flush()

    def add(self, frame: int, rows: pd.DataFrame) -> None:
        """Add rows of a frame."""
        rows = rows.copy()
        rows.insert(0, "frame", np.full(len(rows), frame, dtype=np.int64))
        self.waiting.append(rows)
        if sum(map(len, self.waiting)) >= PART_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait into the next file."""
        rows = join_rows(self.waiting, columns=["frame"])
        path = self.target.rows(len(self.parts))
        write_arrays(path, table_to_arrays(rows))
        name = path.relative_to(self.target.folder).as_posix()
        self.parts.append(TablePart(name, len(rows), list(map(str, rows))))
        self.waiting = []


def write_held_frames(plans: Sequence[FramePlan], rows: RowWriter) -> Iterator[FrameResult]:
    """Write frames that fit into memory: one label file of all, and the maps that are wanted."""
    one = plans[0]
    file, job, target = one.file, one.job, one.opened.target
    results: list[FrameResult] = []

    with open_maps(one.opened, job) as keep_maps:

        def labels() -> Iterator[NDArray[np.uint32]]:
            for plan in plans:
                found, cells = plan.stitch()
                keep_maps(plan)
                add_rows(plan, found, cells, rows)
                results.append(FrameResult(frame_row(plan, cells), frame_messages(plan, cells)))
                yield found.final(plan.regions[0].core, cells.numbers)

        write = write_label_frames if job.labels == "zarr" else write_labels
        if one.opened.truth:
            write = use_up
        write(
            target.labels,
            labels(),
            shape=tuple(file.length(axis) for axis in file.frame_axes + "YX"),
            axes=file.frame_axes + "YX",
            pixel_size_um=file.pixel_size_um,
            frame_interval_s=file.frame_interval_s,
            channel_name=channel_name(file, job),
            dtype=label_dtype(plans),
        )
    yield from results


def write_large_frames(plans: Sequence[FramePlan], rows: RowWriter) -> Iterator[FrameResult]:
    """Write frames that were done region by region: each its own label file, and its overview."""
    for plan in plans:
        file, target = plan.file, plan.opened.target
        found, cells = plan.stitch()
        path = target.frame_labels(plan.index, file.n_frames)
        if not plan.opened.truth:
            write_label_regions(
                path,
                shape=file.frame_shape,
                read=_reader(found, cells),
                pixel_size_um=file.pixel_size_um,
                channel_name=channel_name(file, plan.job),
                dtype=label_dtype([plan]),
            )
        overview = make_overview(found, cells, reduce=plan.reduce)
        numbers = add_rows(plan, found, cells, rows)
        if numbers is not None:
            overview = replace(overview, labels=numbers[overview.labels].astype(np.uint32))
        write_overview(overview, plan, n_cells=cells.n_cells)
        row = frame_row(plan, cells) | {"labels": path.relative_to(target.folder).as_posix()}
        yield FrameResult(row, frame_messages(plan, cells))


def add_rows(
    plan: FramePlan, found: RegionLabels, cells: Stitched, rows: RowWriter
) -> NDArray[np.int64] | None:
    """Add a frame's rows of cells, by the numbers that its label file has.

    Returns:
        Of cells that a person numbered, these numbers by those in reading order, 0 first; or None.
    """
    numbers = None
    if plan.opened.truth and not plan.opened.is_mask:
        numbers = np.append(0, numbers_in_file(plan, cells.first_pixels))
    for table in bands_of_rows(found, cells, pixel_size_um=plan.file.pixel_size_um):
        if numbers is not None:
            names = [name for name in ("label", "nearest_label") if name in table]
            table = table.assign(**{name: numbers[table[name].to_numpy()] for name in names})
            table = table.sort_values("label", ignore_index=True)
        rows.add(plan.index, table)
    return numbers


def use_up(path: Path, frames: Iterable[NDArray[np.uint32]], **about: Any) -> None:
    """Go through frames of labels that are in their file already."""
    del path, about
    for _ in frames:
        pass


def _reader(found: RegionLabels, cells: Stitched) -> Callable[[slice, slice], NDArray[np.uint32]]:
    return lambda rows, columns: found.final((rows, columns), cells.numbers)


def channel_name(file: ImageFile, job: Job) -> str | None:
    """The name of the channel that is segmented, where the file names it."""
    return dict(enumerate(file.channel_names)).get(find_channel(file, job.reading))


def label_dtype(plans: Sequence[FramePlan]) -> type[np.unsignedinteger[Any]]:
    """The type that the cells' numbers need: there are as many as all regions of a frame have."""
    most = 0
    for plan in plans:
        cells = (plan.store.get(region, "own") for region in plan.regions)
        most = max(most, sum(len(one["own"]) for one in cells))
    return smallest_dtype(most)


def write_label_frames(
    path: Path, frames: Iterable[NDArray[np.uint32]], *, shape: tuple[int, ...], **about: Any
) -> None:
    """Write labels as OME-Zarr, as `write_labels` does as TIFF, a frame in memory at a time."""
    reads = (lambda rows, columns, frame=frame: frame[rows, columns] for frame in frames)
    write_label_regions(path, shape=shape, read=reads, **about)


@contextmanager
def open_maps(opened: OpenedImage, job: Job) -> Iterator[Callable[[FramePlan], None]]:
    """What is called with each frame, to write those of its maps that are wanted."""
    target, predicted = opened.target, not opened.truth
    wanted = {"probs": target.probs} if job.keep_probs and predicted else {}
    wanted |= {"spread": target.spread} if job.keep_spread and predicted else {}
    with ExitStack() as stack:
        pages = {name: stack.enter_context(open_pages(path)) for name, path in wanted.items()}

        def keep(plan: FramePlan) -> None:
            for name, write in pages.items():
                write(plan.store.get(plan.regions[0], name)[name])

        yield keep
