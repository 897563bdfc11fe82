"""data set × split × system × budget → one task of the queue, and where its results lie."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from coverslip import split_pairs
from coverslip.reproduction.systems import ABLATIONS, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip import Pair
    from coverslip.reproduction.budget import Budget
    from coverslip.reproduction.datasets import DataSet, Split
    from coverslip.reproduction.systems import System


@dataclass(frozen=True)
class Task:
    """One system to be trained and scored on one split of one data set."""

    dataset: DataSet
    split: Split
    system: str  # key of SYSTEMS or ABLATIONS
    budget: Budget

    @property
    def id(self) -> str:
        """``dataset.split.budget.system``."""
        return f"{self.dataset.name}.{self.split.name}.{self.budget.name}.{self.system}"

    @property
    def what(self) -> System:
        """The system itself."""
        return (SYSTEMS | ABLATIONS)[self.system]

    @property
    def size_px(self) -> int:
        """Side of the square that images are resized to."""
        return self.budget.size_px or self.dataset.size_px

    @property
    def limits(self) -> dict[str, int | str | None]:
        """The budget, with the side that images have in it."""
        return asdict(self.budget) | {"size_px": self.size_px}


# The largest questions first: whoever stops early has the rows that matter.
URGENCY = (
    "egt",
    "phantast",
    "phantast_gui",
    "phantast_tuned",
    "resnet18_unet_rp",
    "resnet18_unet",
    "unet",
    "ddanet",
    "bcdu_net",
    "double_unet",
    "resnet18_fpn",
    "segnet",
    "tip_net_reconstruction",
    "unet_plus_plus",
    "ternausnet11",
    "swift",
    "bcdu_net_d1",
    "unet_plus_plus_ds",
    *ABLATIONS,
)


def plan_tasks(datasets: Sequence[DataSet], systems: Sequence[str], budget: Budget) -> list[Task]:
    """Every system on every split: first splits first, ablations last."""
    tasks = [
        Task(dataset, split, system, budget)
        for dataset in datasets
        for split in dataset.splits
        for system in systems
    ]

    def urgency(task: Task) -> tuple[bool, str, int]:
        return (task.system in ABLATIONS, task.split.name[-1], URGENCY.index(task.system))

    return sorted(tasks, key=urgency)


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
