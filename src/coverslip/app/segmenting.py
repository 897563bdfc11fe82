"""images + a model → labels, tables and a report, as `coverslip segment` makes them, as a job.

What a person corrected is never replaced: it is the truth of which tables and report are made.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverslip.active_learning import suggest_frames
from coverslip.app.session import Doubt
from coverslip.app.warm import AUTO
from coverslip.errors import CoverslipError, DataError
from coverslip.io import Reading
from coverslip.pipeline import Job as Wanted
from coverslip.pipeline import (
    SegmentSettings,
    choice_message,
    choose_model,
    scale_for_size,
    segment_files,
    take_as_truth,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip.app.folder import Picture
    from coverslip.app.jobs import Job
    from coverslip.app.session import Session


@dataclass(frozen=True)
class Choice:
    """How images are to be segmented.

    Attributes:
        model: its name; "auto": the one that fits best.
        cell_size: the cells' diameter in pixels; None: what the model's scale follows.
        threshold: None: the model's own.
    """

    model: str = AUTO
    cell_size: float | None = None
    threshold: float | None = None


def segment_pictures(
    session: Session, pictures: Sequence[Picture], choice: Choice, job: Job
) -> None:
    """Segment images one after the other, then make tables and report of all that is done.

    Args:
        session: of the folder.
        pictures: those that are wanted; corrected ones among them stay as they are.
        choice: how.
        job: told how far it is.

    Raises:
        CoverslipError: nothing could be done.
        StoppedError: it was stopped.
    """
    corrections = session.corrections
    corrections.save_all()
    corrected = [one for one in session.folder.scan() if corrections.is_corrected(one)]
    todo = [one for one in pictures if one not in corrected]
    wanted = make_wanted(session, [one.path for one in (todo or corrected)], choice, job)
    failed: list[str] = []
    n_frames = {one.id: frames_of(one) for one in todo}
    before, total = 0, sum(n_frames.values()) + 1
    for picture in todo:
        job.step(before, total, f"segmenting {picture.name}")
        corrections.busy.add(picture.id)
        try:
            failed += segment_one(session, picture, wanted, job, so_far=(before, total))
        finally:
            corrections.busy.discard(picture.id)
        before += n_frames[picture.id]
    job.step(before, total, "writing tables and report")
    done = [one for one in todo if one.target.record.exists()]
    write_tables(session, [*done, *corrected], corrected, wanted)
    n_done = len(done)
    job.done = total
    job.message = f"{n_done} image{'s' * (n_done != 1)} segmented" + "".join(
        f"; {why}" for why in failed[:3]
    )
    if failed and not done and not corrected:
        raise DataError("; ".join(failed[:3]))


def make_wanted(session: Session, paths: Sequence[Path], choice: Choice, job: Job) -> Wanted:
    """The model, opened, with what is to be done."""
    name = choice.model
    reading = session.folder.reading
    if name == AUTO:
        trials = choose_model(paths, reading=reading)
        name = trials[0].name
        job.step(0, 0, choice_message(trials))
    model = session.warm.open(name)
    scale = None if choice.cell_size is None else scale_for_size(model, choice.cell_size)
    return wanted_by(model, SegmentSettings(threshold=choice.threshold, scale=scale), reading)


def wanted_by(model: object, settings: SegmentSettings, reading: Reading) -> Wanted:
    """What `coverslip segment` would do with the same options."""
    from typing import cast

    from coverslip.checkpoints import Checkpoint

    loaded = cast("Checkpoint", model)
    return Wanted(
        loaded,
        model_name=loaded.name,
        model_hash=loaded.hash,
        settings=settings,
        axes=reading.axes,
        channel=reading.channel,
        project=reading.project,
    )


def segment_one(
    session: Session, picture: Picture, wanted: Wanted, job: Job, *, so_far: tuple[int, int]
) -> list[str]:
    """Segment one image; why it failed, if it did."""

    def on_frame(path: Path, done: int, n: int) -> None:
        share = done / max(1, n) * frames_of(picture)
        job.step(so_far[0] + int(share), so_far[1])

    result = segment_files(
        [picture.path],
        session.folder.out,
        job=wanted,
        names={picture.path: picture.target.name},
        on_frame=on_frame,
    )
    session.corrections.renew(picture)
    session.events.send("images", {})
    return list(result.failed.values())


def write_tables(
    session: Session, pictures: Sequence[Picture], corrected: Sequence[Picture], wanted: Wanted
) -> None:
    """Make tables, overlays and report of images; of corrected ones, by their corrected labels."""
    if not pictures:
        return
    for picture in corrected:
        take_as_truth(picture.path, picture.target, file=picture.file, job=wanted)
        session.corrections.busy.add(picture.id)
    try:
        segment_files(
            [picture.path for picture in pictures],
            session.folder.out,
            job=wanted,
            names={picture.path: picture.target.name for picture in pictures},
        )
    finally:
        for picture in corrected:
            session.corrections.busy.discard(picture.id)


def frames_of(picture: Picture) -> int:
    """How many frames an image has; 1 where it cannot be read, which is said later."""
    with suppress(CoverslipError, OSError):
        return picture.file.n_frames
    return 1


def rank_pictures(session: Session, job: Job) -> None:
    """Find which images teach most if they are corrected next, by how unsure the model is of them.

    Raises:
        CoverslipError: none can be read.
        StoppedError: it was stopped.
    """
    pictures = {picture.path: picture for picture in session.folder.scan()}
    wanted = make_wanted(session, list(pictures), Choice(session.model), job)
    total = sum(map(frames_of, pictures.values()))
    n_done = 0

    def on_frame(path: Path, done: int, n: int) -> None:
        nonlocal n_done
        n_done += 1
        job.step(n_done, total, f"looking at {pictures[path].name}")

    found = suggest_frames(list(pictures), wanted, n=total, on_frame=on_frame)
    by_name = {str(path): picture.id for path, picture in pictures.items()}
    doubts: dict[str, Doubt] = {}
    for row in found.table.to_dict("records"):
        key = by_name[row["file"]]
        doubt = Doubt(row["rank"], row["frame"], row["uncertainty"], row["reason"])
        doubts.setdefault(key, doubt)
    session.doubts = doubts
    job.message = "the most doubtful images come first"
    session.events.send("images", {})
