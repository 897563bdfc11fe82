"""the regions of an image's frames, all done → labels, pictures and rows of cells: its results."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.checkpoints import Checkpoint
from coverslip.figures import draw_outlines, to_picture
from coverslip.file_measurements import channel_names
from coverslip.io import (
    find_channel,
    open_pages,
    smallest_dtype,
    write_bytes,
    write_image,
    write_label_regions,
    write_labels,
)
from coverslip.pipeline.corrected import check_truth, numbers_in_file, truth_message
from coverslip.pipeline.frame import NOISE, NOISY_FRAMES
from coverslip.pipeline.frame_statistics import read_statistics, statistics_notes, statistics_path
from coverslip.pipeline.page_tiles import page_channels
from coverslip.pipeline.plan import is_gap
from coverslip.pipeline.record import Record, TablePart
from coverslip.pipeline.region_rows import bands_of_rows
from coverslip.pipeline.stitch import RegionLabels, stitch_regions
from coverslip.pipeline.store import HeldRegions, table_to_arrays, write_arrays
from coverslip.pipeline.sureness import fit_score
from coverslip.report import PictureChannels, encode_picture, pick_frames
from coverslip.tables import join_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io import ImageFile
    from coverslip.pipeline.frame import HeldFrame
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.plan import FramePlan, OpenedImage
    from coverslip.pipeline.record import Job
    from coverslip.pipeline.stitch import Stitched
    from coverslip.pipeline.store import RegionStore

# Longer side of the pictures for the page, which reduces them further where it has many.
PAGE_SIDE_PX = 1280
# What is drawn on the page at most; beyond, outlines are dots, and the page too long to be mailed.
MAX_OUTLINES = 20_000
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
                found, cells = stitch(plan, plan.store)
                keep_maps(plan)
                add_rows(plan, found, cells, rows)
                results.append(FrameResult(frame_row(plan, cells), region_messages(plan)))
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
        found, cells = stitch(plan, plan.store)
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
        write_overview(overview, plan, n_cells=n_cells(cells))
        row = frame_row(plan, cells) | {"labels": path.relative_to(target.folder).as_posix()}
        messages = [*region_messages(plan), *statistics_notes(plan.folder), *noise_notes(plan)]
        yield FrameResult(row, [*messages, *large_messages(plan, cells)])


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


def stitch(plan: FramePlan, store: RegionStore) -> tuple[RegionLabels, Stitched]:
    """The labels of a frame, and its cells."""
    found, settings = RegionLabels(plan.regions, store), plan.settings
    cells = stitch_regions(
        found, min_area_px=settings.min_area_px or 0, drop_border=settings.drop_border
    )
    return found, cells


def n_cells(cells: Stitched) -> int:
    """How many cells a frame has."""
    return len(cells.first_pixels)


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


def write_frame_pictures(
    plan: FramePlan, frame: HeldFrame, arrays: dict[str, NDArray[Any]]
) -> None:
    """Write a held frame's overlay and, if the page shows the frame, the picture beneath it."""
    found, cells = stitch(plan, HeldRegions({0: arrays}))
    labels = found.final(plan.regions[0].core, cells.numbers)
    write_pictures(plan, frame.pixels, labels, stained=stained_picture(plan, frame))


def stained_picture(
    plan: FramePlan, frame: HeldFrame
) -> tuple[NDArray[np.uint8], PictureChannels] | None:
    """Up to three channels of a frame as one picture, what is segmented first; None of one channel.

    Each is stretched by itself, as the page shows it.
    """
    if not isinstance(frame.measured, Mapping) or len(frame.measured) < 2:
        return None
    names = channel_names(plan.file.apart or plan.file)
    ranked = [names[n] for n in page_channels(plan.file, plan.job)]
    shown = [name for name in ranked if name in frame.measured]
    picture = np.zeros((*frame.shape, 3), np.uint8)
    for place, name in enumerate(shown):
        picture[..., place] = to_picture(frame.measured[name])[..., 0]
    return picture, PictureChannels(
        tuple(shown), n_shown=min(max(1, len(plan.file.together)), len(shown))
    )


def write_pictures(
    plan: FramePlan,
    picture: NDArray[Any],
    labels: NDArray[np.uint32],
    *,
    stained: tuple[NDArray[np.uint8], PictureChannels] | None = None,
) -> None:
    """Write the overlay of a picture and, if the page shows the frame, the picture itself.

    Args:
        plan: of the frame.
        picture: what was segmented.
        labels: its cells.
        stained: for the page, with the other channels; None: there is one.
    """
    target, frame, n_frames = plan.opened.target, plan.index, plan.file.n_frames
    shown = to_picture(picture)
    write_image(target.overlay(frame, n_frames), draw_outlines(shown, labels))
    if frame in pick_frames(n_frames):
        for_page, channels = stained or (shown, None)
        small = encode_picture(for_page, side_px=PAGE_SIDE_PX, channels=channels)
        write_bytes(target.thumbnail(frame), small)


def write_overview(overview: Overview, plan: FramePlan, *, n_cells: int) -> None:
    """Write the overlay of a large frame, smaller than the frame, and what the page shows of it."""
    write_pictures(plan, overview.picture, overview.labels)
    if plan.index in pick_frames(plan.file.n_frames) and n_cells <= MAX_OUTLINES:
        write_labels(
            plan.opened.target.small_labels(plan.index),
            iter([overview.labels]),
            shape=overview.labels.shape,
            axes="YX",
        )


def frame_row(plan: FramePlan, cells: Stitched) -> dict[str, Any]:
    """A frame's row of images.csv; the columns are those of `coverslip.report.IMAGE_COLUMNS`."""
    file, frame, target = plan.file, plan.index, plan.opened.target
    height, width = file.frame_shape
    median_area_px = float(np.median(cells.areas)) if len(cells.areas) else float("nan")
    gap = is_gap(plan)
    row: dict[str, Any] = {
        "file": str(file.path),
        "frame": frame,
        "n_cells": float("nan") if gap else n_cells(cells),
        "confluence": float("nan") if gap else round(cells.confluence, 6),
        "fit": float("nan") if gap else frame_fit(plan),
        "median_area_px": median_area_px,
        "height_px": height,
        "width_px": width,
        "overlay": target.overlay(frame, file.n_frames).relative_to(target.folder).as_posix(),
        "labels": target.labels.name,
        "precision": frame_precision(plan),
    }
    if file.pixel_size_um is not None:
        row["pixel_size_um"] = file.pixel_size_um[0]
        row["median_area_um2"] = median_area_px * file.pixel_size_um[0] * file.pixel_size_um[1]
    if file.frame_interval_s is not None and file.frame_axes == "T":
        row["time_s"] = frame * file.frame_interval_s
    return row


def frame_fit(plan: FramePlan) -> float:
    """The score of fit of a frame; NaN of corrected labels, and of a method without learning."""
    if plan.opened.truth or not isinstance(plan.job.model, Checkpoint):
        return float("nan")
    found = [plan.store.get(region, "sure")["sure"] for region in plan.regions]
    return fit_score(np.sum(found, axis=0))


def frame_precision(plan: FramePlan) -> str:
    """The numbers that the network computed with; "" of corrected labels and of other methods."""
    if plan.opened.truth or not isinstance(plan.job.model, Checkpoint):
        return ""
    return plan.job.model.settle(plan.settings.predict).precision


def region_messages(plan: FramePlan) -> list[str]:
    """What the user should know of how the regions of a frame were done."""
    found = (plan.store.get(region, "messages")["messages"] for region in plan.regions)
    return [message for messages in found for message in messages.tolist()]


def large_messages(plan: FramePlan, cells: Stitched) -> list[str]:
    """What the user should know of how a large frame was done."""
    reduce = plan.reduce
    size = f"; the overlay has 1 pixel for {reduce} × {reduce} of them" if reduce > 1 else ""
    messages = [f"done in {len(plan.regions)} regions of {plan.core_px} px a side{size}"]
    if cells.oversize:
        messages.append(
            f"cells that reach farther than {plan.margins.most} px beyond a region: "
            f"{len(cells.oversize)}, put together of parts; only their place and area are measured"
        )
    if cells.n_disputed:
        messages.append(f"pixels that two regions gave to two cells: {cells.n_disputed}")
    return messages


def noise_notes(plan: FramePlan) -> list[str]:
    """What is said of a large frame that shows nothing but noise, if it is one."""
    channel = find_channel(plan.file, plan.job.reading)
    known = read_statistics(statistics_path(plan.folder, channel))
    if known is None or not known.shows_noise or is_gap(plan):
        return []
    return [NOISE if plan.file.n_frames == 1 else NOISY_FRAMES]


@dataclass(frozen=True)
class Overview:
    """A large frame as a picture.

    Attributes:
        picture: (h, w) or (h, w, 3) float32, in the image's own values.
        labels: (h, w) uint32, the cell in the middle of each of its pixels.
    """

    picture: NDArray[np.float32]
    labels: NDArray[np.uint32]


def make_overview(found: RegionLabels, cells: Stitched, *, reduce: int) -> Overview:
    """Put the reduced pictures of the regions together, and the labels beneath them."""
    height, width = (-(-length // reduce) for length in found.shape)
    labels = np.zeros((height, width), dtype=np.uint32)
    picture = np.zeros((height, width), dtype=np.float32)
    for region in found.regions:
        part = found.store.get(region, "picture")["picture"]
        if region.number == 0:  # colour or not
            picture = np.zeros((height, width, *part.shape[2:]), dtype=np.float32)
        rows, columns = (slice(p.start // reduce, -(-p.stop // reduce)) for p in region.core)
        picture[rows, columns] = part
        middles = found.final(region.core, cells.numbers)
        across = _middles(middles.shape[1], reduce)
        labels[rows, columns] = middles[_middles(middles.shape[0], reduce)[:, None], across]
    return Overview(picture, labels)


def _middles(length: int, reduce: int) -> NDArray[np.int64]:
    """The middle of each stretch of so many pixels."""
    starts = np.arange(0, length, reduce)
    middles: NDArray[np.int64] = (starts + np.minimum(starts + reduce, length)) // 2
    return np.minimum(middles, length - 1)
