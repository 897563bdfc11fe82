"""task → a trained network: at the first learning rate, of a fixed few, that does not diverge."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.checkpoint import load_checkpoint
from coverslip.data import SampleSettings, load_pair
from coverslip.errors import ModelError, TrainingError
from coverslip.experiments.cost import peak_memory_mb
from coverslip.experiments.learnt import Learnt
from coverslip.experiments.request import check_request, make_request
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

LEARNING_RATES = (1e-3, 3e-4, 1e-4)  # the paper's; the next lower for a network that diverges


def learn(task: Task, parts: Parts, means: Means, *, on_note: Callable[[str], None]) -> Learnt:
    """Train a task's network, or go on where an earlier call ran out of time.

    Raises:
        OutOfTime: before it was done; the next call goes on.
        CoverslipError: data or settings that cannot be used.
    """
    folder = means.runs / task.id
    claim(folder, make_request(task, means))
    attempts = read_attempts(folder)
    while not attempts or (has_diverged(attempts) and len(attempts) < len(LEARNING_RATES)):
        lr = LEARNING_RATES[len(attempts)]
        attempts.append(attempt(task, parts, means, lr=lr, on_note=on_note))
        write_text(folder / "attempts.json", json.dumps(attempts))
        if has_diverged(attempts):
            reason = attempts[-1]["reason"]
            on_note(f"{task.id}: diverged at a learning rate of {lr:g}: {reason}")
    run = folder / f"lr_{attempts[-1]['lr']:g}"
    best = run / "best.safetensors"
    return Learnt(
        model=load_checkpoint(best) if best.is_file() else None,
        settings=without_folder(resume_settings(run, parts)),
        pretrained=(run / "start.txt").read_text(encoding="utf-8"),
        seconds=sum(one["seconds"] for one in attempts),
        attempts=attempts,
        history=read_history(run),
    )


def claim(folder: Path, request: dict[str, Any]) -> None:
    """Write down what is asked for in a task's folder, or see that it is what was asked for there.

    Raises:
        SettingsError: something else was.
    """
    path = folder / "request.json"
    if path.is_file():
        answered = json.loads(path.read_text(encoding="utf-8"))
        check_request(folder, asked=request, answered=answered)
    else:
        write_text(path, json.dumps(request))


def has_diverged(attempts: list[dict[str, Any]]) -> bool:
    """Whether the last attempt has."""
    return bool(attempts) and attempts[-1]["outcome"] == "diverged"


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
        patience=budget.epochs,  # none stops early, so that all take the same steps
        seed=task.split.seed,
        device=device,
        sample=SampleSettings(size_px=task.size_px, crop_px=budget.crop_px),
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


def resume_settings(run: Path, parts: Parts) -> dict[str, Any]:
    """The settings that an attempt was trained with."""
    return settings_to_dict(resume_plan(run, [*parts.train, *parts.val]).settings)


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
