"""images + a job for each model → the job whose model fits each image best: `--model auto`.

Each image is tried on its own, on its busiest part. The images of a folder mostly are of one kind:
where a model that was chosen for others of the folder is at home in an image too, no further one
is tried, and of models that fit alike it is taken, so that a folder has no more models than it
needs. A model that was made for one kind of image is taken rather than one for all that fits alike:
on what it was made for it is the better one.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from coverslip.errors import CoverslipError
from coverslip.pipeline.choose import FALLBACK, choice_message, rank_trials, read_part
from coverslip.pipeline.fit import try_model
from coverslip.pipeline.job import work_key
from coverslip.pipeline.record import read_any_record
from coverslip.progress import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from coverslip.pipeline.fit import Trial
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs
    from coverslip.progress import Progress

AT_HOME = 0.8  # score of fit from which a model that others of the folder have is taken untried


class Choice(NamedTuple):
    """Which job an image gets, and why, for the user to see."""

    name: str  # of the job's model
    why: str = ""


@dataclass
class FolderModels:
    """The models that were chosen for the images of each folder.

    Attributes:
        jobs: by the names of their models.
        chosen: how often each was, by folder.
    """

    jobs: Mapping[str, Job]
    chosen: dict[Path, Counter[str]] = field(default_factory=dict)

    def choose(self, path: Path) -> Choice:
        """Choose a job for an image, with an eye to the others of its folder."""
        usual = [name for name, _ in self.chosen.get(path.parent, Counter()).most_common()]
        choice = choose_job(path, self.jobs, usual=usual)
        if choice.why:
            self.note(path, choice)
        return choice

    def note(self, path: Path, choice: Choice) -> None:
        """Take notice of a choice."""
        self.chosen.setdefault(path.parent, Counter())[choice.name] += 1


def part_images(
    targets: Mapping[Path, Outputs],
    jobs: Sequence[Job],
    *,
    overwrite: bool = False,
    on_note: Callable[[str], None],
    on_progress: Callable[[Progress], None],
) -> tuple[list[tuple[Job, list[Path]]], dict[Path, Choice]]:
    """The images of each job, and why each is of it; those of the first image's job come first."""
    if len(jobs) == 1 or not targets:
        return [(jobs[0], list(targets))], {}
    choices = choose_jobs(targets, jobs, overwrite=overwrite, on_progress=on_progress)
    by_name = {job.model_name: job for job in jobs}
    groups: dict[str, list[Path]] = {}
    for path, choice in choices.items():
        groups.setdefault(choice.name, []).append(path)
    counts = ", ".join(f"{name} for {len(paths)}" for name, paths in groups.items())
    on_note(f"model chosen for each image: {counts}")
    return [(by_name[name], paths) for name, paths in groups.items()], choices


def choose_jobs(
    targets: Mapping[Path, Outputs],
    jobs: Sequence[Job],
    *,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> dict[Path, Choice]:
    """Choose one of several jobs for each image; what was chosen at an earlier start stays.

    Args:
        targets: the images, and where their results go.
        jobs: what may be done with them, the same but for the model.
        overwrite: choose anew.
        on_progress: called with each image.
    """
    by_name = {job.model_name: job for job in jobs}
    models = FolderModels(by_name)
    pace = Pace("choosing models", n_all=len(targets))
    choices: dict[Path, Choice] = {}
    for path, target in targets.items():
        earlier = None if overwrite else earlier_choice(path, target, by_name)
        if earlier is None:
            choices[path] = models.choose(path)
            on_progress(pace.reach(pace.n_done + 1, item=path.name))
            continue
        models.note(path, earlier)
        choices[path] = earlier
        on_progress(pace.skip(1, item=path.name))
    return choices


def earlier_choice(path: Path, target: Outputs, jobs: Mapping[str, Job]) -> Choice | None:
    """What was chosen for the same image and settings; None: nothing, or nothing of this."""
    record = read_any_record(target.record)
    if record is None or not record.choice or record.model not in jobs:
        return None
    with suppress(CoverslipError):
        if record.work == work_key(path, jobs[record.model]):
            return Choice(record.model, record.choice)
    return None


def choose_job(path: Path, jobs: Mapping[str, Job], *, usual: Sequence[str] = ()) -> Choice:
    """Choose the job whose model fits an image best.

    Args:
        path: the image.
        jobs: by the names of their models.
        usual: of models that fit alike, which to take first.

    Returns:
        Without a reason where the image shows nothing or cannot be read, which is said elsewhere.
    """
    first = next(iter(jobs.values()))
    piece = None
    with suppress(CoverslipError, ValueError, MemoryError):
        piece = read_part(path, first.reading)
    if piece is None:
        return Choice(next(iter(usual), FALLBACK if FALLBACK in jobs else first.model_name))
    trials: list[Trial] = []
    for name in [*usual, *(name for name in jobs if name not in usual)]:
        job = jobs[name]
        free = replace(job.settings, threshold=None, scale=None, min_area_px=None)
        trials.append(try_model([piece], job.model, settings=free))
        if name in usual and trials[-1].score >= AT_HOME:
            break
    ranked = rank_trials(trials, usual=usual)
    return Choice(ranked[0].name, choice_message(ranked, usual=usual))
