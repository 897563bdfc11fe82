"""records → the tables of cells and of images, and report.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coverslip.errors import FileError
from coverslip.files import write_text
from coverslip.pipeline.drawings import page_cells
from coverslip.pipeline.large.kept import BROKEN, read_table
from coverslip.pipeline.record import result_settings
from coverslip.report import MOST_CARDS, html_report, pick_frames
from coverslip.tables import (
    FORMATS,
    cell_columns,
    join_cells,
    join_rows,
    write_table,
    write_table_parts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import BatchResult, Job, Record
    from coverslip.report import Run


PAGE_CELLS = 20_000  # of a large image: as many as the page's table has at most
IMAGES = ("file", "frame", "n_cells", "confluence")  # the columns that every table of images has


def write_tables(out: Path, records: Sequence[Record], *, form: str = "csv") -> None:
    """Write one row per cell into cells.csv, and one per frame into images.csv.

    Tables of an earlier start in another format are removed: they would pass for those of this one.

    Args:
        out: the folder.
        records: of the images that are done.
        form: "csv" or "parquet".

    Raises:
        FileError: they cannot be written.
        SettingsError: "parquet" without the package for it.
    """
    if any(record.parts for record in records):
        names = [name for record in records for name in _columns(record)]
        parts = (part for record in records for part in cell_parts(record, out))
        write_table_parts(out / f"cells.{form}", parts, columns=cell_columns(names))
    else:
        write_table(out / f"cells.{form}", join_cells([record.cells for record in records]))
    images = join_rows([record.images for record in records], columns=IMAGES)
    write_table(out / f"images.{form}", images)
    for name in ("cells", "images"):
        for other in set(FORMATS) - {form}:
            (out / f"{name}.{other}").unlink(missing_ok=True)


def _columns(record: Record) -> list[str]:
    return [*record.cells.columns, *(name for part in record.parts for name in part.columns)]


def cell_parts(record: Record, out: Path) -> Iterator[pd.DataFrame]:
    """The rows of an image's cells; of one done region by region, a part of them at a time.

    Raises:
        FileError: a part cannot be read any more.
    """
    yield record.cells
    for part in record.parts:
        try:
            rows = read_table(out / part.name)
        except BROKEN as error:
            raise FileError(
                f"{out / part.name}: cannot be read any more ({error}). Remove the folder "
                f"{out / 'records'} and start again."
            ) from error
        rows.insert(0, "file", record.path)
        rows.insert(1, "frame", part.frame)
        yield rows


def thin_cells(record: Record, out: Path) -> tuple[pd.DataFrame, int]:
    """Rows of an image's cells for the page, and how many are left out of them.

    A page holds so many cells and no more; of a large image, every so-many-th is taken.
    """
    n_rows = sum(part.n_rows for part in record.parts)
    if not n_rows:
        return record.cells, 0
    step = -(-n_rows // PAGE_CELLS)
    rows = join_rows([part.iloc[::step] for part in cell_parts(record, out)], columns=[])
    return rows, n_rows - len(rows)


def write_report(
    out: Path,
    records: Sequence[Record],
    *,
    title: str,
    run: Run,
    targets: Mapping[Path, Outputs],
    thumbnails: Mapping[tuple[str, int], bytes],
    failed: Mapping[Path, str],
    notes: Sequence[str] = (),
    form: str = "csv",
) -> None:
    """Write ``report.html``, the page that shows what was found.

    Args:
        out: the folder.
        records: of the images that are done.
        title: of the page.
        run: what was done, when and by which model.
        targets: where the results of each image are.
        thumbnails: from `read_thumbnails`.
        failed: the images that failed, with the reason.
        notes: what the reader should know of the whole run.
        form: of the tables, as `write_tables` has it.

    Raises:
        FileError: it cannot be written.
    """
    thinned = [thin_cells(record, out) for record in records]
    cells = join_cells([rows for rows, _ in thinned if len(rows.columns)])
    n_left_out = sum(n for _, n in thinned)
    page = html_report(
        title,
        join_rows([report_rows(record) for record in records], columns=IMAGES),
        run=run,
        thumbnails=thumbnails,
        cells=page_cells(cells, targets, form=form, n_left_out=n_left_out),
        failures={str(path): message for path, message in failed.items()},
        notes=notes,
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
    flat["properties"] = ", ".join(flat["properties"])
    flat |= {"axes": job.axes or "as the file says", "channel": job.channel}
    return flat | {"project": job.project}
