"""cells → the mean of each replicate, which is what conditions are compared by.

The unit of an experiment: a dish, a mouse, a day; not the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.measurements import column_of
from coverslip.plates.wells import path_to_well

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coverslip.plates.conditions import Conditions

REPLICATE = "replicate"
# What is no measurement of a cell, though it is a number.
NO_MEASURE = ("place", "identity")
# Of an image, not of a cell; they stand first.
OF_IMAGES = ("n_cells", "confluence")


@dataclass(frozen=True)
class Design:
    """How an experiment is laid out.

    Attributes:
        conditions: the columns that make groups, such as treatment and dose; without the replicate.
        unit: the column that tells replicates apart.
        about_unit: what is to be said of it.
    """

    conditions: tuple[str, ...]
    unit: str
    about_unit: str


def find_design(conditions: Conditions, images: pd.DataFrame) -> Design:
    """Which columns make groups, and which tells the replicates of a group apart.

    Without a column ``replicate`` the wells are taken for replicates, or else the images, and that
    is said: they are seldom independent of one another.

    Args:
        conditions: of the plate map.
        images: with the column ``file``; ``well`` is filled where there are wells.
    """
    groups = tuple(name for name in conditions.names if name.lower() != REPLICATE)
    named = [name for name in conditions.names if name.lower() == REPLICATE]
    if named:
        return Design(groups, named[0], f"replicates by the column {named[0]}")
    if (images["well"] != "").all():
        return Design(
            groups,
            "well",
            "no column 'replicate' in the plate map: each well is taken for a replicate. Wells of "
            "one plate and day share what went wrong that day; intervals are too narrow by that",
        )
    return Design(
        groups,
        "file",
        "no column 'replicate' in the plate map: each image is taken for a replicate. Fields of "
        "one dish are not independent; intervals are too narrow by that",
    )


def add_wells(images: pd.DataFrame) -> pd.DataFrame:
    """The table with the column ``well``, B03 or empty, of each file."""
    wells = {file: path_to_well(PurePath(str(file))) for file in images["file"].unique()}
    names = {file: "" if well is None else well.name for file, well in wells.items()}
    return images.assign(well=images["file"].map(names))


def measured_columns(cells: pd.DataFrame, *, leave_out: Iterable[str] = ()) -> list[str]:
    """The columns of cells that conditions may change: numbers with a meaning, not places."""
    left_out = {*leave_out, "file", "frame", "label"}
    kept = []
    for name in cells.select_dtypes("number"):
        column = column_of(str(name))
        if name not in left_out and (column is None or column.group not in NO_MEASURE):
            kept.append(str(name))
    return kept


def replicate_means(
    cells: pd.DataFrame, images: pd.DataFrame, *, design: Design, measures: Sequence[str]
) -> pd.DataFrame:
    """The mean of each measurement in each replicate of each group.

    Args:
        cells: one row per cell, with the columns of the design.
        images: one row per frame, likewise, with ``n_cells`` and ``confluence``.
        design: which columns make groups and replicates.
        measures: columns of ``cells``.

    Returns:
        One row per group, replicate and measurement: the group's columns, ``replicate``,
        ``measure``, ``mean``, ``n`` (cells or, of ``n_cells`` and ``confluence``, images).
    """
    keys = [*design.conditions, design.unit]
    of_images = [name for name in OF_IMAGES if name in images]
    parts = [_means(images, keys, of_images), _means(cells, keys, measures)]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return table.rename(columns={design.unit: REPLICATE})


def _means(table: pd.DataFrame, keys: list[str], measures: Sequence[str]) -> pd.DataFrame:
    if not len(measures) or table.empty:
        return pd.DataFrame(columns=[*keys, "measure", "mean", "n"])
    known = table.dropna(subset=keys)
    groups = known.groupby(keys, sort=False, observed=True)[list(measures)]
    means = groups.mean().reset_index().melt(keys, var_name="measure", value_name="mean")
    counts = groups.count().reset_index().melt(keys, var_name="measure", value_name="n")
    means["n"] = counts["n"]
    return means.dropna(subset=["mean"])


def group_name(values: Sequence[Any]) -> str:
    """The name of a group: what its conditions are, with a space between; ``drug 1.5``."""
    texts = [_text(value) for value in values]
    return " ".join(text for text in texts if text) or "all"


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
