"""tables of single frames → one table → CSV or Parquet, whole or not at all.

Single-cell measurements of many images, or of a time-lapse, in one table.
"""

from __future__ import annotations

import csv
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from coverslip._moved import moved_name
from coverslip._text import no_formula, no_formula_path
from coverslip.errors import SettingsError
from coverslip.io import whole_or_nothing, write_text
from coverslip.measurements import COLUMNS, column_of, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

FORMATS = ("csv", "parquet")

# 4095.8203 px and 21,345,678 grey values are written in full; 0.30000000000000004 is not.
DIGITS = "%.8g"

ROWS = 20_000  # turned into text at once, some 10 MB of it


def check_format(name: str) -> None:
    """Find what would stop a table's writing, which a caller may want before a long work.

    Args:
        name: "csv" or "parquet"; a file's ending without its point.

    Raises:
        SettingsError: another format, or one whose package is not installed.
    """
    if name not in FORMATS:
        raise SettingsError(f"a table as {name or 'nothing'}: wanted {' or '.join(FORMATS)}.")
    if name == "parquet" and find_spec("pyarrow") is None:
        raise SettingsError(
            "a table as parquet needs pyarrow: pip install '.[parquet]' in a clone of coverslip's "
            "repository, or take csv."
        )


PATHS = ("file", "overlay", "labels")  # the columns that hold paths


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """A table as it is to be in a CSV, where no text is taken for a formula by a spreadsheet.

    A text that begins with =, +, - or @ has a ' before it, and a path a ``./``, so that it can
    still be opened.
    """
    changed: dict[str, Any] = {}
    for name in map(str, table.select_dtypes(["object", "string"])):
        harmless = no_formula_path if name in PATHS else no_formula
        changed[name] = [harmless(it) if isinstance(it, str) else it for it in table[name]]
    return table.assign(**changed).rename(columns=lambda name: no_formula(str(name)))


def _to_csv(table: pd.DataFrame, *, header: bool = True) -> str:
    """A table as CSV. Python's writer would leave a carriage return bare, which ends a row."""
    table = without_formulas(table)
    texts = (table[name] for name in table.select_dtypes(["object", "string"]))
    returns = any("\r" in it for text in texts for it in text if isinstance(it, str))
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    return str(table.to_csv(index=False, header=header, float_format=DIGITS, quoting=quoting))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table, by the ending of its name; whole or not at all.

    A CSV is text: numbers have 8 significant digits. Parquet keeps the numbers and types as they
    are, and each column of cells carries its unit and meaning.

    Raises:
        SettingsError: an ending that is neither .csv nor .parquet, or pyarrow is missing.
        FileError: the file cannot be written.
    """
    name = path.suffix.lower().removeprefix(".")
    check_format(name)
    if name == "csv":
        write_text(path, _to_csv(table))
    else:
        _write_parquet(path, table)


def write_table_parts(path: Path, parts: Iterable[pd.DataFrame], *, columns: Sequence[str]) -> None:
    """Write a table that comes in parts, as `write_table` would; one part is held at a time.

    Args:
        path: the file.
        parts: tables below each other; what one has not stays empty in its rows.
        columns: those of the table, in their order.

    Raises:
        SettingsError: an ending that is neither .csv nor .parquet, or pyarrow is missing.
        FileError: the file cannot be written.
    """
    name = path.suffix.lower().removeprefix(".")
    check_format(name)
    wanted = list(columns)
    with whole_or_nothing(path) as temporary:
        if name == "parquet":
            _write_row_groups(temporary, parts, columns=wanted)
            return
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            stream.write(without_formulas(pd.DataFrame(columns=wanted)).to_csv(index=False))
            for part in parts:
                for start in range(0, len(part), ROWS):
                    rows = part.iloc[start : start + ROWS].reindex(columns=wanted)
                    stream.write(_to_csv(rows, header=False))


def _write_row_groups(path: Path, parts: Iterable[pd.DataFrame], *, columns: list[str]) -> None:
    """A part is a row group; the types are those of the first part, and real where it has none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    filled = (part for part in parts if len(part))
    first = next(filled, pd.DataFrame(columns=columns, dtype=float))
    own = pa.Schema.from_pandas(first, preserve_index=False)
    kinds = [own.field(name).type if name in first else pa.float64() for name in columns]
    schema = pa.schema([_describe(pa.field(*it)) for it in zip(columns, kinds, strict=True)])
    with pq.ParquetWriter(path, schema) as writer:
        for part in chain([first], filled):
            arrays = [
                pa.array(part[name], type=kind, from_pandas=True)
                if name in part
                else pa.nulls(len(part), kind)
                for name, kind in zip(columns, kinds, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _describe(field: Any) -> Any:
    """A column of cells with its unit and meaning."""
    column = column_of(field.name)
    if column is None:
        return field
    return field.with_metadata({"unit": column.unit, "description": column.text})


def _write_parquet(path: Path, table: pd.DataFrame) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    fields = [_describe(field) for field in arrow.schema]
    with whole_or_nothing(path) as temporary:
        pq.write_table(arrow.cast(pa.schema(fields, metadata=arrow.schema.metadata)), temporary)


def gather_rows(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Put small tables together until they have some rows: each is a group of rows in Parquet."""
    waiting: list[pd.DataFrame] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= ROWS:
            yield join_rows(waiting, columns=[])
            waiting = []
    if waiting:
        yield join_rows(waiting, columns=[])


WHERE = ("file", "frame")  # what a cell's row begins with


def join_rows(tables: Sequence[pd.DataFrame], *, columns: Sequence[str]) -> pd.DataFrame:
    """Put tables below each other; `columns` are those of the result when there is no row."""
    filled = [table for table in tables if len(table)]  # an empty one would spoil the types
    if filled:
        return pd.concat(filled, ignore_index=True)
    return tables[0] if tables else pd.DataFrame(columns=list(columns))


def join_cells(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables of cells below each other, their columns in the order of `COLUMNS`.

    What an image has not, such as a pixel size, stays empty in its rows.
    """
    cells = join_rows(tables, columns=[*WHERE, *COLUMNS])
    return cells[cell_columns(cells.columns)]


def cell_columns(names: Iterable[str]) -> list[str]:
    """The columns of a table of cells, each once, in the order of `COLUMNS`."""
    return [*WHERE, *in_order(name for name in dict.fromkeys(names) if name not in WHERE)]


def __getattr__(name: str) -> Any:
    """What went to `coverslip.file_measurements`, for one version more."""
    return moved_name("tables", name)
