"""records → the tables of cells and of images, and report.html."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from coverslip.contours import labels_to_rings
from coverslip.errors import FileError
from coverslip.figures import colour_cells
from coverslip.io import Ledger, open_label_file, open_label_frames, write_text
from coverslip.measurements import COLUMNS
from coverslip.pipeline.job import result_settings
from coverslip.pipeline.page_tiles import find_tiles
from coverslip.pipeline.store import BROKEN, read_table
from coverslip.report import MOST_CARDS, Cells, Drawing, frames_to_show, html_report, pick_frames
from coverslip.tables import (
    FORMATS,
    WHERE,
    cell_columns,
    gather_rows,
    join_cells,
    join_rows,
    write_table,
    write_table_parts,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import BatchResult, Record
    from coverslip.plates import Conditions
    from coverslip.report import Run, TileSet


PAGE_CELLS = 100_000  # of which the page is made, at most; its table has fewer
IMAGES = ("file", "frame", "n_cells", "confluence")  # the columns that every table of images has

# Which cells are neighbours is seen on labels of this size; larger ones take long.
COLOUR_SIDE_PX = 400


@dataclass(frozen=True)
class Page:
    """What ``report.html`` says beside the results.

    Attributes:
        title: of the page.
        run: what was done, when and by which model.
        notes: what the reader should know of the whole run.
    """

    title: str
    run: Run
    notes: Sequence[str] = ()


def write_summary(
    out: Path,
    result: BatchResult,
    *,
    page: Page,
    targets: Mapping[Path, Outputs],
    form: str = "csv",
    conditions: Conditions | None = None,
) -> None:
    """Write one row per cell into cells.csv, one per frame into images.csv, and ``report.html``.

    However many cells there are, those of few images are held at a time. An image whose rows cannot
    be read any more fails, and its record goes, so that the next start does it anew.

    Args:
        out: the folder.
        result: the records of the images that are done, and those that failed.
        page: of the page.
        targets: where the results of each image are.
        form: of the tables, "csv" or "parquet".
        conditions: of each image, for further columns; None: there are none.

    Raises:
        FileError: they cannot be written.
        SettingsError: "parquet" without the package for it.
    """
    thumbnails = read_thumbnails(result, targets)
    large = {record.path for record in result.done.values() if record.is_large}
    sample = PageSample(shown={key for key in thumbnails if key[0] not in large})
    write_tables(out, result, targets=targets, form=form, sample=sample, conditions=conditions)
    cells = page_cells(
        sample.table(), targets, large=large, form=form, n_left_out=sample.n_left_out
    )
    tiles = find_tiles(result, targets)
    write_report(out, result, page=page, cells=cells, thumbnails=thumbnails, tiles=tiles)


def write_tables(
    out: Path,
    result: BatchResult,
    *,
    targets: Mapping[Path, Outputs],
    form: str,
    sample: PageSample,
    conditions: Conditions | None = None,
) -> None:
    """Write the tables, and take what the page needs of them.

    Our tables of an earlier start in another format are removed: they would pass for those of this
    one.
    """
    records = list(result.done.values())
    names = [name for record in records for part in record.parts for name in part.columns]
    rows = sample.watch(rows_of_all(result, out, targets=targets))
    columns = cell_columns(names or [*WHERE, *COLUMNS])
    if conditions is not None:
        rows = map(conditions.add_to, rows)
        columns[len(WHERE) : len(WHERE)] = conditions.names
    write_table_parts(out / f"cells.{form}", gather_rows(rows), columns=columns)
    images = join_rows([record.images for record in result.done.values()], columns=IMAGES)
    if conditions is not None:
        images = conditions.add_to(images)
    write_table(out / f"images.{form}", images)
    others = [out / f"{name}.{other}" for name in ("cells", "images") for other in FORMATS]
    ledger = Ledger(out, sets_aside=True)
    ledger.remove(path for path in others if path.suffix != f".{form}" and ledger.is_ours(path))


def rows_of_all(
    result: BatchResult, out: Path, *, targets: Mapping[Path, Outputs]
) -> Iterator[pd.DataFrame]:
    """The rows of all images' cells; an image whose rows are broken moves to those that failed."""
    for path, record in list(result.done.items()):
        try:
            # First all of them, so that no half of an image comes into the table.
            held = [one for one in read_rows(record, out) if len(record.parts) == 1]
        except FileError as error:
            result.failed[path] = str(error)
            del result.done[path]
            targets[path].ledger().remove([targets[path].record])
            continue
        yield from held or read_rows(record, out)


def read_rows(record: Record, out: Path) -> Iterator[pd.DataFrame]:
    """The rows of an image's cells, a file of them at a time.

    Raises:
        FileError: a file cannot be read any more, or is not what was written.
    """
    for part in record.parts:
        try:
            rows = read_table(out / part.name)
            if len(rows) != part.n_rows or list(map(str, rows)) != part.columns:
                raise ValueError("it holds other rows than were written")
        except BROKEN as error:
            raise FileError(
                f"{record.path}: what was measured of it cannot be read any more "
                f"({out / part.name}: {error}). Start again: it is done anew."
            ) from error
        rows.insert(0, "file", record.path)
        yield rows


class PageSample:
    """The cells that the page is made of: all of few, of many every so-many-th.

    Of the frames that it shows, all are taken as long as there is room, since a reader looks for
    the row of a cell in the picture.

    Args:
        shown: file and frame of these.
    """

    def __init__(self, *, shown: Collection[tuple[str, int]] = ()) -> None:
        self.shown = shown
        self.kept: list[pd.DataFrame] = []
        self.n_kept = self.n_all = self.n_shown = 0
        self.step = 1

    @property
    def n_left_out(self) -> int:
        """How many cells it has not."""
        return self.n_all - self.n_kept

    def watch(self, parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Hand on all rows, and keep some."""
        for rows in parts:
            self.add(rows)
            yield rows

    def add(self, rows: pd.DataFrame) -> None:
        """Keep some of an image's rows."""
        if rows.empty:
            return
        # The index is a cell's place among all, by which the others are left out later.
        rows = rows.set_axis(range(self.n_all, self.n_all + len(rows)))
        self.n_all += len(rows)
        self.kept.append(self._thin(rows))
        self.n_kept += len(self.kept[-1])
        while self.n_kept > PAGE_CELLS:
            self.step *= 2
            self.n_shown = 0
            self.kept = [self._thin(pd.concat(self.kept))]
            self.n_kept = len(self.kept[0])

    def _thin(self, rows: pd.DataFrame) -> pd.DataFrame:
        is_shown = rows["file"].isin({file for file, _ in self.shown}).to_numpy()
        if is_shown.any():
            keys = zip(rows["file"], rows["frame"], strict=True)
            is_shown = np.array([key in self.shown for key in keys], dtype=bool)
        is_shown = is_shown & (self.n_shown + np.cumsum(is_shown) <= PAGE_CELLS // 2)
        self.n_shown += int(is_shown.sum())
        chosen: pd.DataFrame = rows[is_shown | (rows.index.to_numpy() % self.step == 0)]
        return chosen

    def table(self) -> pd.DataFrame:
        """The cells that were kept, in their order."""
        return join_cells([rows.reset_index(drop=True) for rows in self.kept])


def write_report(
    out: Path,
    result: BatchResult,
    *,
    page: Page,
    cells: Cells,
    thumbnails: Mapping[tuple[str, int], bytes],
    tiles: Mapping[tuple[str, int], TileSet] | None = None,
) -> None:
    """Write ``report.html``, the page that shows what was found.

    Raises:
        FileError: it cannot be written.
    """
    text = html_report(
        page.title,
        join_rows([report_rows(record) for record in result.done.values()], columns=IMAGES),
        run=page.run,
        thumbnails=thumbnails,
        cells=cells,
        failures={str(path): message for path, message in result.failed.items()},
        notes=page.notes,
        tiles=tiles,
    )
    write_text(out / "report.html", text)


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
    n_films = len(result.done) - len(singles)
    read = {
        (record.path, frame): read_picture(targets[path].thumbnail(frame))
        for path, record in result.done.items()
        if path in shown or len(record.images) > 1
        for frame in frames_to_show(len(record.images), n_films=n_films)
    }
    return {key: picture for key, picture in read.items() if picture is not None}


def read_picture(path: Path) -> bytes | None:
    """The bytes of a picture; None where it is not there, or damaged: the page does without."""
    try:
        contents = path.read_bytes()
        with Image.open(io.BytesIO(contents)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return contents


def flat_settings(job: Job) -> dict[str, Any]:
    """All settings that change a result, in one level, for the page."""
    flat: dict[str, Any] = {}
    for name, value in result_settings(job).items():
        flat |= value if isinstance(value, dict) else {name: value}
    flat["properties"] = ", ".join(flat["properties"])
    named = [one for one in (job.channel, job.model.channel) if one is not None]
    flat |= {"axes": job.axes or "as the file says", "channel": named[0] if named else "0"}
    return flat | {"project": job.project}


def join_settings(jobs: Sequence[Job]) -> dict[str, Any]:
    """The settings of jobs that differ in their models; where these differ in one, each model's."""
    flat = {job.model_name: flat_settings(job) for job in jobs}
    joined: dict[str, Any] = {}
    for name, value in next(iter(flat.values())).items():
        own = {model: settings.get(name, "") for model, settings in flat.items()}
        is_shared = all(other == value for other in own.values())
        each = "; ".join(f"{model}: {other}" for model, other in own.items())
        joined[name] = value if is_shared else each
    return joined


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
