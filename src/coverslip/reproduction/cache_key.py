"""task × run context → what was asked for, so that no answer is taken for another question's."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from coverslip import hash_pairs
from coverslip.errors import SettingsError
from coverslip.reproduction.result_file import read_run
from coverslip.reproduction.tune_method import GRID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip import Pair
    from coverslip.reproduction.run_context import RunContext
    from coverslip.reproduction.task import Task


def make_cache_key(task: Task, context: RunContext) -> dict[str, Any]:
    """All that a task's result depends on but for chance, versions and the machine."""
    system, split, n = task.what, task.split, task.budget.images
    request = {
        "model": system.model,
        "arguments": system.arguments,
        "loss": system.loss,
        "tta": system.tta,
        "pre-training": system.encoder and context.weights != "none",
        "search": GRID if system.tuned else None,
        "budget": task.limits,
        "seed": split.seed,
        "data": hash_data((*split.train[:n], *split.test[:n])),
    }
    as_read: dict[str, Any] = json.loads(json.dumps(request))
    return as_read


@lru_cache(maxsize=16)  # many tasks are of the same images
def hash_data(pairs: tuple[Pair, ...]) -> str:
    """A hash over the names and bytes of all images and masks."""
    return hash_pairs(pairs)[:16]


def is_finished(task: Task, context: RunContext) -> bool:
    """Whether a task's JSON is there; what is there is not computed again.

    Raises:
        SettingsError: it is there, of another question.
        DataError: it is damaged.
    """
    path = context.runs / f"{task.id}.json"
    if not path.is_file():
        return False
    check_cache_key(path, asked=make_cache_key(task, context), answered=read_run(path).request)
    return True


def check_data(tasks: Sequence[Task], context: RunContext) -> None:
    """Refuse finished runs of other images than those that are there now.

    Raises:
        SettingsError: there are some.
        DataError: a JSON is damaged.
    """
    for task in tasks:
        path = context.runs / f"{task.id}.json"
        if path.is_file():
            asked, answered = make_cache_key(task, context), read_run(path).request
            check_cache_key(
                path, asked={"data": asked["data"]}, answered={"data": answered["data"]}
            )


def check_cache_key(path: Path, *, asked: dict[str, Any], answered: dict[str, Any]) -> None:
    """Refuse to go on with, or to count, what was begun as something else.

    Raises:
        SettingsError: it was, with what differs.
    """
    keys = asked.keys() | answered.keys()
    other = sorted(key for key in keys if asked.get(key) != answered.get(key))
    if other:
        was, now = ({key: source.get(key) for key in other} for source in (answered, asked))
        changed = (
            "made of other images or masks than are there now"
            if other == ["data"]
            else f"made with {was}, and now {now} is asked for"
        )
        raise SettingsError(
            f"{path}: {changed}. Delete it, and others like it, to have them run again, or choose "
            "another -o."
        )
