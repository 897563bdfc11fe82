"""task → a finished run: trained or tuned on some images, scored on others, written down."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from coverslip.checkpoint import Checkpoint, save_checkpoint
from coverslip.classical import METHODS
from coverslip.data import fingerprint
from coverslip.experiments.cost import count_gflop, count_parameters, device_name, peak_memory_mb
from coverslip.experiments.learn import learn
from coverslip.experiments.record import Run, write_masks, write_run
from coverslip.experiments.sizes import score_at_both_sizes
from coverslip.experiments.split import split_task
from coverslip.experiments.tune import tune
from coverslip.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coverslip.experiments.learn import Learnt
    from coverslip.experiments.means import Means
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
    if task.what.model in METHODS:
        learnt = tune(task, parts)
    else:
        learnt = learn(task, parts, means, on_note=on_note)
    peak = peak_memory_mb(means.device)
    clock = time.perf_counter()
    scores, masks = score_at_both_sizes(
        learnt.model, parts.test, size_px=task.size_px, ttas=task.what.tta, device=means.device
    )
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
        fingerprint=fingerprint([*parts.train, *parts.val, *parts.test]),
        seconds={"train": learnt.seconds, "score": time.perf_counter() - clock},
        peak_memory_mb=peak,
        device=device_name(means.device),
        provenance=provenance(),
        scores=scores,
        **size_of(task, learnt),
    )
    write_masks(means.runs / f"{task.id}.npz", masks)
    keep_checkpoint(means.runs / task.id, learnt)
    path = means.runs / f"{task.id}.json"
    write_run(path, run)
    return path


def size_of(task: Task, learnt: Learnt) -> dict[str, Any]:
    """Parameters, and operations for one image; None for a method without learning."""
    if not isinstance(learnt.model, Checkpoint):
        return {"parameters": None, "gflop": None}
    system = task.what
    return {
        "parameters": count_parameters(learnt.model.network),
        "gflop": count_gflop(system.model, system.arguments, size_px=task.size_px),
    }


def keep_checkpoint(folder: Path, learnt: Learnt) -> None:
    """Keep a task's best weights, as float16, and nothing else of its trainings."""
    if not isinstance(learnt.model, Checkpoint):
        return
    save_checkpoint(folder / "best.safetensors", learnt.model, half=True)
    for run in folder.glob("lr_*"):
        shutil.rmtree(run)
    (folder / "attempts.json").unlink()
