"""task × learning rate → a training that converged, or diverged and why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.augment import NO_FAULTS, AugmentSettings
from coverslip.data import SampleSettings, load_pair
from coverslip.errors import ModelError, TrainingError
from coverslip.experiments.cost import peak_memory_mb
from coverslip.experiments.weights import find_weights
from coverslip.files import write_text
from coverslip.train import Plan, TrainSettings, fit, resume_plan, start_run
from coverslip.train.network import new_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coverslip.experiments.means import Means
    from coverslip.experiments.split import Parts
    from coverslip.experiments.task import Task


def attempt(
    task: Task, parts: Parts, means: Means, *, lr: float, on_note: Callable[[str], None]
) -> dict[str, Any]:
    """Train at one learning rate, and say what came of it."""
    run = means.runs / task.id / f"lr_{lr:g}"
    plan = begin(task, parts, means, lr=lr, run=run, on_note=on_note)
    reason = train(plan, run, means)
    return {
        "lr": lr,
        "outcome": "diverged" if reason else "converged",
        "reason": reason,
        "seconds": sum(row["seconds"] for row in read_history(run)),
        "peak_memory_mb": peak_memory_mb(means.device),
    }


def begin(
    task: Task,
    parts: Parts,
    means: Means,
    *,
    lr: float,
    run: Path,
    on_note: Callable[[str], None],
) -> Plan:
    """The plan of an attempt: that of an earlier call, or a new one.

    ImageNet weights that cannot be had leave He's initialisation, and are told of.
    """
    if (run / "settings.json").is_file():
        plan = resume_plan(run, [*parts.train, *parts.val])
        return replace(plan, settings=replace(plan.settings, device=means.device))
    settings = task_to_settings(task, lr=lr, device=means.device)
    try:
        settings = replace(settings, encoder=find_weights(task.what, means.weights))
        pretrained = name_pretrained(settings)
    except ModelError as error:
        if not task.what.encoder:
            raise
        on_note(f"{task.id}: starts without ImageNet weights: {error}")
        settings, pretrained = replace(settings, encoder="none"), "none"
    write_text(run / "start.txt", pretrained)
    plan = Plan(settings, parts.train, parts.val)
    start_run(run, plan)
    return plan


def task_to_settings(task: Task, *, lr: float, device: str) -> TrainSettings:
    """The settings of a training: the same for every network but for what its system names.

    Without image faults, which are no part of the paper's protocol: so the runs that were finished
    before there were any go on counting.
    """
    system, budget = task.what, task.budget
    return TrainSettings(
        model=system.model,
        arguments=system.arguments,
        epochs=budget.epochs,
        steps_per_epoch=budget.steps_per_epoch,
        batch=budget.batch,
        lr=lr,
        loss=system.loss,
        patience=budget.epochs,  # none stops early, so that all take the same steps
        seed=task.split.seed,
        device=device,
        sample=SampleSettings(size_px=task.size_px, crop_px=budget.crop_px),
        augment=AugmentSettings(**NO_FAULTS),
    )


def train(plan: Plan, run: Path, means: Means) -> str:
    """Train to the end; why it did not converge, or an empty text.

    Raises:
        OutOfTime: before it was done.
    """
    means.check_time()

    def on_epoch(row: dict[str, float]) -> None:
        if row["epoch"] < plan.settings.epochs:
            means.check_time(needed_s=row["seconds"])

    try:
        fit(plan, run, on_epoch=on_epoch)
    except TrainingError as error:
        return str(error)
    best = max(row["val_jaccard"] for row in read_history(run))
    if len(read_history(run)) > 1 and best <= jaccard_of_all(plan):
        return f"its best inner validation, Jaccard {best:.3f}, is that of calling every pixel cell"
    return ""


def jaccard_of_all(plan: Plan) -> float:
    """The mean Jaccard index of calling every pixel of the inner validation images cell."""
    settings = plan.settings
    size_px = settings.sample.size_px
    shares = [load_pair(pair, settings.preprocess, size_px=size_px)[1].mean() for pair in plan.val]
    return float(np.mean(shares))


def name_pretrained(settings: TrainSettings) -> str:
    """``"none"``, ``"ImageNet"``, or ``"ImageNet, not layer4"`` where the weights lack a stage."""
    if settings.encoder == "none":
        return "none"
    _, missing = new_network(settings)
    stages = sorted({name.split(".")[0] for name in missing})
    return f"ImageNet, not {', '.join(stages)}" if stages else "ImageNet"


def read_history(run: Path) -> list[dict[str, Any]]:
    """One row per epoch, empty where none was ended."""
    path = run / "history.csv"
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = json.loads(pd.read_csv(path).to_json(orient="records"))
    return rows
