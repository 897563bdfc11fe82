"""task → a trained network: at the first learning rate, of a fixed few, that does not diverge."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip import load_checkpoint, resume_plan, write_text
from coverslip.reproduction.cache_key import check_cache_key, make_cache_key
from coverslip.reproduction.fitted import Fitted
from coverslip.reproduction.train_at_lr import read_history, train_at_lr

if TYPE_CHECKING:
    from collections.abc import Callable

    from coverslip.reproduction.run_context import RunContext
    from coverslip.reproduction.task import Parts, Task

LEARNING_RATES = (1e-3, 3e-4, 1e-4)  # the paper's; the next lower for a network that diverges


def train_system(
    task: Task, parts: Parts, context: RunContext, *, on_message: Callable[[str], None]
) -> Fitted:
    """Train a task's network, or go on where an earlier call ran out of time.

    Raises:
        OutOfTime: before it was done; the next call goes on.
        CoverslipError: data or settings that cannot be used.
    """
    folder = context.runs / task.id
    claim(folder, make_cache_key(task, context))
    attempts = read_attempts(folder)
    while not attempts or (has_diverged(attempts) and len(attempts) < len(LEARNING_RATES)):
        lr = LEARNING_RATES[len(attempts)]
        attempts.append(train_at_lr(task, parts, context, lr=lr, on_message=on_message))
        write_text(folder / "attempts.json", json.dumps(attempts))
        if has_diverged(attempts):
            reason = attempts[-1]["reason"]
            on_message(f"{task.id}: diverged at a learning rate of {lr:g}: {reason}")
    run = folder / f"lr_{attempts[-1]['lr']:g}"
    best = run / "best.safetensors"
    return Fitted(
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
        check_cache_key(folder, asked=request, answered=answered)
    else:
        write_text(path, json.dumps(request))


def has_diverged(attempts: list[dict[str, Any]]) -> bool:
    """Whether the last attempt has."""
    return bool(attempts) and attempts[-1]["outcome"] == "diverged"


def resume_settings(run: Path, parts: Parts) -> dict[str, Any]:
    """The settings that an attempt was trained with."""
    return asdict(resume_plan(run, [*parts.train, *parts.val]).settings)


def without_folder(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with the encoder weights' file name: where it lay is nobody's concern."""
    return settings | {"encoder": Path(settings["encoder"]).name}


def read_attempts(folder: Path) -> list[dict[str, Any]]:
    """The attempts that an earlier call has ended."""
    path = folder / "attempts.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []
