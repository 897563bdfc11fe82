"""coverslip reproduce: part of the paper + data sets → runs, tables and figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.commands.console import note, tell
from coverslip.device import pick_device
from coverslip.errors import SettingsError
from coverslip.experiments import (
    Means,
    find_budget,
    find_datasets,
    is_finished,
    run_queue,
    wanted_tasks,
    write_results,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.experiments import Outcome, Task


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


def run_reproduce(part: str, data: Sequence[Path], out: Path, *, effort: Effort) -> int:
    """Run what a part of the paper takes and is not done yet, then write its tables and figures.

    Returns:
        How many runs failed.

    Raises:
        CoverslipError: options that make no sense, or data that cannot be used.
    """
    pick_device(effort.device)
    if effort.weights not in ("none", "imagenet") and not Path(effort.weights).is_dir():
        raise SettingsError(f"--weights {effort.weights}: no such folder; or imagenet, or none.")
    if effort.jobs < 1:
        raise SettingsError(f"--jobs {effort.jobs}: wanted 1 or more.")
    datasets = find_datasets(data)
    budget = find_budget(effort.budget, steps=effort.steps)
    tasks = wanted_tasks(
        part,
        datasets,
        budget,
        systems=names(effort.systems),
        splits=names(effort.splits),
        pretrained=effort.weights != "none",
    )
    limit = effort.time_limit_min
    means = Means(
        runs=out / "runs",
        weights=effort.weights,
        device=effort.device,
        deadline=None if limit is None else time.time() + 60 * limit,
    )
    failed = 0
    if not effort.tables_only:
        show_plan(tasks, means)
        outcome = run_queue(tasks, means, jobs=effort.jobs, on_note=note)
        show_outcome(outcome)
        failed = len(outcome.failed)
    page = write_results(part, out, datasets, budget=budget.name, on_note=note)
    tell(f"{page}")
    return failed


def names(text: str | None) -> list[str]:
    """``"unet,swift"`` → ["unet", "swift"]."""
    return [name.strip() for name in text.split(",")] if text else []


def show_plan(tasks: Sequence[Task], means: Means) -> None:
    """Say what is to be done."""
    finished = sum(is_finished(task, means) for task in tasks)
    budget = tasks[0].budget if tasks else None
    note(f"{len(tasks)} runs, {finished} of them done before")
    if budget is not None:
        note(
            f"budget {budget.name}: {budget.epochs * budget.steps_per_epoch} steps of "
            f"{budget.batch} images each"
        )


def show_outcome(outcome: Outcome) -> None:
    """Say what was left, and what failed."""
    if outcome.waiting:
        note(f"{len(outcome.waiting)} runs wait for more time: start the same command again")
    if outcome.failed:
        note(f"{len(outcome.failed)} runs failed: {', '.join(outcome.failed)}")
