"""coverslip measure: label files of any tool × images → a table; no network, so no PyTorch.

It measures morphology and intensity of each cell, of any segmentation.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.messages import count_files, count_of, new_progress, note, tell
from coverslip.cli.options import Axes, Channel, Project, Properties
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from coverslip.io import Reading
    from coverslip.measurements import MeasureSettings


def measure(
    labels: Annotated[Path, typer.Argument(help="Label or mask files of any tool.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table, .csv or .parquet.")],
    images: Annotated[
        Path | None, typer.Argument(help="Their images, for how bright the cells are.")
    ] = None,
    properties: Properties = "all",
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
    from coverslip.io import Reading
    from coverslip.measurements import MeasureSettings

    settings = MeasureSettings(properties=parse_list(properties), ring_px=ring, near_px=near)
    run_measure(
        labels,
        images,
        out=out,
        settings=settings,
        pixel_size_um=pixel_size,
        reading=Reading(channel, axes, project),
    )


def run_measure(
    labels: Path,
    images: Path | None,
    *,
    out: Path,
    settings: MeasureSettings,
    pixel_size_um: float | None,
    reading: Reading,
) -> None:
    """Measure files, write the table and say how many cells there are.

    Raises:
        SettingsError: a table of no known format, a pixel without a size, or what cannot be
            measured.
        FileError: the table cannot be written.
    """
    from coverslip.file_measurements import match_labels, measure_each

    check_request(out, images, settings=settings)
    if pixel_size_um is not None and not pixel_size_um > 0:
        raise SettingsError(f"--pixel-size {pixel_size_um}: wanted more than 0 µm.")
    found = match_labels(labels, images)
    if found.without_labels:
        note(f"{count_files(len(found.without_labels))} without labels left out")
    with new_progress() as progress:
        tables = measure_each(
            found.files,
            settings=settings,
            pixel_size_um=None if pixel_size_um is None else (pixel_size_um, pixel_size_um),
            reading=reading,
            on_note=note,
            on_progress=progress.on_progress,
        )
        n_cells = write_as_measured(out, tables)
    n_files = len(found.files)
    text = f"{count_of(n_cells, 'cell')} in {count_files(n_files)}: {out}"
    tell(text, n_cells=n_cells, n_files=n_files, table=str(out))


def write_as_measured(out: Path, tables: Iterable[pd.DataFrame]) -> int:
    """Write tables below each other, and say how many rows they have.

    Until all are measured, and so all columns known, they wait in files: however many cells there
    are, those of few frames are held.

    Raises:
        CoverslipError: one cannot be measured, or the table not be written.
    """
    from coverslip.io import Ledger, writing
    from coverslip.pipeline.store import read_table, table_to_arrays, write_arrays
    from coverslip.tables import cell_columns, gather_rows, write_table_parts

    names: dict[str, None] = {}
    first: list[str] = []
    waiting: list[tuple[Path, str]] = []
    n_cells = 0
    with TemporaryDirectory(prefix="coverslip-") as folder:
        for table in tables:
            first = first or list(map(str, table))
            if len(table):
                waiting.append((Path(folder, f"{len(waiting):07d}.npz"), table["file"].iloc[0]))
                write_arrays(waiting[-1][0], table_to_arrays(table.drop(columns="file")))
                names |= dict.fromkeys(map(str, table))
                n_cells += len(table)
        rows = (read_table(path).assign(file=file) for path, file in waiting)
        with writing(Ledger(out.parent)):
            write_table_parts(out, gather_rows(rows), columns=cell_columns(names or first))
    return n_cells


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
