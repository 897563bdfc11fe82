"""records → the tables of cells and of images, and report.html."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coverslip.contours import labels_to_rings
from coverslip.errors import FileError
from coverslip.figures import colour_cells
from coverslip.io import Ledger, open_label_file, open_label_frames, write_text
from coverslip.measurements import COLUMNS
from coverslip.pipeline.record import result_settings
from coverslip.pipeline.results import PART_ROWS
from coverslip.pipeline.store import BROKEN, read_table
from coverslip.report import MOST_CARDS, Cells, Drawing, html_report, pick_frames
from coverslip.tables import (
    FORMATS,
    WHERE,
    cell_columns,
    join_cells,
    join_rows,
    write_table,
    write_table_parts,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import BatchResult, Job, Record
    from coverslip.report import Run


PAGE_CELLS = 20_000  # of a large image: as many as the page's table has at most
IMAGES = ("file", "frame", "n_cells", "confluence")  # the columns that every table of images has

# Which cells are neighbours is seen on labels of this size; larger ones take long.
COLOUR_SIDE_PX = 400


def write_tables(out: Path, records: Sequence[Record], *, form: str = "csv") -> None:
    """Write one row per cell into cells.csv, and one per frame into images.csv.

    Our tables of an earlier start in another format are removed: they would pass for those of this
    one.

    Args:
        out: the folder.
        records: of the images that are done.
        form: "csv" or "parquet".

    Raises:
        FileError: they cannot be written.
        SettingsError: "parquet" without the package for it.
    """
    names = [name for record in records for part in record.parts for name in part.columns]
    rows = (part for record in records for part in read_rows(record, out))
    columns = cell_columns(names or [*WHERE, *COLUMNS])
    write_table_parts(out / f"cells.{form}", gather_rows(rows), columns=columns)
    images = join_rows([record.images for record in records], columns=IMAGES)
    write_table(out / f"images.{form}", images)
    others = [out / f"{name}.{other}" for name in ("cells", "images") for other in FORMATS]
    ledger = Ledger(out, sets_aside=True)
    ledger.remove(path for path in others if path.suffix != f".{form}" and ledger.is_ours(path))


def read_rows(record: Record, out: Path) -> Iterator[pd.DataFrame]:
    """The rows of an image's cells, a file of them at a time.

    Raises:
        FileError: a file cannot be read any more.
    """
    for part in record.parts:
        try:
            rows = read_table(out / part.name)
        except BROKEN as error:
            raise FileError(
                f"{out / part.name}: cannot be read any more ({error}). Remove the folder "
                f"{out / 'records'} and start again."
            ) from error
        rows.insert(0, "file", record.path)
        yield rows


def gather_rows(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Put small tables together until they have some rows: each is a group of rows in Parquet."""
    waiting: list[pd.DataFrame] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= PART_ROWS:
            yield join_rows(waiting, columns=[])
            waiting = []
    if waiting:
        yield join_rows(waiting, columns=[])


def thin_cells(record: Record, out: Path) -> tuple[pd.DataFrame, int]:
    """Rows of an image's cells for the page, and how many are left out of them.

    A page holds so many cells and no more; of a large image, every so-many-th is taken.
    """
    n_rows = sum(part.n_rows for part in record.parts)
    step = max(1, -(-n_rows // PAGE_CELLS)) if record.is_large else 1
    rows = join_rows([part.iloc[::step] for part in read_rows(record, out)], columns=[])
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
    large = {record.path for record in records if record.is_large}
    page = html_report(
        title,
        join_rows([report_rows(record) for record in records], columns=IMAGES),
        run=run,
        thumbnails=thumbnails,
        cells=page_cells(cells, targets, large=large, form=form, n_left_out=n_left_out),
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
    named = [one for one in (job.channel, job.model.channel) if one is not None]
    flat |= {"axes": job.axes or "as the file says", "channel": named[0] if named else "0"}
    return flat | {"project": job.project}


def page_cells(
    cells: pd.DataFrame,
    targets: Mapping[Path, Outputs],
    *,
    large: Collection[str] = (),
    form: str = "csv",
    n_left_out: int = 0,
) -> Cells:
    """The cells of some images, with a way to their outlines.

    Args:
        cells: one row per cell; columns as in cells.csv, which lies beside the page.
        targets: where the labels of the images are.
        large: the images that were done region by region.
        form: of the table beside the page, csv or parquet.
        n_left_out: how many further cells that table has.
    """
    by_file = {str(path): target for path, target in targets.items()}

    def draw(file: str, frame: int) -> Drawing | None:
        target = by_file[file]
        small = target.small_labels(frame)
        if small.is_file():
            return draw_frame(small, 0)
        if file in large:  # too many cells to be drawn
            return None
        return draw_frame(target.labels, frame)

    return Cells(cells, draw, csv=f"cells.{form}", n_left_out=n_left_out)


def draw_frame(path: Path, frame: int) -> Drawing | None:
    """The outlines of one frame of a label file; None where it cannot be read any more."""
    try:
        height, width = open_label_file(path).frame_shape
        with open_label_frames(path, whole=True) as read:
            labels = read(frame, (slice(0, height), slice(0, width)))
    except FileError:
        return None
    rings = labels_to_rings(labels)
    step = max(1, max(height, width) // COLOUR_SIDE_PX)
    colours = colour_cells(labels[::step, ::step])
    # A cell between the pixels that were looked at has any colour.
    by_cell = {cell: int(colours[cell]) if cell < len(colours) else cell % 4 for cell in rings}
    return Drawing((height, width), rings, by_cell)
