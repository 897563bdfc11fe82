"""one image file + a job → its earlier record, or a clean place and the plan of its frames.

A time-lapse is planned frame by frame, a whole-slide image region by region.

A frame is one or more regions. One that fits into memory is one region, held whole; a larger one is
cut into squares. Everything that follows is the same for both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from coverslip.checkpoints import Checkpoint
from coverslip.errors import SettingsError
from coverslip.io import find_channel, find_gap, open_reading, write_text
from coverslip.pipeline.corrected import NO_TRUTH, find_truth, hash_labels
from coverslip.pipeline.frame import open_windows
from coverslip.pipeline.infer import network_of, scaled_shape
from coverslip.pipeline.job import code_key, work_key
from coverslip.pipeline.old import adopt_old
from coverslip.pipeline.record import Record, read_any_record, read_record
from coverslip.pipeline.region import Margins
from coverslip.pipeline.scale import LEAST_ZOOM, MOST_ZOOM, Guess, resolve_by
from coverslip.pipeline.settings import scale_of
from coverslip.pipeline.sources import check_length, keep_source
from coverslip.pipeline.stitch import RegionLabels, stitch_regions
from coverslip.pipeline.store import HeldRegions, RegionFolder, TileCache
from coverslip.segmentation import UNSEEN_PX
from coverslip.tiling import lay_regions, whole_region

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from coverslip.io import ImageFile
    from coverslip.pipeline.frame import WindowedFrame
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.pipeline.stitch import Stitched
    from coverslip.pipeline.store import RegionStore
    from coverslip.tiling import Grid, Region

OVERVIEW_PX = 4096  # longer side of the pictures of a large frame: more, no screen shows


@dataclass(frozen=True)
class OpenedImage:
    """An image that is to be segmented; nothing of another job is left where its results go.

    Attributes:
        file: the image file.
        target: where its results go.
        key: the record's key.
        work: the same without the version of coverslip.
        truth: of label files that a person changed, which all else is made of, the hash; or "".
        is_mask: whether these label files have one number for all cells, whose pieces they are.
        notes: what became of earlier results.
        guess: the scale on which images of its folder agree, if they do.
        choice: why its model was chosen of several, where it was; or "".
    """

    file: ImageFile
    target: Outputs
    key: str
    work: str = ""
    truth: str = ""
    is_mask: bool = False
    notes: tuple[str, ...] = ()
    guess: Guess | None = None
    choice: str = ""

    def parts(self, job: Job) -> Path:
        """Where what is done of it is kept until all of it is."""
        return self.target.parts(job=job, key=self.truth[:16] + self.key)

    def done(self) -> Record | None:
        """The record of all of it, once there is one."""
        return read_record(self.target.record, key=self.key, truth=self.truth)


def begin_image(
    path: Path, target: Outputs, *, job: Job, thumbnails: Sequence[Path], overwrite: bool = False
) -> OpenedImage | Record:
    """Look whether an image was done before, and if not, clear its place and open it.

    Args:
        path: the image file.
        target: where its results go.
        job: model, settings and what to keep.
        thumbnails: those of the image that are there, from `find_thumbnails`.
        overwrite: do again what is done already.

    Returns:
        Its record if it was done before, by the same job.

    Raises:
        CoverslipError: it cannot be read, or earlier results cannot be removed.
    """
    check_length(path, target.name, target.folder)
    work = work_key(path, job)
    key = code_key(work)
    notes = adopt_old(target)
    earlier = read_any_record(target.record)
    truth = NO_TRUTH
    # A record of before `work` was kept does not say what was asked for: a person's labels count.
    if earlier is not None and earlier.work in (work, "") and not overwrite:
        digests = hash_labels(target.folder, earlier.labels)
        if earlier.key == key and is_done(target, earlier, digests, job=job):
            target.forget_parts()
            return earlier
        truth = find_truth(target, earlier, digests)
    # First of all: an image that broke since must not keep its old labels.
    kept = None if overwrite else target.parts(job=job, key=truth.digest[:16] + key)
    moved = target.forget(thumbnails, but=kept, labels_too=not truth.digest)
    keep_source(target.folder, target.name, path)
    notes += [moved_message(old, new) for old, new in moved]
    file = calibrate(open_reading(path, job.reading), job)
    return OpenedImage(
        file, target, key, work, truth=truth.digest, is_mask=truth.is_mask, notes=tuple(notes)
    )


def calibrate(file: ImageFile, job: Job) -> ImageFile:
    """Put a pixel size and an interval that were asked for in the place of the file's own."""
    size, interval = job.pixel_size_um, job.frame_interval_s
    notes = []
    if size is not None and file.pixel_size_um not in (None, size):
        notes.append(
            f"a pixel size of {_by(size)} µm as asked for, where the file says "
            f"{_by(file.pixel_size_um)} µm"
        )
    if interval is not None and file.frame_interval_s not in (None, interval):
        notes.append(
            f"{interval:g} s between frames as asked for, where the file says "
            f"{file.frame_interval_s:g} s"
        )
    return replace(
        file,
        pixel_size_um=size or file.pixel_size_um,
        frame_interval_s=interval or file.frame_interval_s,
        notes=(*file.notes, *notes),
    )


def _by(size: tuple[float, float] | None) -> str:
    return " × ".join(f"{side:.4g}" for side in size or ())


def is_done(target: Outputs, earlier: Record, digests: dict[str, str], *, job: Job) -> bool:
    """Whether all that a job wants is there, and the labels are those of the record."""
    if earlier.truth:  # no model has seen the cells of corrected labels: there are no maps of them
        job = replace(job, keep_probs=False, keep_spread=False)
    return digests == earlier.digests and target.complete(
        job, n_frames=len(earlier.images), labels=earlier.labels, files=earlier.row_files
    )


def moved_message(old: Path, new: Path) -> str:
    """What is said of a file that was kept under another name."""
    return f"{old} was changed since it was written, and is kept as {new.name}"


def is_large(file: ImageFile, job: Job) -> bool:
    """Whether a file's frames are too large to be held, and so are cut into regions."""
    height, width = file.frame_shape
    return height * width > job.regions.most_px


@dataclass(frozen=True)
class FramePlan:
    """All that it takes to do any region of a frame, here or on another machine.

    Attributes:
        opened: the image.
        index: of the frame.
        job: the model, and what is wanted.
        settings: those of the job; once the scale is known, with nothing left open.
        store: where the results of its regions are kept.
    """

    opened: OpenedImage
    index: int
    job: Job
    settings: SegmentSettings
    store: RegionStore = field(repr=False)

    @property
    def file(self) -> ImageFile:
        """The image file."""
        return self.opened.file

    @property
    def is_large(self) -> bool:
        """Whether it is cut into regions."""
        return is_large(self.file, self.job)

    @property
    def reduce(self) -> int:
        """Side of the squares that become a pixel of a large frame's overview."""
        reduce = 1
        while self.is_large and max(self.file.frame_shape) > OVERVIEW_PX * reduce:
            reduce *= 2
        return reduce

    @property
    def core_px(self) -> int:
        """Side of a region of a large frame."""
        return -(-self.job.regions.core_px // self.reduce) * self.reduce

    @cached_property
    def regions(self) -> list[Region]:
        """The frame's regions, in reading order."""
        if not self.is_large:
            return [whole_region(self.file.frame_shape)]
        return lay_regions(self.file.frame_shape, core=self.core_px)

    @property
    def margins(self) -> Margins:
        """Those of the settings, at the model's scale."""
        how = self.job.regions
        first = max(1, round(how.margin_px / scale_of(self.settings)))
        return Margins(first=first, most=max(first, how.most_margin_px))

    @property
    def folder(self) -> Path:
        """What is kept of this frame alone."""
        return frame_folder(self.opened, self.job, self.index)

    @property
    def tiles(self) -> TileCache:
        """The tiles of one size that are predicted, and needed again."""
        return TileCache(self.folder / f"tiles_{self.settings.predict.tile_px}")

    @property
    def tile_grid(self) -> Grid:
        """Where the tiles of the scaled frame lie."""
        model = network_of(self.job.model)
        shape = scaled_shape(self.file.frame_shape, scale_of(self.settings))
        return model.predictor(self.settings.predict).grid(shape)

    def tile_reach(self) -> int:
        """How far beyond its core a region looks at first, in pixels of the image."""
        return self.margins.first + UNSEEN_PX + 2 + round(1 / scale_of(self.settings))

    def open_windows(self) -> AbstractContextManager[WindowedFrame]:
        """Open a large frame; it is read whole once, by this or an earlier process.

        Raises:
            FileError: it cannot be read.
        """
        return open_windows(
            self.file,
            self.index,
            channel=find_channel(self.file, self.job.reading),
            how=network_of(self.job.model).preprocess,
            folder=self.folder,
        )

    def stitch(self, store: RegionStore | None = None) -> tuple[RegionLabels, Stitched]:
        """The labels of the frame, whose regions are all done, and its cells.

        Args:
            store: where its regions are; None: where the plan keeps them.
        """
        labels, settings = RegionLabels(self.regions, store or self.store), self.settings
        cells = stitch_regions(
            labels, min_area_px=settings.min_area_px or 0, drop_border=settings.drop_border
        )
        return labels, cells


def plan_frames(opened: OpenedImage, job: Job) -> list[FramePlan]:
    """Say how each frame of an image is to be done, and where its regions are kept.

    An image of one frame that fits into memory keeps nothing on disk until it is done.

    Raises:
        SettingsError: a large frame, and a model or an option that needs the whole of it.
    """
    if is_large(opened.file, job):
        check_large(opened.file, job)
    n_frames = opened.file.n_frames
    held = n_frames == 1 and not is_large(opened.file, job)
    stores: list[RegionStore] = [
        HeldRegions() if held else RegionFolder(frame_folder(opened, job, index))
        for index in range(n_frames)
    ]
    return [
        FramePlan(opened, index, job, job.settings, store) for index, store in enumerate(stores)
    ]


def frame_folder(opened: OpenedImage, job: Job, index: int) -> Path:
    """Where what is done of a frame is kept."""
    return opened.parts(job) / f"{index:05d}"


def check_large(file: ImageFile, job: Job) -> None:
    """Refuse what needs the whole of a frame that does not fit into memory.

    Raises:
        SettingsError: a model without learning, or maps to be written.
    """
    height, width = file.frame_shape
    whole = (
        f"a frame of {width:,} × {height:,} pixels is done region by region, as all of more than "
        f"{job.regions.most_px:,.0f} are; with --region 0 it is done whole, if it fits into memory."
    )
    if not isinstance(job.model, Checkpoint):
        raise SettingsError(
            f"{job.model.name} is a method without learning and looks at the whole image: {whole}"
        )
    if job.keep_probs or job.keep_spread:
        raise SettingsError(f"--probs and --uncertainty are written of whole images alone: {whole}")


def kept_scale(opened: OpenedImage, job: Job) -> float | None:
    """The scale that was found for an image and kept; None where none was."""
    try:
        scale = float(json.loads(_scale_path(opened, job).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return None
    return scale if LEAST_ZOOM <= scale <= MOST_ZOOM else None


def keep_scale(opened: OpenedImage, job: Job, scale: float) -> None:
    """Keep the scale of an image's cells, for all frames, processes and later starts.

    Raises:
        FileError: it cannot be kept.
    """
    write_text(_scale_path(opened, job), json.dumps(scale))


def _scale_path(opened: OpenedImage, job: Job) -> Path:
    return opened.parts(job) / "scale.json"


def settings_at(job: Job, scale: float) -> SegmentSettings:
    """The job's settings with nothing left open."""
    return resolve_by(replace(job.settings, scale=scale), [], job.model)


def is_gap(plan: FramePlan) -> bool:
    """Whether a frame is not in the file, and so left empty."""
    channel = find_channel(plan.file, plan.job.reading)
    return find_gap(plan.file, plan.index, channel=channel) is not None
