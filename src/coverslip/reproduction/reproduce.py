"""part of the paper + data sets → runs, tables and figures: what `coverslip reproduce` does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip import check_pairs, pick_device
from coverslip.errors import DataError, SettingsError
from coverslip.reproduction.budget import find_budget
from coverslip.reproduction.cache_key import check_data, is_finished
from coverslip.reproduction.plan import find_datasets, plan_part
from coverslip.reproduction.queue import run_queue
from coverslip.reproduction.run_context import RunContext
from coverslip.reproduction.write_results import write_results

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coverslip.reproduction.queue import Outcome
    from coverslip.reproduction.task import Task


@dataclass(frozen=True)
class Effort:
    """How much is to be run, and with what."""

    budget: str
    steps: int | None  # of every training, in place of the budget's
    systems: str | None  # keys, with commas between them
    splits: str | None  # names, likewise
    weights: str
    device: str
    jobs: int
    time_limit_min: float | None
    tables_only: bool


def run_reproduce(
    part: str,
    data: Sequence[Path],
    *,
    out: Path,
    effort: Effort,
    on_message: Callable[[str], None] = lambda text: None,
) -> tuple[Path, int]:
    """Run what a part of the paper takes and is not done yet, then write its tables and figures.

    Args:
        part: one of `PARTS`.
        data: folders of data sets, or of folders of data sets.
        out: folder of the runs, tables and figures.
        effort: how much is run, and with what.
        on_message: called with what the user should be told.

    Returns:
        The page of tables and figures, and how many runs failed.

    Raises:
        CoverslipError: options that make no sense, or data that cannot be used.
    """
    check_effort(effort)
    datasets = find_datasets(data)
    for folder in data:
        if folder.resolve() in (out.resolve(), *out.resolve().parents):
            raise SettingsError(f"-o {out}: lies in the data, {folder}: choose another folder.")
    budget = find_budget(effort.budget, steps=effort.steps)
    tasks = plan_part(
        part,
        datasets,
        budget,
        systems=names(effort.systems, option="--systems"),
        splits=names(effort.splits, option="--splits"),
        pretrained=effort.weights != "none",
    )
    datasets = [one for one in datasets if one.name in {task.dataset.name for task in tasks}]
    limit = effort.time_limit_min
    context = RunContext(
        runs=out / "runs",
        weights=effort.weights,
        device=effort.device,
        deadline=None if limit is None else time.time() + 60 * limit,
    )
    failed, missing = 0, []
    if effort.tables_only:
        check_data(tasks, context)
    else:
        outcome = run_tasks(tasks, context, jobs=effort.jobs, on_message=on_message)
        failed, missing = len(outcome.failed), list_missing(outcome)
    page = write_results(
        part, out, datasets, budget=budget.name, missing=missing, on_message=on_message
    )
    return page, failed


def check_effort(effort: Effort) -> None:
    """Refuse options that make no sense.

    Raises:
        SettingsError: there is one.
    """
    pick_device(effort.device)
    if effort.weights not in ("none", "imagenet"):
        folder = Path(effort.weights)
        if not folder.is_dir() or not any(folder.iterdir()):
            raise SettingsError(
                f"--weights {folder}: no such folder, or nothing in it; or imagenet, or none."
            )
    for option, value in (("--jobs", effort.jobs), ("--time-limit", effort.time_limit_min)):
        if value is not None and value <= 0:
            raise SettingsError(f"{option} {value}: wanted more than 0.")


def names(text: str | None, *, option: str) -> list[str]:
    """``"unet,swift"`` → ["unet", "swift"].

    Raises:
        SettingsError: an empty text.
    """
    if text is None:
        return []
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise SettingsError(f"{option}: empty; leave the option out to have all.")
    return found


def run_tasks(
    tasks: Sequence[Task], context: RunContext, *, jobs: int, on_message: Callable[[str], None]
) -> Outcome:
    """Run what is not done, and say what is done and what is left.

    Raises:
        DataError: images or masks that cannot be used, all of them listed, before anything is run.
    """
    show_plan(tasks, context, on_message=on_message)
    if not all(is_finished(task, context) for task in tasks):
        check_images(tasks)
    try:
        outcome = run_queue(tasks, context, jobs=jobs, on_message=on_message)
    except KeyboardInterrupt:
        on_message("nothing done is lost: start the same command again to go on")
        raise
    if outcome.waiting:
        on_message(
            f"{count_runs(len(outcome.waiting))} left for more time: start the same command again"
        )
    if outcome.failed:
        on_message(f"{count_runs(len(outcome.failed))} failed: {', '.join(outcome.failed)}")
    return outcome


def check_images(tasks: Sequence[Task]) -> None:
    """Look through all images and masks that will be read.

    Raises:
        DataError: some cannot be used.
    """
    pairs = {pair for task in tasks for pair in (*task.split.train, *task.split.test)}
    problems = check_pairs(sorted(pairs, key=lambda pair: pair.name))
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise DataError(f"{len(problems)} problems with the images, nothing was run:{lines}")


def list_missing(outcome: Outcome) -> list[str]:
    """A line for the page on each run that was wanted and is not in it."""
    failed = [f"`{task}` failed: {why.splitlines()[0]}" for task, why in outcome.failed.items()]
    return failed + [f"`{task}` waits for more time." for task in outcome.waiting]


def count_runs(n: int) -> str:
    """``"1 run"``, ``"2 runs"``."""
    return f"{n} run" if n == 1 else f"{n} runs"


def show_plan(
    tasks: Sequence[Task], context: RunContext, *, on_message: Callable[[str], None]
) -> None:
    """Say what is to be done."""
    finished = sum(is_finished(task, context) for task in tasks)
    budget = tasks[0].budget if tasks else None
    on_message(f"{count_runs(len(tasks))}, {finished} of them done before")
    if budget is not None:
        on_message(
            f"budget {budget.name}: {budget.epochs * budget.steps_per_epoch} steps of "
            f"{budget.batch} images each"
        )
    if context.weights == "none":
        on_message("no --weights: every network starts from He's initialisation")
