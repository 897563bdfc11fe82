"""coverslip measure: label files of any tool × images → a table; no network, so no PyTorch.

It measures morphology and intensity of each cell, of any segmentation.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from coverslip.cli.messages import count_files, count_of, new_progress, note, tell, tell_failed
from coverslip.cli.options import Axes, Channel, Conditions, Project, Properties
from coverslip.errors import DataError, SettingsError, list_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from coverslip.io import Reading
    from coverslip.measurements import MeasureSettings
    from coverslip.plates import Conditions as Plate


def measure(
    labels: Annotated[Path, typer.Argument(help="Label or mask files of any tool.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table, .csv or .parquet.")],
    images: Annotated[
        Path | None, typer.Argument(help="Their images, for how bright the cells are.")
    ] = None,
    properties: Properties = "all",
    conditions: Conditions = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, where the files do not say it.")
    ] = None,
    ring: Annotated[
        int, typer.Option(help="Width of the background's ring around a cell, in pixels.")
    ] = 10,
    near: Annotated[int, typer.Option(help="Cells at most so far apart are near, in pixels.")] = 20,
) -> None:
    """Measure the cells of label files: a table, one row per cell."""
    from coverslip.cli.arguments import parse_list
    from coverslip.cli.compare import read_plate
    from coverslip.io import Reading
    from coverslip.measurements import MeasureSettings

    settings = MeasureSettings(properties=parse_list(properties), ring_px=ring, near_px=near)
    failed = run_measure(
        labels,
        images,
        out=out,
        settings=settings,
        pixel_size_um=pixel_size,
        reading=Reading(channel, axes, project),
        conditions=read_plate(conditions),
    )
    raise typer.Exit(1 if failed else 0)


def run_measure(
    labels: Path,
    images: Path | None,
    *,
    out: Path,
    settings: MeasureSettings,
    pixel_size_um: float | None,
    reading: Reading,
    conditions: Plate | None = None,
) -> dict[Path, str]:
    """Measure files, write the table and say how many cells there are; the files that failed.

    Raises:
        SettingsError: a table of no known format, a pixel without a size, or what cannot be
            measured.
        DataError: no file can be measured.
        FileError: the table cannot be written.
    """
    from coverslip.file_measurements import match_labels, measure_each

    check_request(out, images, settings=settings)
    if pixel_size_um is not None and not pixel_size_um > 0:
        raise SettingsError(f"--pixel-size {pixel_size_um}: wanted more than 0 µm.")
    found = match_labels(labels, images)
    if found.without_labels:
        note(f"{count_files(len(found.without_labels))} without labels left out")
    failed: dict[Path, str] = {}
    with new_progress() as progress:
        tables = measure_each(
            found.files,
            settings=settings,
            pixel_size_um=None if pixel_size_um is None else (pixel_size_um, pixel_size_um),
            reading=reading,
            on_note=note,
            on_failed=failed.__setitem__,
            on_progress=progress.on_progress,
        )
        n_cells = write_as_measured(
            out, tables, failed=failed, n_files=len(found.files), conditions=conditions
        )
    n_files = len(found.files) - len(failed)
    text = f"{count_of(n_cells, 'cell')} in {count_files(n_files)}: {out}"
    tell(text, n_cells=n_cells, n_files=n_files, table=str(out))
    tell_failed(failed)
    return failed


class Waiting(NamedTuple):
    """Rows of a frame, in a file until all columns are known.

    Attributes:
        path: where they wait.
        file: the label file that they are of.
        n_cells: how many they are.
        columns: their names.
    """

    path: Path
    file: str
    n_cells: int
    columns: tuple[str, ...]


def write_as_measured(
    out: Path,
    tables: Iterable[pd.DataFrame],
    *,
    failed: Mapping[Path, str],
    n_files: int,
    conditions: Plate | None = None,
) -> int:
    """Write tables below each other, and say how many rows they have.

    Until all are measured, and so all columns known, they wait in files: however many cells there
    are, those of few frames are held.

    Args:
        out: the table.
        tables: of the frames, one after the other.
        failed: filled while they come: files of which nothing is written, and why.
        n_files: of how many files the tables are.
        conditions: of each image, for further columns; None: there are none.

    Raises:
        DataError: every file failed.
        CoverslipError: the table cannot be written.
    """
    from coverslip.file_measurements import NOTHING_MEASURED
    from coverslip.io import Ledger, writing
    from coverslip.pipeline.store import read_table
    from coverslip.tables import cell_columns, gather_rows, write_table_parts

    with TemporaryDirectory(prefix="coverslip-") as folder:
        waiting = keep_tables(tables, Path(folder))
        if failed and len(failed) == n_files:
            raise DataError(list_problems(list(failed.values()), cure=NOTHING_MEASURED))
        left_out = set(map(str, failed))
        waiting = [one for one in waiting if one.file not in left_out]
        full = [one for one in waiting if one.n_cells]
        names = dict.fromkeys(name for one in full or waiting[:1] for name in one.columns)
        rows = (read_table(one.path).assign(file=one.file) for one in full)
        columns = cell_columns(names)
        if conditions is not None:
            rows = (conditions.add_to(table) for table in rows)
            columns[2:2] = conditions.names  # behind file and frame
        with writing(Ledger(out.parent)):
            write_table_parts(out, gather_rows(rows), columns=columns)
    return sum(one.n_cells for one in full)


def keep_tables(tables: Iterable[pd.DataFrame], folder: Path) -> Sequence[Waiting]:
    """Put the tables of frames into files, those without a row but for their names."""
    from coverslip.pipeline.store import table_to_arrays, write_arrays

    waiting: list[Waiting] = []
    for table in tables:
        path = folder / f"{len(waiting):07d}.npz"
        columns = tuple(map(str, table))
        if len(table):
            write_arrays(path, table_to_arrays(table.drop(columns="file")))
            waiting.append(Waiting(path, table["file"].iloc[0], len(table), columns))
        elif not waiting or waiting[-1].n_cells:
            waiting.append(Waiting(path, "", 0, columns))
    return waiting


def check_request(out: Path, images: Path | None, *, settings: MeasureSettings) -> None:
    """Find what would stop the work, or leave columns out that were asked for by name.

    Raises:
        SettingsError: a table of no known format, brightness without images, or uncertainty.
        FileError: the table cannot be written.
    """
    from coverslip.io import check_writable
    from coverslip.measurements import COLUMNS
    from coverslip.tables import check_format

    if not out.suffix:
        raise SettingsError(f"-o {out}: wanted a file for the table, such as {out}.csv.")
    check_format(out.suffix.lower().removeprefix("."))
    check_writable(out, is_file=True)
    for name in settings.properties:
        group = COLUMNS[name].group if name in COLUMNS else name
        if group == "intensity" and images is None:
            raise SettingsError(
                f"--properties {name}: brightness is measured in the images; name them too, "
                "coverslip measure LABELS IMAGES."
            )
        if group == "uncertainty":
            raise SettingsError(
                f"--properties {name}: label files do not say how sure a model was; "
                "coverslip segment measures it."
            )
