"""task → a finished run: trained or tuned on some images, scored on others, written down."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from coverslip import METHODS, Checkpoint, save_checkpoint
from coverslip.provenance import provenance
from coverslip.reproduction.cache_key import make_cache_key
from coverslip.reproduction.network_cost import count_gflop, count_parameters, device_name
from coverslip.reproduction.result_file import Run, write_masks, write_run
from coverslip.reproduction.score_sizes import score_at_both_sizes
from coverslip.reproduction.task import split_task
from coverslip.reproduction.train_system import train_system
from coverslip.reproduction.tune_method import tune_method

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coverslip.reproduction.fitted import Fitted
    from coverslip.reproduction.run_context import RunContext
    from coverslip.reproduction.score_sizes import Mask, Scores
    from coverslip.reproduction.task import Parts, Task


def run_task(task: Task, context: RunContext, *, on_message: Callable[[str], None]) -> Path:
    """Train or tune, score, and write the run's JSON, its masks and its checkpoint.

    The JSON is written last: where it is, all is.

    Args:
        task: what is wanted.
        context: folders, weights, device and deadline.
        on_message: called with what the user should be told.

    Returns:
        The JSON.

    Raises:
        OutOfTime: before it was done; the next call goes on.
        CoverslipError: data, settings or training that come to nothing.
    """
    parts = split_task(task)
    context.check_time()
    if task.what.model in METHODS:
        fitted = tune_method(task, parts)
    else:
        fitted = train_system(task, parts, context, on_message=on_message)
    clock = time.perf_counter()
    scores, masks = score(task, parts, fitted, context)
    run = Run(
        id=task.id,
        dataset=task.dataset.name,
        split=task.split.name,
        system=task.system,
        budget=task.limits,
        model=task.what.model,
        arguments=task.what.arguments,
        settings=fitted.settings,
        pretrained=fitted.pretrained,
        attempts=fitted.attempts,
        history=fitted.history,
        images=parts.sizes(),
        request=make_cache_key(task, context),
        seconds={"train": fitted.seconds, "score": time.perf_counter() - clock},
        peak_memory_mb=fitted.attempts[-1]["peak_memory_mb"] if fitted.attempts else None,
        device=device_name(context.device),
        provenance=provenance(),
        scores=scores,
        **size_of(task),
    )
    folder = context.runs / task.id
    write_masks(context.runs / f"{task.id}.npz", masks)
    if isinstance(fitted.model, Checkpoint):
        save_checkpoint(folder / "best.safetensors", fitted.model, half=True)
    path = context.runs / f"{task.id}.json"
    write_run(path, run)
    forget_training(folder)
    return path


def score(
    task: Task, parts: Parts, fitted: Fitted, context: RunContext
) -> tuple[Scores, dict[str, Mask]]:
    """The counts and masks of the reported images; none where there is nothing to predict with."""
    if fitted.model is None:
        return {}, {}
    started = time.perf_counter()

    def on_scored(done: int, n: int) -> None:
        context.check_time(needed_s=(time.perf_counter() - started) / done * (n - done))

    return score_at_both_sizes(
        fitted.model,
        parts.test,
        size_px=task.size_px,
        ttas=task.what.tta,
        device=context.device,
        on_scored=on_scored,
    )


def size_of(task: Task) -> dict[str, Any]:
    """Parameters, and operations for one image; None for a method without learning."""
    system = task.what
    if system.model in METHODS:
        return {"parameters": None, "gflop": None}
    return {
        "parameters": count_parameters(system.model, system.arguments),
        "gflop": count_gflop(system.model, system.arguments, size_px=task.size_px),
    }


def forget_training(folder: Path) -> None:
    """Remove what only a training that is not over needs; the best weights stay."""
    for name in ("attempts.json", "request.json"):
        (folder / name).unlink(missing_ok=True)
    for run in folder.glob("lr_*"):
        shutil.rmtree(run, ignore_errors=True)
