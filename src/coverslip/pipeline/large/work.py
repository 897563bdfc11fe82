"""one frame + a job → its regions, each done once and kept in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.cells import UNSEEN_PX
from coverslip.checkpoint import Checkpoint
from coverslip.device import ShortMemoryError
from coverslip.errors import SettingsError
from coverslip.files import channel_number
from coverslip.pipeline.large.frame import open_large, scaled_shape
from coverslip.pipeline.large.kept import RegionFolder, TileFolder, write_arrays
from coverslip.pipeline.large.region import Plan, do_region
from coverslip.predict import halve_tiles, lay_grid, say_smaller
from coverslip.regions import lay_regions

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.files import ImageFile
    from coverslip.pipeline.large.frame import Frame
    from coverslip.pipeline.record import Job
    from coverslip.regions import Region, Window
    from coverslip.tiles import Grid

OVERVIEW_PX = 4096  # longer side of the pictures of a large frame: more, no screen shows


@dataclass(frozen=True)
class Work:
    """All that it takes to do any region of a frame, here or on another machine.

    Attributes:
        file: the image file.
        index: of the frame.
        job: settings.
        model: that of the job.
        folder: where the frame's regions are kept; it belongs to this work alone.
    """

    file: ImageFile
    index: int
    job: Job
    model: Checkpoint
    folder: Path

    @property
    def scale(self) -> float:
        """Share of its size that the frame is predicted at."""
        return self.job.settings.scale or 1.0

    @property
    def plan(self) -> Plan:
        """Sizes in pixels of the image: margins are those of the settings at the model's scale."""
        how = self.job.regions
        reduce = 1
        while max(self.file.frame_shape) > OVERVIEW_PX * reduce:
            reduce *= 2
        margin = max(1, round(how.margin_px / self.scale))
        return Plan(
            core=-(-how.core_px // reduce) * reduce,
            margin=margin,
            most_margin=max(margin, how.most_margin_px),
            reduce=reduce,
        )

    @property
    def regions(self) -> list[Region]:
        """The frame's regions, in reading order."""
        return lay_regions(self.file.frame_shape, core=self.plan.core)

    @property
    def done(self) -> RegionFolder:
        """The regions that are done."""
        return RegionFolder(self.folder)

    @property
    def tiles(self) -> TileFolder:
        """The tiles of one size that are predicted, and needed again."""
        return TileFolder(self.folder / f"tiles_{self.job.settings.predict.tile_px}")


def plan_work(file: ImageFile, index: int, *, job: Job, folder: Path) -> Work:
    """Say how a frame is to be done, and where its regions are kept.

    Args:
        file: the image file.
        index: of the frame.
        job: model and settings, of which none is left open, see `coverslip.pipeline.size.settle`.
        folder: of this file and job alone; each frame has a folder of its own in it.

    Raises:
        SettingsError: a model or an option that needs the whole frame at once.
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
    return Work(file, index, job, job.model, folder / f"{index:05d}")


def do_work(
    work: Work,
    *,
    on_region: Callable[[int], None] = lambda number: None,
    tell: Callable[[str], None] = lambda text: None,
) -> None:
    """Do all regions of a frame that are not done, or whose file is broken.

    Args:
        work: the frame.
        on_region: called with the number of each region that is done, now or before.
        tell: called with what the user should know.

    Raises:
        CoverslipError: the frame cannot be read or predicted, or a result not be written.
    """
    missing = [one for one in work.regions if not work.done.is_done(one)]
    for number in range(len(work.regions) - len(missing)):
        on_region(number)
    if missing:
        with open_work(work) as frame:
            for region in missing:
                work = work_with_less(work, region, frame, tell=tell)
                on_region(region.number)
    drop_all_tiles(work)


def work_with_less(
    work: Work, region: Region, frame: Frame, *, tell: Callable[[str], None]
) -> Work:
    """Do a region, with smaller tiles where memory is short; the work as it is to go on."""
    while True:
        how = work.job.settings.predict
        shape = scaled_shape(frame.shape, work.scale)
        smaller = halve_tiles(work.model.network, shape, settings=how)
        try:
            work_on(work, region, frame)
            return work
        except ShortMemoryError:
            if smaller is None:
                raise
        tell(say_smaller(smaller))
        settings = replace(work.job.settings, predict=smaller)
        work = replace(work, job=replace(work.job, settings=settings))


def open_work(work: Work) -> AbstractContextManager[Frame]:
    """Open the frame of a work, which has been read whole once, by this or an earlier process.

    Raises:
        FileError: it cannot be read.
    """
    return open_large(
        work.file,
        work.index,
        channel=channel_number(work.file, work.job.channel),
        how=work.model.preprocess,
        folder=work.folder,
    )


def work_on(work: Work, region: Region, frame: Frame) -> None:
    """Do one region and keep it, whole or not at all.

    Raises:
        CoverslipError: the frame cannot be read or predicted, or the result not be written.
    """
    model, settings = work.model, work.job.settings
    found = do_region(
        frame,
        region,
        model=model,
        settings=settings,
        plan=work.plan,
        pixel_size_um=work.file.pixel_size_um,
        kept=work.tiles,
    )
    write_arrays(work.done.path(region), found)
    grid = lay_grid(model.network, scaled_shape(frame.shape, work.scale), settings=settings.predict)
    drop_tiles(work, region, grid)


def drop_tiles(work: Work, region: Region, grid: Grid) -> None:
    """Forget the tiles that no region will need any more, now that one more is done.

    One that is needed after all, for a wider margin, is predicted again.
    """
    regions, scale = work.regions, work.scale
    reach = work.plan.margin + UNSEEN_PX + 2 + round(1 / scale)
    windows = np.array([_edges(one.window(reach)) for one in regions]) * scale
    own = windows[region.number]
    waiting = np.array([not work.done.path(one).is_file() for one in regions])
    corners = np.array([grid.corner(index) for index in grid.indices])
    boxes = np.repeat(corners, 2, axis=1) + np.array([0, grid.tile[0], 0, grid.tile[1]])
    for number in np.flatnonzero(_meets(boxes, own)).tolist():
        if not (_meets(windows, boxes[number]) & waiting).any():
            work.tiles.drop(grid.indices[number])


def drop_all_tiles(work: Work) -> None:
    """Forget all tiles of a frame, of whatever size."""
    for tile in work.folder.glob("tiles_*/*.npy"):
        tile.unlink(missing_ok=True)


def _edges(window: Window) -> list[int]:
    return [edge for part in window for edge in (part.start, part.stop)]


def _meets(windows: NDArray[Any], box: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of some windows (n, 4) share a pixel with another: top, bottom, left, right."""
    down = (windows[:, 0] < box[1]) & (windows[:, 1] > box[0])
    meets: NDArray[np.bool_] = down & (windows[:, 2] < box[3]) & (windows[:, 3] > box[2])
    return meets
