"""task × learning rate → a training that converged, or diverged and why."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip import (
    NO_FAULTS,
    AugmentSettings,
    Plan,
    SampleSettings,
    TrainSettings,
    build_network,
    load_pair,
    load_pretrained,
    resume_plan,
    start_run,
    write_text,
)
from coverslip import train as fit
from coverslip.errors import ModelError, TrainingError
from coverslip.reproduction.network_cost import peak_memory_mb

if TYPE_CHECKING:
    from collections.abc import Callable

    from coverslip.reproduction.run_context import RunContext
    from coverslip.reproduction.systems import System
    from coverslip.reproduction.task import Parts, Task

SUFFIXES = (".pth", ".pt", ".safetensors")  # of files with ImageNet weights


def train_at_lr(
    task: Task, parts: Parts, context: RunContext, *, lr: float, on_message: Callable[[str], None]
) -> dict[str, Any]:
    """Train at one learning rate, and say what came of it."""
    run = context.runs / task.id / f"lr_{lr:g}"
    plan = start_or_resume(task, parts, context, lr=lr, run=run, on_message=on_message)
    reason = train(plan, run, context)
    return {
        "lr": lr,
        "outcome": "diverged" if reason else "converged",
        "reason": reason,
        "seconds": sum(row["seconds"] for row in read_history(run)),
        "peak_memory_mb": peak_memory_mb(context.device),
    }


def start_or_resume(
    task: Task,
    parts: Parts,
    context: RunContext,
    *,
    lr: float,
    run: Path,
    on_message: Callable[[str], None],
) -> Plan:
    """The plan of an attempt: that of an earlier call, or a new one.

    ImageNet weights that cannot be had leave He's initialisation, and are told of.
    """
    if (run / "settings.json").is_file():
        plan = resume_plan(run, [*parts.train, *parts.val])
        return replace(plan, settings=replace(plan.settings, device=context.device))
    settings = task_to_settings(task, lr=lr, device=context.device)
    try:
        settings = replace(settings, encoder=find_weights(task.what, context.weights))
        pretrained = name_pretrained(settings)
    except ModelError as error:
        if not task.what.encoder:
            raise
        on_message(f"{task.id}: starts without ImageNet weights: {error}")
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


def train(plan: Plan, run: Path, context: RunContext) -> str:
    """Train to the end; why it did not converge, or an empty text.

    Raises:
        OutOfTime: before it was done.
    """
    context.check_time()

    def on_epoch(row: dict[str, float]) -> None:
        if row["epoch"] < plan.settings.epochs:
            context.check_time(needed_s=row["seconds"])

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
    encoder = build_network(settings.model, settings.arguments).get_submodule("encoder")
    missing = load_pretrained(encoder, settings.encoder)
    stages = sorted({name.split(".")[0] for name in missing})
    return f"ImageNet, not {', '.join(stages)}" if stages else "ImageNet"


def read_history(run: Path) -> list[dict[str, Any]]:
    """One row per epoch, empty where none was ended."""
    path = run / "history.csv"
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = json.loads(pd.read_csv(path).to_json(orient="records"))
    return rows


def find_weights(system: System, weights: str) -> str:
    """What `coverslip.load_pretrained` takes as its source.

    Args:
        system: what is trained.
        weights: ``"none"``, ``"imagenet"`` (PyTorch's hub), or a folder of files named as the hub
            names them (``vgg19-dcbb9e9d.pth``) or ``resnet18_imagenet….safetensors``.

    Raises:
        ModelError: no such folder, or no file in it for this encoder.
    """
    if not system.encoder or weights in ("none", "imagenet"):
        return weights if system.encoder else "none"
    folder, architecture = Path(weights), encoder_name(system)
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder: wanted one with ImageNet weights.")
    named = re.compile(rf"{architecture}(-|\.|_imagenet)")
    found = [p for p in sorted(folder.iterdir()) if named.match(p.name) and p.suffix in SUFFIXES]
    if not found:
        raise ModelError(f"{folder}: no ImageNet weights of {architecture} in it.")
    return str(found[0])


def encoder_name(system: System) -> str:
    """What torchvision calls the encoder of a system's network, ``"vgg19"``."""
    network = build_network(system.model, system.arguments)
    return str(network.get_submodule("encoder").architecture)
