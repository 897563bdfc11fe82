"""task → a trained network: at the first learning rate, of a fixed few, that does not diverge."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.checkpoint import load_checkpoint
from coverslip.data import SampleSettings, load_pair
from coverslip.errors import ModelError, TrainingError
from coverslip.experiments.weights import find_weights
from coverslip.files import write_text
from coverslip.train import Plan, TrainSettings, fit, resume_plan, start_run
from coverslip.train.network import new_network
from coverslip.train.settings import settings_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    from coverslip.experiments.means import Means
    from coverslip.experiments.split import Parts
    from coverslip.experiments.task import Task
    from coverslip.pipeline import Model

LEARNING_RATES = (1e-3, 3e-4, 1e-4)  # the paper's; the next lower for a network that diverges


@dataclass(frozen=True)
class Learnt:
    """What came of training a network, or of tuning a method without learning.

    Attributes:
        model: the checkpoint of the last attempt, or the method.
        settings: of the last attempt, or of the method.
        pretrained: what of the network started from ImageNet weights.
        seconds: of all attempts together.
        attempts: lr, outcome and reason of each, the last one counts; none for a method.
        history: of the last attempt; none for a method.
    """

    model: Model
    settings: dict[str, Any]
    pretrained: str
    seconds: float
    attempts: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


def learn(task: Task, parts: Parts, means: Means, *, on_note: Callable[[str], None]) -> Learnt:
    """Train a task's network, or go on where an earlier call ran out of time.

    Raises:
        OutOfTime: before it was done; the next call goes on.
        TrainingError: not one learning rate gave a network at all.
        CoverslipError: data or settings that cannot be used.
    """
    folder = means.runs / task.id
    attempts = read_attempts(folder)
    for lr in LEARNING_RATES[len(attempts) :]:
        run = folder / f"lr_{lr:g}"
        plan = begin(task, parts, means, lr=lr, run=run, on_note=on_note)
        reason = train(plan, run, means, on_note=on_note)
        outcome = "diverged" if reason else "converged"
        seconds = sum(row["seconds"] for row in read_history(run))
        attempts.append({"lr": lr, "outcome": outcome, "reason": reason, "seconds": seconds})
        write_text(folder / "attempts.json", json.dumps(attempts))
        if not reason:
            break
        on_note(f"{task.id}: diverged at a learning rate of {lr:g}: {reason}")
    run = folder / f"lr_{attempts[-1]['lr']:g}"
    if not (run / "best.safetensors").is_file():
        raise TrainingError(f"{task.id}: diverged at every learning rate: {attempts[-1]['reason']}")
    plan = resume_plan(run, [*parts.train, *parts.val])
    return Learnt(
        model=load_checkpoint(run / "best.safetensors"),
        settings=without_folder(settings_to_dict(plan.settings)),
        pretrained=name_pretrained(plan.settings),
        seconds=sum(attempt["seconds"] for attempt in attempts),
        attempts=attempts,
        history=read_history(run),
    )


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
        return resume_plan(run, [*parts.train, *parts.val])
    settings = task_to_settings(task, lr=lr, device=means.device)
    try:
        plan = Plan(
            replace(settings, encoder=find_weights(task.what, means.weights)),
            parts.train,
            parts.val,
        )
        start_run(run, plan)
    except ModelError as error:
        if not task.what.encoder:
            raise
        on_note(f"{task.id}: starts without ImageNet weights: {error}")
        plan = Plan(settings, parts.train, parts.val)
        start_run(run, plan)
    return plan


def task_to_settings(task: Task, *, lr: float, device: str) -> TrainSettings:
    """The settings of a training: the same for every network but for what its system names."""
    system, budget = task.what, task.budget
    return TrainSettings(
        model=system.model,
        arguments=system.arguments,
        epochs=budget.epochs,
        steps_per_epoch=budget.steps_per_epoch,
        batch=budget.batch,
        lr=lr,
        loss=system.loss,
        patience=budget.patience,
        seed=task.split.seed,
        device=device,
        sample=SampleSettings(size_px=task.size_px, crop_px=budget.crop_px),
    )


def train(plan: Plan, run: Path, means: Means, *, on_note: Callable[[str], None]) -> str:
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


def without_folder(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with the encoder weights' file name: where it lay is nobody's concern."""
    return settings | {"encoder": Path(settings["encoder"]).name}


def read_attempts(folder: Path) -> list[dict[str, Any]]:
    """The attempts that an earlier call has ended."""
    path = folder / "attempts.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def read_history(run: Path) -> list[dict[str, Any]]:
    """One row per epoch, empty where none was ended."""
    path = run / "history.csv"
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = json.loads(pd.read_csv(path).to_json(orient="records"))
    return rows
