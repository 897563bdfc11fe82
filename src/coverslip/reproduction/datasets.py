"""a folder of annotated images → the splits on which every system is trained and scored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coverslip import find_pairs, fold_pairs, read_groups, select_pairs
from coverslip.errors import DataError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip import Pair

DSB2018 = "dsb2018"
STAND_IN = "phase_contrast"  # for the paper's MDA-MB-231 frames, which were never published
N_FOLDS = 3  # the paper's
N_SEEDS = 3  # of a split that is fixed, to see how far chance alone moves a score


@dataclass(frozen=True)
class Split:
    """One way to part a data set into images to learn from and images to report on.

    Attributes:
        name: ``"seed0"`` or ``"fold0"``, and so on.
        seed: of the training.
        train: pairs to learn from, an inner split for validation among them.
        test: pairs to report on; nothing is ever chosen by them.
        groups: for each of `train`, what the inner split keeps its share of.
    """

    name: str
    seed: int
    train: list[Pair]
    test: list[Pair]
    groups: list[str]


@dataclass(frozen=True)
class DataSet:
    """Annotated images and their splits.

    Attributes:
        name: for files, ``"dsb2018"``.
        title: for readers, ``"DSB2018"``.
        size_px: side of the square that the paper resizes its images to.
        splits: three seeds of a fixed split, or three folds.
        modality: of every image by its name; empty where nobody says.
    """

    name: str
    title: str
    size_px: int
    splits: tuple[Split, ...]
    modality: dict[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[int, int]:
        """Which of the paper's tables are of such data: with and without augmentation."""
        return (3, 4) if self.splits[0].name.startswith("seed") else (1, 2)


def open_dataset(folder: Path) -> DataSet:
    """Recognise a data set by the list that lies in its folder.

    With ``split.csv`` (name, split = train or val, modality) it is DSB2018, or takes its place:
    256x256, three seeds. Otherwise it takes the place of the paper's MDA-MB-231 frames: 512x512,
    three folds, those of ``folds.csv`` (name, fold) where there is one, else drawn. Its name is the
    folder's.

    Raises:
        FileError: no such folder.
        DataError: images and masks or lists that do not fit together, or too few images.
        SettingsError: a list that is no CSV, or lacks a column or an image.
    """
    pairs = find_pairs(folder)
    if (folder / "split.csv").is_file():
        return open_fixed_split(folder, pairs)
    return open_folds(folder, pairs)


def open_fixed_split(folder: Path, pairs: list[Pair]) -> DataSet:
    """One split into training and validation images, three seeds."""
    table = folder / "split.csv"
    train = select_pairs(pairs, table, where="split=train")
    test = select_pairs(pairs, table, where="split=val")
    groups = read_groups(train, table, column="modality")
    splits = tuple(Split(f"seed{seed}", seed, train, test, groups) for seed in range(N_SEEDS))
    modality = {
        pair.name: group
        for pair, group in zip(pairs, read_groups(pairs, table, column="modality"), strict=True)
    }
    name = folder_name(folder)
    title = "DSB2018" if name == DSB2018 else name.replace("_", " ")
    return DataSet(name, title, 256, splits, modality)


def folder_name(folder: Path) -> str:
    """A name for files: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", folder.resolve().name.lower())


def open_folds(folder: Path, pairs: list[Pair]) -> DataSet:
    """Three folds of two thirds to learn from and one third to report on.

    Raises:
        DataError: too few images.
        SettingsError: a name that means DSB2018, or a list without exactly folds 0, 1 and 2.
    """
    name = folder_name(folder)
    if name == DSB2018:
        raise SettingsError(
            f"{folder}: no split.csv in it, which says what of DSB2018 is learnt from and what "
            "reported on: add it, or give the folder another name."
        )
    if len(pairs) < 3 * N_FOLDS:
        raise DataError(
            f"{folder}: {len(pairs)} annotated images; {N_FOLDS} folds want {3 * N_FOLDS} or more."
        )
    table = folder / "folds.csv"
    if table.is_file():
        check_folds(pairs, table)
    splits = []
    for fold in range(N_FOLDS):
        if table.is_file():
            train = select_pairs(pairs, table, where=f"fold!={fold}")
            test = select_pairs(pairs, table, where=f"fold={fold}")
        else:
            train, test = fold_pairs(pairs, fold=fold, n_folds=N_FOLDS, seed=0)
        splits.append(Split(f"fold{fold}", 0, train, test, [""] * len(train)))
    return DataSet(name, name.replace("_", " "), 512, tuple(splits))


def check_folds(pairs: list[Pair], table: Path) -> None:
    """Refuse a list of other folds than 0, 1 and 2, or one that leaves an image out.

    Raises:
        SettingsError: it is such a list.
    """
    found = set(read_groups(pairs, table, column="fold"))
    wanted = {str(fold) for fold in range(N_FOLDS)}
    if found != wanted:
        raise SettingsError(
            f"{table}: its folds are {', '.join(sorted(found))}; wanted "
            f"{', '.join(sorted(wanted))}, as the paper's cross-validation has."
        )
