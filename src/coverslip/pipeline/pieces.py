"""an image that is begun → the pieces of it that any process may do, and each of them done.

All that a piece needs is the image file, the job and the folder of the results, and what it makes
is kept there in files of its own, whole or not at all. So pieces may be done in any order and by
anyone, one that is done is not done again, and `finish` makes of all what it makes of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from coverslip.files import channel_number
from coverslip.pipeline.begin import finish
from coverslip.pipeline.frames import write_part
from coverslip.pipeline.large import is_large, open_work, plan_work, plan_works, work_with_less
from coverslip.pipeline.record import read_record
from coverslip.pipeline.series import is_done, read_pictures, segment_frame, settle_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from coverslip.pipeline.begin import Begun
    from coverslip.pipeline.record import Job

RUN = 16  # frames of a film that make one piece: to open a long film takes as long as one of them


@dataclass(frozen=True)
class Piece:
    """A piece of the work on an image.

    Attributes:
        begun: the image.
        kind: "file", all of it; "look", what all other pieces of a frame rest on, such as the scale
            of its cells; "frames" of a film; or a "region" of a large frame.
        frames: the first and the last one + 1.
        region: its number.
        n_done: how many of the image's frames or regions it brings.
    """

    begun: Begun
    kind: str
    frames: tuple[int, int] = (0, 1)
    region: int = 0
    n_done: int = 0


class Progress(NamedTuple):
    """How far an image is."""

    n_done: int
    n_all: int
    what: str  # "frames" or "regions"


def how_far(begun: Begun, job: Job) -> Progress:
    """What earlier starts have kept of an image that is not done."""
    file, target = begun.file, begun.target
    if is_large(file, job):
        works = [plan_work(file, n, job=job, folder=begun.parts(job)) for n in range(file.n_frames)]
        n_all = sum(len(work.regions) for work in works)
        return Progress(sum(work.done.count() for work in works), n_all, "regions")
    parts = (target.part(frame, job=job, key=begun.key) for frame in range(file.n_frames))
    done = [is_done(n, part, target, file.n_frames) for n, part in enumerate(parts)]
    return Progress(sum(done), file.n_frames, "frames")


def image_to_pieces(begun: Begun, job: Job) -> list[list[Piece]]:
    """Cut the work that is left into pieces.

    Returns:
        Groups of pieces. The first piece of a group comes before the others of it, and the first of
        all before all.

    Raises:
        SettingsError: an image that must be done region by region, and an option against it.
    """
    file = begun.file
    if is_large(file, job):
        return [_regions(begun, frame, job) for frame in range(file.n_frames)]
    if file.n_frames == 1:
        return [[Piece(begun, "file", n_done=1)]]
    ends = [*range(0, file.n_frames, RUN), file.n_frames]
    pieces = [
        Piece(begun, "frames", (first, last), n_done=last - first) for first, last in pairwise(ends)
    ]
    return [[Piece(begun, "look"), *pieces]]


def _regions(begun: Begun, frame: int, job: Job) -> list[Piece]:
    """The pieces of one large frame."""
    work = plan_work(begun.file, frame, job=job, folder=begun.parts(job))
    frames = (frame, frame + 1)
    missing = [one.number for one in work.regions if not work.done.path(one).is_file()]
    n_before = len(work.regions) - len(missing)
    regions = [Piece(begun, "region", frames, number, n_done=1) for number in missing]
    return [Piece(begun, "look", frames, n_done=n_before), *regions]


def do_piece(piece: Piece, job: Job, *, tell: Callable[[str], None]) -> None:
    """Do a piece, and keep what it makes where `finish` finds it.

    Args:
        piece: of `image_to_pieces`.
        job: that with which its image was begun.
        tell: called with what the user should know of how it was done, such as smaller tiles.

    Raises:
        CoverslipError: the image cannot be read or predicted, or a result not be written.
    """
    begun = piece.begun
    if piece.kind == "file":
        if read_record(begun.target.record, key=begun.key) is None:
            finish(begun, job=job)
    elif is_large(begun.file, job):
        _do_large(piece, job, tell=tell)
    else:
        _do_film(piece, job)


def _do_large(piece: Piece, job: Job, *, tell: Callable[[str], None]) -> None:
    begun = piece.begun
    works = plan_works(begun.file, job=job, folder=begun.parts(job), tell=lambda text: None)
    work = works[piece.frames[0]]
    region = work.regions[piece.region]
    if piece.kind == "region" and work.done.path(region).is_file():
        return
    with open_work(work) as frame:  # the first time, it is read from top to bottom
        if piece.kind == "region":
            work_with_less(work, region, frame, tell=tell)


def _do_film(piece: Piece, job: Job) -> None:
    file, target, key = piece.begun.file, piece.begun.target, piece.begun.key
    channel = channel_number(file, job.channel)
    settings, _ = settle_series(file, job, channel=channel, folder=piece.begun.parts(job))
    if piece.kind == "look":
        return
    parts = {frame: target.part(frame, job=job, key=key) for frame in range(*piece.frames)}
    missing = [n for n, part in parts.items() if not is_done(n, part, target, file.n_frames)]
    for picture in read_pictures(file, missing, channel=channel):
        frame = segment_frame(picture, file, target, job=replace(job, settings=settings))
        write_part(parts[picture.frame], frame)
