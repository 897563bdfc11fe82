"""records → cells.csv, images.csv and report.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from coverslip.files import write_text
from coverslip.measure import COLUMNS
from coverslip.pipeline.drawings import page_cells
from coverslip.pipeline.record import result_settings
from coverslip.provenance import package_version
from coverslip.report import MOST_CARDS, Run, html_report, pick_frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import BatchResult, Job, Record


IMAGES = ("file", "frame", "n_cells", "confluence")  # the columns that every table of images has


def write_tables(out: Path, records: Sequence[Record]) -> None:
    """Write one row per cell into cells.csv, and one per frame into images.csv.

    Raises:
        FileError: they cannot be written.
    """
    cells = cell_rows(records)
    images = join_rows([record.images for record in records], columns=IMAGES)
    write_text(out / "cells.csv", cells.to_csv(index=False))
    write_text(out / "images.csv", images.to_csv(index=False))


def cell_rows(records: Sequence[Record]) -> pd.DataFrame:
    """The cells of all records, one row each."""
    return join_rows([record.cells for record in records], columns=["file", "frame", *COLUMNS])


def join_rows(tables: Sequence[pd.DataFrame], *, columns: Sequence[str]) -> pd.DataFrame:
    """Put tables below each other; `columns` are those of the result when there is no row."""
    filled = [table for table in tables if len(table)]  # an empty one would spoil the types
    if filled:
        return pd.concat(filled, ignore_index=True)
    return tables[0] if tables else pd.DataFrame(columns=list(columns))


def write_report(
    out: Path,
    result: BatchResult,
    *,
    targets: Mapping[Path, Outputs],
    job: Job,
    started: datetime,
    seconds: float,
) -> None:
    """Write the page that shows what was found.

    Raises:
        FileError: it cannot be written.
    """
    page = html_report(
        "Cells found",
        join_rows([report_rows(record) for record in result.done.values()], columns=IMAGES),
        run=Run(
            model=job.model_name,
            version=package_version("coverslip"),
            started=started,
            seconds=seconds,
            settings=flat_settings(job),
        ),
        thumbnails=read_thumbnails(result, targets),
        cells=page_cells(cell_rows(list(result.done.values())), targets),
        failures={str(path): message for path, message in result.failed.items()},
    )
    write_text(out / "report.html", page)


def report_rows(record: Record) -> pd.DataFrame:
    """A record's frames, with its notes at the first of them."""
    rows = record.images.copy()
    rows["notes"] = ["\n".join(record.notes)] + [""] * (len(rows) - 1)
    return rows


def read_thumbnails(
    result: BatchResult, targets: Mapping[Path, Outputs]
) -> dict[tuple[str, int], bytes]:
    """The small overlays that the page shows, by file and frame: some of a film, of many images."""
    singles = [path for path, record in result.done.items() if len(record.images) == 1]
    shown = {singles[i] for i in pick_frames(len(singles), most=MOST_CARDS)}
    return {
        (record.path, frame): targets[path].thumbnail(frame).read_bytes()
        for path, record in result.done.items()
        if path in shown or len(record.images) > 1
        for frame in pick_frames(len(record.images))
        if targets[path].thumbnail(frame).is_file()
    }


def flat_settings(job: Job) -> dict[str, Any]:
    """All settings that change a result, in one level, for the page."""
    flat: dict[str, Any] = {}
    for name, value in result_settings(job).items():
        flat |= value if isinstance(value, dict) else {name: value}
    return flat | {"axes": job.axes or "as the file says", "channel": job.channel}
