"""a comparison of conditions → tables, figures and the page, in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coverslip.figures import figure_to_bytes
from coverslip.io import write_bytes, write_text
from coverslip.plates.compare import (
    Comparison,
    curve_table,
    dose_points,
    title_of,
    well_table,
)
from coverslip.plates.figures import dose_figure, plate_figure, say_ec50, superplot_figure
from coverslip.plates.replicates import OF_IMAGES, REPLICATE
from coverslip.plates.wells import smallest_plate, text_to_well
from coverslip.report import PlateSection, plate_page
from coverslip.report.values import plural, significant
from coverslip.tables import write_table

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

PAGE = "conditions.html"
FORMS = ("svg", "pdf")


def write_comparison(
    comparison: Comparison, out: Path, *, form: str = "csv", title: str = "Conditions"
) -> None:
    """Write the tables, the figures as SVG and PDF, and ``conditions.html``.

    Args:
        comparison: of `compare_conditions`.
        out: the folder.
        form: of the tables, "csv" or "parquet".
        title: heading of the page.

    Raises:
        FileError: a file cannot be written.
        SettingsError: "parquet" without the package for it.
    """
    tables = {
        "replicates": comparison.means,
        "effects": comparison.effects,
        "dose_response": curve_table(comparison.curves),
        "wells": well_table(comparison),
        "quality": comparison.quality,
    }
    for name, table in tables.items():
        write_table(out / f"{name}.{form}", table)
    sections = [_quality_section(comparison)]
    wells = tables["wells"]
    for measure in comparison.shown:
        sections.append(_measure_section(comparison, measure, wells, out=out))
    page = plate_page(
        title,
        tiles=_tiles(comparison),
        notes=[f"{note[0].upper()}{note[1:]}." for note in comparison.notes],
        sections=sections,
        tables=[f"{name}.{form}" for name in tables],
    )
    write_text(out / PAGE, page)


def _measure_section(
    comparison: Comparison, measure: str, wells: pd.DataFrame, *, out: Path
) -> PlateSection:
    """Of one measurement: the plate, the superplot, the dose-responses and the effects."""
    title, unit = title_of(measure)
    drawn: list[tuple[str, str, Figure]] = []
    means = comparison.means[comparison.means["measure"] == measure]
    names = comparison.design.conditions
    if len(wells) and measure in wells:
        values = {
            (well.row, well.column): float(value)
            for text, value in zip(wells["well"], wells[measure], strict=True)
            if (well := text_to_well(text)) is not None
        }
        size = smallest_plate(text_to_well(text) for text in wells["well"])  # type: ignore[misc]
        figure = plate_figure(values, size, title=f"{title}, by well", unit=unit)
        drawn.append((f"plate_{measure}", f"{title} of each well of the plate", figure))
    is_of_images = measure in OF_IMAGES
    cells = None if is_of_images else _cells_of_replicates(comparison)
    figure = superplot_figure(
        cells, means, conditions=names, measure=measure, title=title, unit=unit
    )
    what = "Replicates large" if is_of_images else "Cells small, replicates large"
    drawn.append((f"superplot_{measure}", f"{title} of each group. {what}.", figure))
    drawn += _dose_figures(comparison, measure, title=title, unit=unit)
    pictures = []
    for name, words, figure in drawn:
        for form in FORMS:
            file = out / "figures" / f"{_safe(name)}.{form}"
            write_bytes(file, figure_to_bytes(figure, form=form))  # type: ignore[arg-type]
        pictures.append((words, figure_to_bytes(figure, form="svg")))
    return PlateSection(title, pictures, _effect_rows(comparison, measure))


def _dose_figures(
    comparison: Comparison, measure: str, *, title: str, unit: str
) -> list[tuple[str, str, Figure]]:
    dose = comparison.dose
    if dose is None:
        return []
    others = [name for name in comparison.design.conditions if name != dose]
    drawn = []
    points_of = dose_points(
        comparison.means, measure, dose=dose, others=others, control=comparison.control
    )
    for name, points in points_of:
        curve = comparison.curves.get((name, measure))
        if curve is not None:
            figure = dose_figure(points, curve, dose=dose, title=f"{title}, {name}", unit=unit)
            drawn.append((f"dose_{name}_{measure}", f"{title}, {name}: {say_ec50(curve)}", figure))
    return drawn


def _cells_of_replicates(comparison: Comparison) -> pd.DataFrame:
    """The cells with the column ``replicate``, whatever the replicates are."""
    unit = comparison.design.unit
    if REPLICATE in comparison.cells or unit == REPLICATE:
        return comparison.cells
    return comparison.cells.rename(columns={unit: REPLICATE})


def _effect_rows(comparison: Comparison, measure: str) -> pd.DataFrame:
    """The effects of one measurement in words, for the page."""
    effects = comparison.effects
    if effects.empty:
        return pd.DataFrame()
    own = effects[effects["measure"] == measure]
    rows = [
        {
            "group": row["group"],
            "beside": row["control"] or "no control",
            "replicates": f"{row['n_replicates']} and {row['n_control']}",
            "mean": significant(row["mean"]),
            "ratio": _number(row["ratio"]),
            "difference": _number(row["difference"]),
            "95 % interval": _ends(row["difference_low"], row["difference_high"]),
            "Hedges' g": _number(row["hedges_g"]),
        }
        for row in own.to_dict("records")
    ]
    return pd.DataFrame(rows)


def _number(value: float) -> str:
    return significant(value) if np.isfinite(value) else "–"


def _ends(low: float, high: float) -> str:
    if not np.isfinite(low):
        return "unknown"
    return f"{significant(low)} to {significant(high)}"


def _quality_section(comparison: Comparison) -> PlateSection:
    """The images that something may be wrong with."""
    flagged = comparison.quality[comparison.quality["flags"] != ""]
    rows = flagged[["file", "frame", "flags"]].rename(columns={"flags": "what may be wrong"})
    n, n_all = len(rows), len(comparison.quality)
    about = (
        f"None of the {n_all} images looks wrong."
        if not n
        else f"{n} of {n_all} images: look at them before you believe their numbers. None was "
        "left out."
    )
    return PlateSection("Quality of the images", [], rows.head(60), about)


def _tiles(comparison: Comparison) -> list[tuple[str, str, str]]:
    means = comparison.means
    groups = means[list(comparison.design.conditions)].drop_duplicates()
    n_wells = comparison.images.loc[comparison.images["well"] != "", "well"].nunique()
    flagged = int((comparison.quality["flags"] != "").sum())
    return [
        ("Groups", str(len(groups)), f"by {', '.join(comparison.design.conditions)}"),
        ("Replicates", str(means[REPLICATE].nunique()), comparison.design.unit),
        ("Wells", str(n_wells), plural(len(comparison.images), "image")),
        ("Cells", f"{len(comparison.cells):,}", "in all"),
        ("To look at", str(flagged), "images that may be wrong"),
    ]


def _safe(name: str) -> str:
    """A name that every file system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:100]
