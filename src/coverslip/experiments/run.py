"""task → a finished run: trained or tuned on some images, scored on others, written down."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from coverslip.checkpoint import Checkpoint, save_checkpoint
from coverslip.classical import METHODS
from coverslip.experiments.cost import count_gflop, count_parameters, device_name
from coverslip.experiments.learn import learn
from coverslip.experiments.masks import write_masks
from coverslip.experiments.record import Run, write_run
from coverslip.experiments.request import make_request
from coverslip.experiments.sizes import score_at_both_sizes
from coverslip.experiments.split import split_task
from coverslip.experiments.tune import tune
from coverslip.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coverslip.experiments.learnt import Learnt
    from coverslip.experiments.means import Means
    from coverslip.experiments.sizes import Mask, Scores
    from coverslip.experiments.split import Parts
    from coverslip.experiments.task import Task


def run_task(task: Task, means: Means, *, on_note: Callable[[str], None]) -> Path:
    """Train or tune, score, and write the run's JSON, its masks and its checkpoint.

    The JSON is written last: where it is, all is.

    Args:
        task: what is wanted.
        means: where, with what and until when.
        on_note: called with what the user should be told.

    Returns:
        The JSON.

    Raises:
        OutOfTime: before it was done; the next call goes on.
        CoverslipError: data, settings or training that come to nothing.
    """
    parts = split_task(task)
    means.check_time()
    if task.what.model in METHODS:
        learnt = tune(task, parts)
    else:
        learnt = learn(task, parts, means, on_note=on_note)
    clock = time.perf_counter()
    scores, masks = score(task, parts, learnt, means)
    run = Run(
        id=task.id,
        dataset=task.dataset.name,
        split=task.split.name,
        system=task.system,
        budget=task.limits,
        model=task.what.model,
        arguments=task.what.arguments,
        settings=learnt.settings,
        pretrained=learnt.pretrained,
        attempts=learnt.attempts,
        history=learnt.history,
        images=parts.sizes(),
        request=make_request(task, means),
        seconds={"train": learnt.seconds, "score": time.perf_counter() - clock},
        peak_memory_mb=learnt.attempts[-1]["peak_memory_mb"] if learnt.attempts else None,
        device=device_name(means.device),
        provenance=provenance(),
        scores=scores,
        **size_of(task),
    )
    folder = means.runs / task.id
    write_masks(means.runs / f"{task.id}.npz", masks)
    if isinstance(learnt.model, Checkpoint):
        save_checkpoint(folder / "best.safetensors", learnt.model, half=True)
    path = means.runs / f"{task.id}.json"
    write_run(path, run)
    forget_training(folder)
    return path


def score(task: Task, parts: Parts, learnt: Learnt, means: Means) -> tuple[Scores, dict[str, Mask]]:
    """The counts and masks of the reported images; none where there is nothing to predict with."""
    if learnt.model is None:
        return {}, {}
    started = time.perf_counter()

    def on_scored(done: int, n: int) -> None:
        means.check_time(needed_s=(time.perf_counter() - started) / done * (n - done))

    return score_at_both_sizes(
        learnt.model,
        parts.test,
        size_px=task.size_px,
        ttas=task.what.tta,
        device=means.device,
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
