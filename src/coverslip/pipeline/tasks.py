"""planned frames → their regions segmented and kept, in tasks that any process may do.

All that a task needs is the image file, the job and the folder of the results, and what it makes is
kept there in files of its own, whole or not at all. So tasks may be done in any order and by
anyone, and one that is done is not done again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from coverslip.checkpoints import Checkpoint
from coverslip.device import ShortMemoryError
from coverslip.errors import FileError
from coverslip.inference import smaller_tiles_message
from coverslip.io import find_channel, writing
from coverslip.pipeline.corrected import opened_truth, take_from_labels
from coverslip.pipeline.fit import (
    TRY_PX,
    misfit_message,
    misfit_reasons,
    try_model,
    try_shipped,
)
from coverslip.pipeline.frame import hold_frames
from coverslip.pipeline.plan import (
    is_large,
    moved_message,
    plan_frames,
)
from coverslip.pipeline.record import job_key, write_record
from coverslip.pipeline.region import find_in_region, measure_region, pack_region, reduce_picture
from coverslip.pipeline.resolve import left_open, resolve_plans, scale_windows, settle_frame
from coverslip.pipeline.results import write_frame_pictures, write_results
from coverslip.pipeline.scale import (
    busiest,
    is_right_scale,
    scale_messages,
)
from coverslip.pipeline.store import BROKEN, RegionFolder
from coverslip.pipeline.tile_cache import drop_all_tiles, drop_tiles, smaller_tiles
from coverslip.report import pick_frames
from coverslip.value_range import is_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.pipeline.frame import HeldFrame, WindowedFrame
    from coverslip.pipeline.plan import FramePlan, OpenedImage
    from coverslip.pipeline.record import Job, Record
    from coverslip.pipeline.region import RegionResult
    from coverslip.tiling import Region

RUN = 16  # frames of a film that make one task: to open a long film takes as long as one of them


@dataclass(frozen=True)
class Task:
    """A piece of the work on an image.

    Attributes:
        opened: the image.
        kind: "image", all of it; "scale", what all other tasks of a frame rest on, such as the size
            of its cells; "frames" of a film; or a "region" of a large frame.
        frames: the first and the last one + 1.
        region: its number.
        n_done: how many of the image's frames or regions it brings.
    """

    opened: OpenedImage
    kind: str
    frames: tuple[int, int] = (0, 1)
    region: int = 0
    n_done: int = 0

    @property
    def name(self) -> tuple[object, ...]:
        """What tells it from all other tasks."""
        return self.opened.file.path, self.kind, self.frames, self.region

    @property
    def place(self) -> tuple[int, int]:
        """Frame and region: what one process that does all in turn would come to first."""
        return self.frames[0], self.region


class Progress(NamedTuple):
    """How far an image is."""

    n_done: int
    n_all: int
    what: str  # "frames" or "regions"


def how_far(opened: OpenedImage, job: Job) -> Progress:
    """What earlier starts have kept of an image that is not done."""
    plans = plan_frames(opened, job)
    if plans[0].is_large:
        folders = [(plan.store, region) for plan in plans for region in plan.regions]
        n_done = sum(store.is_done(region) for store, region in folders)
        return Progress(n_done, len(folders), "regions")
    return Progress(sum(map(is_frame_done, plans)), len(plans), "frames")


def is_frame_there(plan: FramePlan) -> bool:
    """Whether a film's frame and its pictures are there, by a quick look."""
    n_frames, target = plan.file.n_frames, plan.opened.target
    if not isinstance(plan.store, RegionFolder):
        return False
    wanted = [plan.store.path(plan.regions[0]), target.overlay(plan.index, n_frames)]
    wanted += [target.thumbnail(plan.index)] if plan.index in pick_frames(n_frames) else []
    return all(path.is_file() for path in wanted)


def is_frame_done(plan: FramePlan) -> bool:
    """The same, and that what is kept can be read from end to end."""
    return is_frame_there(plan) and plan.store.is_done(plan.regions[0])


def image_to_tasks(opened: OpenedImage, job: Job, *, run: int = RUN) -> list[list[Task]]:
    """Cut the work that is left into tasks.

    Args:
        opened: the image.
        job: that with which it was begun.
        run: so many frames of a film make one task.

    Returns:
        Groups of tasks. The first task of a group comes before the others of it, and the first of
        all before all.

    Raises:
        SettingsError: an image that must be done region by region, and an option against it.
    """
    file = opened.file
    if is_large(file, job):
        return [_region_tasks(plan) for plan in plan_frames(opened, job)]
    if file.n_frames == 1:
        return [[Task(opened, "image", n_done=1)]]
    missing = np.array([not is_frame_done(plan) for plan in plan_frames(opened, job)])
    ends = [*range(0, file.n_frames, run), file.n_frames]
    runs = [
        Task(opened, "frames", (first, last), n_done=int(missing[first:last].sum()))
        for first, last in pairwise(ends)
        if missing[first:last].any()
    ]
    return [[Task(opened, "scale"), *runs]]


def _region_tasks(plan: FramePlan) -> list[Task]:
    """The tasks of one large frame."""
    frames = (plan.index, plan.index + 1)
    missing = [one.number for one in plan.regions if not plan.store.is_done(one)]
    regions = [Task(plan.opened, "region", frames, number, n_done=1) for number in missing]
    return [Task(plan.opened, "scale", frames), *regions]


def do_task(task: Task, job: Job) -> None:
    """Do a task, and keep what it makes where `finish_image` finds it.

    Args:
        task: of `image_to_tasks`.
        job: that with which its image was begun.

    Raises:
        CoverslipError: the image cannot be read or predicted, or a result not be written.
    """
    opened = task.opened
    if task.kind == "image":
        if opened.done() is None:
            finish_image(opened, job=job)
        return
    plans = resolve_plans(plan_frames(opened, job))
    chosen = plans[slice(*task.frames)]
    if task.kind == "region":
        do_regions(chosen[0], [task.region])
    elif task.kind == "frames":
        do_frames(chosen)
    elif chosen[0].is_large:
        with chosen[0].open_windows():  # the first time, it is read from top to bottom
            pass


def finish_image(opened: OpenedImage, *, job: Job) -> Record:
    """Do of an image what is not done yet, and write its results and its record.

    Args:
        opened: the image.
        job: that with which it was begun.

    Raises:
        CoverslipError: it cannot be read or predicted, or a result not be written; or what an
            earlier start has kept of it is damaged, and was removed.
    """
    had_kept = opened.parts(job).is_dir()
    try:
        return _finish(opened, job)
    except (*BROKEN, IndexError) as error:
        if not had_kept:
            raise
        opened.target.forget_parts()
        raise FileError(
            f"{opened.file.path}: a frame that was done before can no longer be read "
            f"({type(error).__name__}: {error}), and what was kept of it was removed: start again."
        ) from error


def _finish(opened: OpenedImage, job: Job) -> Record:
    file = opened.file
    plans = plan_frames(opened, job)
    if plans[0].is_large or file.n_frames > 1:
        plans = resolve_plans(plans)
    if plans[0].is_large:
        for plan in plans:
            do_regions(plan)
            drop_all_tiles(plan)
    else:
        plans = do_frames(plans)
    if job_key(file.path, job) != opened.key:
        opened.target.forget(labels_too=not opened.truth)
        raise FileError(f"{file.path}: was changed while it was read: start again when it is done.")
    messages = [*filter(None, [opened.choice]), *file.notes]
    if left_open(job) and not opened.truth:
        messages += scale_messages(plans[0].settings, job.model, guess=opened.guess)
    ledger = opened.target.ledger()
    with writing(ledger):
        record = write_results(plans, messages=messages)
        record = replace(record, notes=[*record.notes, *misfit_notes(plans, record)])
        moved = [moved_message(old, new) for old, new in ledger.moved]
        record = replace(record, notes=[*record.notes, *moved])
        write_record(opened.target.record, record)
    opened.target.forget_parts()
    ledger.compact()
    return record


def misfit_notes(plans: Sequence[FramePlan], record: Record) -> list[str]:
    """What the user should know where the model does not fit an image, with one that fits better.

    The model and the others that ship are tried on a part of the image, the same whoever does it.
    """
    plan = plans[0]
    model, settings = plan.job.model, plan.settings
    if plan.opened.truth or not isinstance(model, Checkpoint):
        return []
    reasons = misfit_reasons(record.images, model, settings)
    pieces = [part for part in scale_windows(plan) if not is_noise(part)][:1] if reasons else []
    if not pieces:
        return []
    pieces = [busiest(pieces[0], share=TRY_PX**2 / (pieces[0].shape[0] * pieces[0].shape[1]))]
    own = try_model(pieces, model, settings=settings)  # at the scale of the whole image
    trials = try_shipped(pieces, settings=plan.job.settings, known=[own])
    return [misfit_message(reasons, name=plan.job.model_name, own=own, trials=trials)]


def do_frames(plans: Sequence[FramePlan]) -> list[FramePlan]:
    """Segment frames that fit into memory, one after the other, those that are not done yet.

    Returns:
        The plans with their settings settled, where an image's own cells decided.
    """
    missing = {plan.index: plan for plan in plans if not is_frame_done(plan)}
    if not missing:
        return list(plans)
    one = plans[0]
    channel = find_channel(one.file, one.job.reading)
    done = {plan.index: plan for plan in plans}
    for frame in hold_frames(one.file, list(missing), one.job.model, channel=channel):
        done[frame.number] = do_frame(missing[frame.number], frame)
    return list(done.values())


def do_frame(plan: FramePlan, frame: HeldFrame) -> FramePlan:
    """Segment a frame in memory, draw it, and keep what was found."""
    (region,) = plan.regions
    messages: list[str] = list(frame.notes)
    plan, found = find_in_frame(plan, frame, messages=messages)
    arrays = pack_found(plan, region, frame, found=found, messages=messages)
    ledger = plan.opened.target.ledger()
    with writing(ledger):
        write_frame_pictures(plan, frame, arrays)
    # Kept with the frame, since it may be another process that tells the user.
    messages += [moved_message(old, new) for old, new in ledger.moved]
    plan.store.put(region, {**arrays, "messages": np.array(messages, dtype=str)})
    return plan


def find_in_frame(
    plan: FramePlan, frame: HeldFrame, *, messages: list[str]
) -> tuple[FramePlan, RegionResult]:
    """Find the cells of a frame in memory, at the scale of its folder where that is right here too.

    Where the cells that are found so are of another size than the model's, or where the model does
    not fit so, the scale is looked for in this image alone.

    Returns:
        The plan with its settings settled, and the cells.
    """
    (region,) = plan.regions
    guess = plan.opened.guess
    settled = settle_frame(plan, frame, guess=guess)
    found = find_cells(settled, region, frame, messages=messages)
    if plan.opened.truth or guess is None or guess.is_sure:
        return settled, found
    if is_right_scale(found.labels, found.probs, plan.job.model, scale=guess.scale):
        return settled, found
    alone = settle_frame(plan, frame)
    if alone.settings == settled.settings:
        return settled, found
    return alone, find_cells(alone, region, frame, messages=messages)


def segment_region(
    plan: FramePlan,
    region: Region,
    frame: HeldFrame | WindowedFrame,
    *,
    messages: list[str],
) -> dict[str, NDArray[Any]]:
    """Find and measure the cells of a region; what is to be kept of it, as arrays by name.

    Args:
        plan: of the frame, with nothing left open.
        region: of the frame.
        frame: the frame.
        messages: what the user should know of it; what is found out here is added.
    """
    found = find_cells(plan, region, frame, messages=messages)
    return pack_found(plan, region, frame, found=found, messages=messages)


def find_cells(
    plan: FramePlan,
    region: Region,
    frame: HeldFrame | WindowedFrame,
    *,
    messages: list[str],
) -> RegionResult:
    """Find the cells of a region, or take those that a person drew."""
    if plan.opened.truth:
        with opened_truth(plan) as read:
            return take_from_labels(plan, region, read)
    return find_in_region(
        frame,
        region,
        model=plan.job.model,
        settings=plan.settings,
        margins=plan.margins,
        tiles=plan.tiles if plan.is_large else None,
        on_message=messages.append,
    )


def pack_found(
    plan: FramePlan,
    region: Region,
    frame: HeldFrame | WindowedFrame,
    *,
    found: RegionResult,
    messages: list[str],
) -> dict[str, NDArray[Any]]:
    """Measure the cells of a region; what is to be kept of it, as arrays by name."""
    rows = measure_region(
        frame,
        found,
        model=plan.job.model,
        settings=plan.settings,
        pixel_size_um=plan.file.pixel_size_um,
    )
    maps = () if plan.opened.truth else kept_maps(plan.job)
    arrays = pack_region(found, region, rows, maps=maps)
    return {**arrays, "messages": np.array(messages, dtype=str)}


def kept_maps(job: Job) -> tuple[str, ...]:
    """The maps that are to be written."""
    return ("probs",) * job.keep_probs + ("spread",) * job.keep_spread


def do_regions(plan: FramePlan, numbers: Sequence[int] | None = None) -> None:
    """Segment the regions of a large frame that are not done, or whose file is broken.

    Args:
        plan: of the frame.
        numbers: of the regions; None: all.

    Raises:
        CoverslipError: the frame cannot be read or predicted, or a result not be written.
    """
    chosen = plan.regions if numbers is None else [plan.regions[number] for number in numbers]
    missing = [one for one in chosen if not plan.store.is_done(one)]
    if missing:
        with plan.open_windows() as frame:
            for region in missing:
                plan = do_region(plan, region, frame)


def do_region(plan: FramePlan, region: Region, frame: WindowedFrame) -> FramePlan:
    """Segment a region, in smaller tiles where memory is short; the plan as it is to go on."""
    messages: list[str] = []
    while True:
        smaller = smaller_tiles(plan)
        try:
            arrays = segment_region(plan, region, frame, messages=messages)
        except ShortMemoryError:
            if smaller is None:
                raise
        else:
            picture = reduce_picture(frame.image(region.core), plan.reduce)
            plan.store.put(region, {**arrays, "picture": picture})
            drop_tiles(plan, region, plan.tile_grid)
            return plan
        # Outside of the except clause, whose traceback keeps the memory of what failed.
        messages.append(smaller_tiles_message(smaller.predict))
        plan = replace(plan, settings=smaller)
