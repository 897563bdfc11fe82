"""images that are the frames of one time-lapse → a job with one scale for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from coverslip.checkpoints import Method
from coverslip.io import find_channel, open_reading
from coverslip.pipeline.frame import hold_frames
from coverslip.pipeline.plan import settings_at
from coverslip.pipeline.scale import find_scale, sample_frames, sample_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from coverslip.pipeline.frame import HeldFrame
    from coverslip.pipeline.job import Job


def share_scale(paths: Sequence[Path], job: Job) -> Job:
    """Give frames in files of their own the scale that one film of them would have.

    Args:
        paths: The images, in the order of time; some of them, evenly over time, are looked at.
        job: Model, settings and how the images are read.

    Returns:
        The job with that scale; the same job where the scale is given, or not looked for.

    Raises:
        FileError: One of the images looked at cannot be read.
    """
    model = job.model
    if job.settings.scale != "auto" or isinstance(model, Method) or not paths:
        return job

    def held() -> Iterator[HeldFrame]:
        for number in sample_frames(len(paths)):
            file = open_reading(paths[number], job.reading)
            channel = find_channel(file, job.reading)
            yield from hold_frames(file, [0], model, channel=channel)

    pieces = sample_pieces(frame.stretched for frame in held())
    scale = find_scale(pieces, model, settings=job.settings)
    return replace(job, settings=settings_at(job, scale))
