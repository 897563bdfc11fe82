"""coverslip compare: cells of a plate + what each well got → effects, figures, a page.

Multi-well plates and screens: conditions, doses, replicates and quality control.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.messages import note, tell
from coverslip.errors import DataError, FileError

if TYPE_CHECKING:
    import pandas as pd

    from coverslip.plates import Conditions

TABLES = ("cells.csv", "cells.parquet")


def compare(
    results: Annotated[
        Path, typer.Argument(help="Folder of coverslip segment, or a table of coverslip measure.")
    ],
    conditions: Annotated[
        Path, typer.Option(help="Plate map: a CSV with a column well or file, and conditions.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; otherwise conditions, beside the tables."),
    ] = None,
    control: Annotated[
        str | None, typer.Option(help="The condition that others are compared with, such as DMSO.")
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(help="Measurements to draw, with commas; otherwise the usual ones."),
    ] = None,
    table: Annotated[str, typer.Option(help="Tables as csv or parquet.")] = "csv",
    no_quality: Annotated[
        bool, typer.Option("--no-quality", help="Do not read the images again for their quality.")
    ] = False,
) -> None:
    """Compare conditions of a plate: superplots, heat maps, effect sizes, dose-response."""
    from coverslip.io import Ledger, check_writable, writing
    from coverslip.plates import (
        PAGE,
        compare_conditions,
        look_at_images,
        read_conditions,
        write_comparison,
    )
    from coverslip.tables import check_format

    check_format(table)
    plate = read_conditions(conditions)
    cells, images = read_tables(results)
    folder = results if results.is_dir() else results.parent
    out = out or folder / "conditions"
    check_writable(out)
    looks = None
    if not no_quality and "confluence" in images:  # of images, not of label files
        looks = look_at_images(images, on_note=note)
    wanted = [name.strip() for name in (measure or "").split(",") if name.strip()]
    found = compare_conditions(cells, images, plate, control=control, measures=wanted, looks=looks)
    for text in found.notes:
        note(text)
    with writing(Ledger(out)):
        write_comparison(found, out, form=table, title=f"Conditions of {folder.resolve().name}")
    flagged = int((found.quality["flags"] != "").sum())
    if flagged:
        note(f"{flagged} of {len(found.quality)} images may be wrong: see the page")
    tell(f"{found.means['replicate'].nunique()} replicates, {len(images)} images: {out / PAGE}")


def read_tables(results: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of cells and of images that a verb wrote.

    Raises:
        FileError: nothing is there, or it cannot be read.
        DataError: a table of something else.
    """
    if results.is_dir():
        path = next((results / name for name in TABLES if (results / name).is_file()), None)
        if path is None:
            raise FileError(
                f"{results}: no cells.csv in it. Name the folder of coverslip segment, or the "
                "table of coverslip measure."
            )
    else:
        path = results
    cells = read_table_file(path)
    missing = [name for name in ("file", "frame", "label") if name not in cells]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}. Wanted a table of cells, as coverslip "
            "segment and measure write it."
        )
    beside = path.with_name(f"images{path.suffix}")
    if results.is_dir() and beside.is_file():
        return cells, read_table_file(beside)
    note("no table of images: an image without cells is unknown, and is not counted")
    counted = cells.groupby(["file", "frame"], sort=False).size().rename("n_cells")
    return cells, counted.reset_index()


def read_table_file(path: Path) -> pd.DataFrame:
    """A table, as CSV or Parquet.

    Raises:
        FileError: it cannot be read.
    """
    import pandas as pd

    from coverslip.io import check_regular, read_error

    try:
        check_regular(path)
        if path.suffix.lower() == ".parquet":
            from coverslip.tables import check_format

            check_format("parquet")
            return pd.read_parquet(path)
        return pd.read_csv(path, low_memory=False)
    except OSError as error:
        raise read_error(path, error) from error
    except ValueError as error:  # pandas' and Arrow's own kinds are kinds of it
        raise FileError(f"{path}: no table that can be read ({error}). Make it anew.") from error


def read_plate(path: Path | None) -> Conditions | None:
    """The plate map that --conditions names, if it names one."""
    from coverslip.plates import read_conditions

    return None if path is None else read_conditions(path)
