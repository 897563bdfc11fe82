"""task → the images it learns from, chooses its checkpoint by, and reports on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverslip.data import split_pairs

if TYPE_CHECKING:
    from coverslip.experiments.task import Task
    from coverslip.files import Pair

# Of the training images, to choose the checkpoint by; the paper had none.
VAL_FRACTION = 0.15
MAX_VAL = 40  # that many tell one epoch from another; the others are better learnt from


@dataclass(frozen=True)
class Parts:
    """The images of a task, by what they are for."""

    train: list[Pair]
    val: list[Pair]
    test: list[Pair]

    def sizes(self) -> dict[str, int]:
        """How many images each part has."""
        return {"train": len(self.train), "val": len(self.val), "test": len(self.test)}


def split_task(task: Task) -> Parts:
    """Training, inner validation and reported images; the same for every system."""
    split, n = task.split, task.budget.images
    pairs, groups = split.train[:n], split.groups[:n]
    fraction = min(VAL_FRACTION, MAX_VAL / len(pairs))
    train, val = split_pairs(pairs, fraction=fraction, seed=split.seed, groups=groups)
    return Parts(train, val, split.test[:n])
