"""task × means → what was asked for, so that the answer to another question is not taken for it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from coverslip.data import fingerprint
from coverslip.errors import SettingsError
from coverslip.experiments.record import read_run
from coverslip.experiments.tune import GRID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip.experiments.means import Means
    from coverslip.experiments.task import Task
    from coverslip.files import Pair


def make_request(task: Task, means: Means) -> dict[str, Any]:
    """All that a task's result depends on but for chance, versions and the machine."""
    system, split, n = task.what, task.split, task.budget.images
    request = {
        "model": system.model,
        "arguments": system.arguments,
        "loss": system.loss,
        "tta": system.tta,
        "pre-training": system.encoder and means.weights != "none",
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
    return fingerprint(pairs)[:16]


def is_finished(task: Task, means: Means) -> bool:
    """Whether a task's JSON is there; what is there is not computed again.

    Raises:
        SettingsError: it is there, of another question.
        DataError: it is damaged.
    """
    path = means.runs / f"{task.id}.json"
    if not path.is_file():
        return False
    check_request(path, asked=make_request(task, means), answered=read_run(path).request)
    return True


def check_data(tasks: Sequence[Task], means: Means) -> None:
    """Refuse finished runs of other images than those that are there now.

    Raises:
        SettingsError: there are some.
        DataError: a JSON is damaged.
    """
    for task in tasks:
        path = means.runs / f"{task.id}.json"
        if path.is_file():
            asked, answered = make_request(task, means), read_run(path).request
            check_request(path, asked={"data": asked["data"]}, answered={"data": answered["data"]})


def check_request(path: Path, *, asked: dict[str, Any], answered: dict[str, Any]) -> None:
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
