"""what of the paper is wanted, and of which data → the tasks it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.errors import SettingsError
from coverslip.reproduction.datasets import open_dataset
from coverslip.reproduction.systems import ABLATIONS, FROM_SCRATCH, RP, SYSTEMS
from coverslip.reproduction.task import plan_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip.reproduction.budget import Budget
    from coverslip.reproduction.datasets import DataSet
    from coverslip.reproduction.task import Task

LISTS = ("split.csv", "folds.csv")  # what tells a data set from a folder of data sets
PARTS = ("table1", "table2", "table3", "table4", "ablations", "figures", "all")


def find_datasets(folders: Sequence[Path]) -> list[DataSet]:
    """The data sets in some folders: each one itself, or those in the folders below it.

    Raises:
        CoverslipError: one that cannot be used; two of the same name, or two for Tables 1 and 2.
    """
    found = [open_dataset(path) for folder in folders for path in unpack(folder)]
    names = [dataset.name for dataset in found]
    if len(set(names)) < len(names):
        raise SettingsError(
            f"two data sets are named {max(names, key=names.count)}: rename one's folder."
        )
    for tables in ((1, 2), (3, 4)):
        same = [dataset.name for dataset in found if dataset.tables == tables]
        if len(same) > 1:
            raise SettingsError(
                f"{' and '.join(same)} are both for tables {tables[0]} and {tables[1]}: name one "
                "of them, and give the other an -o of its own."
            )
    return found


def unpack(folder: Path) -> list[Path]:
    """The folder itself if it is a data set, else the data sets in it."""
    if is_dataset(folder) or not folder.is_dir():
        return [folder]
    inside = [path for path in sorted(folder.iterdir()) if is_dataset(path)]
    return inside or [folder]


def is_dataset(folder: Path) -> bool:
    """Whether a folder has a list, or a folder of several images beside one of masks.

    In DSB2018's own layout each image has such a pair of folders to itself.
    """
    if any((folder / name).is_file() for name in LISTS):
        return True
    has_masks = any((folder / name).is_dir() for name in ("labels", "masks"))
    return has_masks and len(list(folder.glob("images/*"))) > 1


def plan_part(
    part: str,
    datasets: Sequence[DataSet],
    budget: Budget,
    *,
    systems: Sequence[str] = (),
    splits: Sequence[str] = (),
    pretrained: bool = True,
) -> list[Task]:
    """The tasks that a part of the paper takes.

    Args:
        part: one of `PARTS`.
        datasets: what there is to train and score on.
        budget: how long to train.
        systems: keys of SYSTEMS and ABLATIONS; none: all that the part has.
        splits: names such as ``"seed0"``; none: all. Figures show one split, the first.
        pretrained: whether there are ImageNet weights to do without.

    Raises:
        SettingsError: a part, or a system or split in it, that does not exist, or no data set.
    """
    if part not in PARTS:
        raise SettingsError(f"{part}: wanted one of {', '.join(PARTS)}.")
    chosen = [dataset for dataset in datasets if is_of(part, dataset)]
    if not chosen:
        wanted = (
            "DSB2018, or other images with a split.csv"
            if part in ("table3", "table4")
            else "phase contrast, or other images without a split.csv"
        )
        raise SettingsError(f"{part} is of {wanted}: name the folder of that data set.")
    usual = [key for key in usual_systems(part) if pretrained or key != FROM_SCRATCH]
    check_names("--systems", systems, usual)
    check_names("--splits", splits, [s.name for dataset in chosen for s in dataset.splits])
    if part == "figures" and not splits:
        splits = [dataset.splits[0].name for dataset in chosen]
    tasks = plan_tasks(chosen, [key for key in usual if wants(key, systems)], budget)
    return [task for task in tasks if wants(task.split.name, splits)]


def is_of(part: str, dataset: DataSet) -> bool:
    """Whether a part of the paper is about a data set."""
    number = part.removeprefix("table")
    return int(number) in dataset.tables if number.isdecimal() else True


def usual_systems(part: str) -> list[str]:
    """The systems of a part of the paper."""
    if part == "ablations":
        return [RP, "resnet18_unet", *ABLATIONS]
    return [*SYSTEMS, *ABLATIONS] if part == "all" else list(SYSTEMS)


def wants(name: str, chosen: Sequence[str]) -> bool:
    """Whether a name was chosen; where none was, all are."""
    return not chosen or name in chosen


def check_names(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a name that does not exist.

    Raises:
        SettingsError: there is one.
    """
    for name in names:
        if name not in known:
            raise SettingsError(f"{option} {name}: wanted of {', '.join(dict.fromkeys(known))}.")
