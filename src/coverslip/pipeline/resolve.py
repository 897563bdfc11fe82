"""plans of frames → the same with every setting settled: the scale, or a person's labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from coverslip.io import find_channel
from coverslip.pipeline.frame import hold_frames
from coverslip.pipeline.plan import is_gap, keep_scale, kept_scale, settings_at
from coverslip.pipeline.scale import find_scale, sample_frames, sample_pieces, windows
from coverslip.pipeline.settings import scale_of
from coverslip.value_range import is_noise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from coverslip.pipeline.frame import HeldFrame
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.plan import FramePlan
    from coverslip.pipeline.scale import Guess


def left_open(job: Job) -> bool:
    """Whether the image's cells are to say at which scale it is predicted."""
    return job.settings.scale == "auto"


def resolve_plans(plans: list[FramePlan]) -> list[FramePlan]:
    """Settle the scale of all frames: some frames' cells decide, once for all processes.

    Raises:
        FileError: one of these frames cannot be read.
    """
    first = next((plan for plan in plans if not is_gap(plan)), plans[0])
    if first.opened.truth:
        return [plan_for_truth(plan) for plan in plans]
    scale = scale_of(first.job.settings)
    if left_open(first.job):
        kept = kept_scale(first.opened, first.job)
        scale = first_scale(first) if kept is None else kept
    settings = settings_at(first.job, scale)
    return [replace(plan, settings=settings) for plan in plans]


def first_scale(plan: FramePlan) -> float:
    """Find the scale at which an image's cells have the size that the model knows; keep it."""
    scale = find_scale(scale_windows(plan), plan.job.model, settings=plan.job.settings)
    keep_scale(plan.opened, plan.job, scale)
    return scale


def plan_for_truth(plan: FramePlan) -> FramePlan:
    """The plan of a frame whose cells a person drew: all of them count, at the image's own size."""
    settings = replace(settings_at(plan.job, 1.0), min_area_px=0, drop_border=False)
    return replace(plan, settings=settings)


def scale_windows(plan: FramePlan) -> list[NDArray[np.float32]]:
    """The parts of an image in which the size of its cells is measured: of a film, of some frames.

    Frames too large to be held are looked at one by one, until one shows something.
    """
    file, job = plan.file, plan.job
    numbers = sample_frames(file.n_frames)
    if plan.is_large:
        pieces = []
        for number in numbers:
            with replace(plan, index=number).open_windows() as frame:
                found = [frame.prepared(window) for window in windows(frame.shape)]
            pieces = [piece for piece in found if not is_noise(piece)]
            if pieces:
                break
        return pieces
    channel = find_channel(file, job.reading)
    held = hold_frames(file, numbers, job.model, channel=channel)
    return sample_pieces(frame.stretched for frame in held)


def settle_frame(plan: FramePlan, frame: HeldFrame, *, guess: Guess | None = None) -> FramePlan:
    """Leave nothing open in the settings of a frame in memory; its cells say, or a guess does."""
    if plan.opened.truth:
        return plan_for_truth(plan)
    settings, job = plan.settings, plan.job
    scale = scale_of(settings)
    if settings.scale == "auto" and guess is not None:
        scale = guess.scale
    elif settings.scale == "auto":
        pieces = [frame.prepared(window) for window in windows(frame.shape)]
        scale = find_scale(pieces, job.model, settings=settings)
    return replace(plan, settings=settings_at(job, scale))
