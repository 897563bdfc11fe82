"""planned frames → their regions segmented and kept, in tasks that any process may do.

All that a task needs is the image file, the job and the folder of the results, and what it makes is
kept there in files of its own, whole or not at all. So tasks may be done in any order and by
anyone, and one that is done is not done again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coverslip.errors import FileError
from coverslip.io import writing
from coverslip.pipeline.fit import misfit_notes
from coverslip.pipeline.frame_cells import do_frames, do_regions, is_frame_done
from coverslip.pipeline.job import job_key
from coverslip.pipeline.plan import is_large, moved_message, plan_frames
from coverslip.pipeline.record import write_record
from coverslip.pipeline.resolve import left_open, resolve_plans
from coverslip.pipeline.results import write_results
from coverslip.pipeline.scale import scale_messages
from coverslip.pipeline.store import BROKEN
from coverslip.pipeline.tile_cache import drop_all_tiles

if TYPE_CHECKING:
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.plan import FramePlan, OpenedImage
    from coverslip.pipeline.record import Record

WHOLE = ("image", "finish")  # tasks that end with an image's results
RUN = 16  # frames of a film that make one task: to open a long film takes as long as one of them


@dataclass(frozen=True)
class Task:
    """A piece of the work on an image.

    Attributes:
        opened: the image.
        kind: "image", all of it; "scale", what all other tasks of a frame rest on, such as the size
            of its cells; "frames" of a film; a "region" of a large frame; or "finish", which
            comes after all others of an image: its results, from what they kept.
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


class DoneBefore(NamedTuple):
    """How much of an image earlier starts have done."""

    n_done: int
    n_all: int
    what: str  # "frames" or "regions"


def count_done_before(opened: OpenedImage, job: Job) -> DoneBefore:
    """Count the frames or regions that earlier starts have kept of an image that is not done."""
    plans = plan_frames(opened, job)
    if plans[0].is_large:
        folders = [(plan.store, region) for plan in plans for region in plan.regions]
        n_done = sum(store.is_done(region) for store, region in folders)
        return DoneBefore(n_done, len(folders), "regions")
    return DoneBefore(sum(map(is_frame_done, plans)), len(plans), "frames")


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
    if task.kind in WHOLE:
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
        notes = [*record.notes, *misfit_notes(plans[0], record.images)]
        notes += [moved_message(old, new) for old, new in ledger.moved]
        record = replace(record, notes=notes)
        write_record(opened.target.record, record)
    opened.target.forget_parts()
    ledger.compact()
    return record
