"""tables of cells and images + a plate map → what the conditions changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip._text import printable
from coverslip.errors import DataError, FileError, SettingsError
from coverslip.io import open_image, read_frames
from coverslip.measurements import column_of
from coverslip.plates.dose_response import DoseResponse, fit_dose_response
from coverslip.plates.effects import effects_table, find_control
from coverslip.plates.quality import Look, judge_images, look_at
from coverslip.plates.replicates import (
    OF_IMAGES,
    REPLICATE,
    Design,
    add_wells,
    find_design,
    group_name,
    measured_columns,
    replicate_means,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from coverslip.plates.conditions import Conditions

MOST_LOOKED_PX = 64_000_000  # of a frame; larger ones are not read again for their quality
SHOWN = ("area_um2", "area_px", "form_factor", "eccentricity")
MOST_SHOWN = 7


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the conditions of a plate changed.

    Attributes:
        design: which columns make groups and replicates.
        control: what tells the control from the others.
        cells: one row per cell, with the conditions.
        images: one row per frame, with the conditions and the well.
        means: of each replicate, see `replicate_means`.
        effects: of each group, see `effects_table`.
        curves: treatment and measurement → the dose-response through its replicates.
        quality: of each image, see `judge_images`.
        shown: measurements that are drawn.
        notes: what was decided, and what the reader should know.
    """

    design: Design
    control: dict[str, Any]
    cells: pd.DataFrame
    images: pd.DataFrame
    means: pd.DataFrame
    effects: pd.DataFrame
    curves: dict[tuple[str, str], DoseResponse]
    quality: pd.DataFrame
    shown: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def dose(self) -> str | None:
        """The column of the dose, if there is one of numbers."""
        return dose_column(self.design.conditions, self.means)


def compare_conditions(
    cells: pd.DataFrame,
    images: pd.DataFrame,
    conditions: Conditions,
    *,
    control: str | None = None,
    measures: Sequence[str] = (),
    looks: pd.DataFrame | None = None,
) -> Comparison:
    """Compare the conditions of a plate or of any set of images, over replicates.

    Args:
        cells: one row per cell, as in cells.csv.
        images: one row per frame, as in images.csv.
        conditions: of each image, from `read_conditions`.
        control: the value that the control has in a condition; None: see `find_control`.
        measures: columns to draw; none named: the usual ones. The tables have all.
        looks: of `look_at_images`; None: images were not looked at.

    Raises:
        DataError: no image has a condition.
        SettingsError: no such control or measurement.

    Example:
        >>> from pathlib import Path
        >>> import pandas as pd
        >>> from coverslip.plates import Conditions, Rule, compare_conditions
        >>> rules = [Rule(2, f, None, "", {"drug": d}) for f, d in (("a", "DMSO"), ("b", "X"))]
        >>> conditions = Conditions(Path("plate.csv"), ("drug",), tuple(rules))
        >>> images = pd.DataFrame({"file": ["a", "b"], "frame": 0, "n_cells": [2, 4]})
        >>> cells = pd.DataFrame(columns=["file", "frame", "label", "area_px"])
        >>> found = compare_conditions(cells, images, conditions)
        >>> found.effects[["group", "control", "ratio"]].values.tolist()
        [['X', 'DMSO', 2.0]]
    """
    notes = _say_unmatched(conditions, images)
    images = add_wells(conditions.add_to(images))
    design = find_design(conditions, images)
    known = images.dropna(subset=list(design.conditions), how="all")
    if known.empty:
        raise DataError(
            f"{conditions.path}: none of its rows is about one of the {len(images)} images, such "
            f"as {images['file'].iloc[0]}. Wells are looked for in names and folders (B03, r02c03)."
        )
    notes.append(design.about_unit)
    cells = conditions.add_to(cells)
    cells = cells.assign(well=cells["file"].map(images.groupby("file")["well"].first()))
    columns = measured_columns(cells, leave_out=[*conditions.names, "well"])
    shown = _choose_shown(images, columns, measures)
    means = replicate_means(cells, known, design=design, measures=columns)
    reference = find_control(means, design.conditions, named=control)
    words = ", ".join(f"{name} {group_name([value])}" for name, value in reference.items())
    notes.append(f"the control is {words}" + ("" if control else " (--control names another)"))
    effects = effects_table(means, design.conditions, reference)
    if len(effects) and (effects[["n_replicates", "n_control"]].min(axis=1) < 2).any():
        notes.append(
            "a group or its control has one replicate: how sure its difference is cannot be known"
        )
    looked = looks if looks is not None else pd.DataFrame(columns=["file", "frame", *Look._fields])
    return Comparison(
        design,
        reference,
        cells.rename(columns={design.unit: REPLICATE}) if design.unit == "well" else cells,
        images,
        means,
        effects,
        fit_curves(means, design.conditions, shown, control=reference),
        judge_images(images, cells, looked),
        tuple(shown),
        tuple(notes),
    )


def _say_unmatched(conditions: Conditions, images: pd.DataFrame) -> list[str]:
    without, unused = conditions.unmatched(images["file"].unique())
    notes = []
    if without:
        were = "image has" if len(without) == 1 else "images have"
        notes.append(
            f"{len(without)} {were} no row in {conditions.path.name} and no condition, such as "
            f"{printable(without[0])}"
        )
    if unused:
        rows = "row is" if len(unused) == 1 else "rows are"
        lines = ", ".join(str(rule.line) for rule in unused[:8]) + " …" * (len(unused) > 8)
        notes.append(f"{len(unused)} {rows} about no image: {lines} of {conditions.path.name}")
    return notes


def _choose_shown(images: pd.DataFrame, columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The measurements that are drawn: those named, or the usual ones."""
    there = [name for name in OF_IMAGES if name in images] + list(columns)
    missing = [name for name in wanted if name not in there]
    if missing:
        raise SettingsError(
            f"--measure {','.join(missing)}: no such measurement in the tables. Wanted some of: "
            f"{', '.join(there)}."
        )
    if wanted:
        return list(wanted)
    usual = [*OF_IMAGES, *SHOWN, *(name for name in columns if name.startswith("intensity_mean"))]
    if "area_um2" in there:
        usual.remove("area_px")
    return [name for name in usual if name in there][:MOST_SHOWN]


def dose_column(conditions: Sequence[str], means: pd.DataFrame) -> str | None:
    """The condition that is a dose or concentration and holds numbers."""
    for name in conditions:
        is_dose = any(word in name.lower() for word in ("dose", "conc"))
        if is_dose and pd.api.types.is_numeric_dtype(means[name]):
            return name
    return None


def fit_curves(
    means: pd.DataFrame, conditions: Sequence[str], measures: Iterable[str], *, control: Any
) -> dict[tuple[str, str], DoseResponse]:
    """The dose-response of each treatment and measurement that has enough doses.

    The control counts as dose 0 of each treatment.
    """
    dose = dose_column(conditions, means)
    if dose is None:
        return {}
    others = [name for name in conditions if name != dose]
    found = {}
    for measure in measures:
        for name, points in dose_points(means, measure, dose=dose, others=others, control=control):
            curve = fit_dose_response(points["dose"].to_numpy(), points["mean"].to_numpy())
            if curve is not None:
                found[name, measure] = curve
    return found


def dose_points(
    means: pd.DataFrame, measure: str, *, dose: str, others: Sequence[str], control: Any
) -> Iterable[tuple[str, pd.DataFrame]]:
    """Of each treatment, the means of its replicates over the dose, with the control at dose 0."""
    table = means[means["measure"] == measure].dropna(subset=[dose]).rename(columns={dose: "dose"})
    is_control = pd.Series(True, index=table.index)
    for name, value in control.items():
        is_control &= table["dose" if name == dose else name] == value
    nought = table[is_control].assign(dose=0.0)
    treated = table[~is_control]
    if not others:
        yield dose, table.astype({"dose": float})
        return
    for key, points in treated.groupby(list(others), sort=False, dropna=False):
        yield group_name(key), pd.concat([nought, points]).astype({"dose": float})


def curve_table(curves: dict[tuple[str, str], DoseResponse]) -> pd.DataFrame:
    """One row per treatment and measurement: the curve's parameters."""
    rows = [{"group": key[0], "measure": key[1], **vars(curve)} for key, curve in curves.items()]
    columns = ["group", "measure", *DoseResponse.__dataclass_fields__]
    return pd.DataFrame(rows, columns=columns)


def well_table(comparison: Comparison) -> pd.DataFrame:
    """One row per plate's well: its conditions, and the mean of each measurement over its images.

    Measurements of cells are means over the well's cells.
    """
    names = list(comparison.design.conditions)
    images = comparison.images[comparison.images["well"] != ""]
    if images.empty:
        return pd.DataFrame(columns=["well", *names])
    of_images = [name for name in OF_IMAGES if name in images]
    table = images.groupby("well", sort=True)[[*names, *of_images]].agg(
        {**dict.fromkeys(names, "first"), **dict.fromkeys(of_images, "mean")}
    )
    unit = REPLICATE if comparison.design.unit == "well" else "well"
    columns = measured_columns(comparison.cells, leave_out=[*names, "well", REPLICATE])
    return table.join(comparison.cells.groupby(unit)[columns].mean()).reset_index(names="well")


def look_at_images(
    images: pd.DataFrame, *, on_note: Callable[[str], None], channel: int = 0
) -> pd.DataFrame:
    """Read every image again, and measure what tells of a bad one.

    What cannot be read, or is too large, is told of and left out.
    """
    rows = []
    for file, frames in images.groupby("file", sort=False)["frame"]:
        try:
            opened = open_image(Path(str(file)))
            if np.prod(opened.frame_shape) > MOST_LOOKED_PX:
                on_note(f"{file}: too large for its quality to be looked at")
                continue
            numbers = [int(frame) for frame in frames]
            pictures = read_frames(opened, numbers, channel=min(channel, opened.n_channels - 1))
            for frame, picture in zip(numbers, pictures, strict=True):
                rows.append({"file": file, "frame": frame, **look_at(picture)._asdict()})
        except FileError as error:
            on_note(f"its quality was not looked at: {error}")
    return pd.DataFrame(rows, columns=["file", "frame", *Look._fields])


def title_of(measure: str) -> tuple[str, str]:
    """What a measurement is called in a figure, and its unit."""
    if measure == "n_cells":
        return "Cells per image", ""
    if measure == "confluence":
        return "Confluence", "share of the image"
    column = column_of(measure)
    unit = "" if column is None or column.unit in ("ratio", "count", "number") else column.unit
    words = measure
    for ending in ("_px", "_um2", "_um"):
        words = words.removesuffix(ending)
    return words.replace("_", " ").capitalize(), unit
