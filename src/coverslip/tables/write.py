"""table → CSV or Parquet, whole or not at all."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from coverslip.errors import SettingsError
from coverslip.files import whole_or_nothing, write_text
from coverslip.measure import column_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

FORMATS = ("csv", "parquet")

# 4095.8203 px and 21,345,678 grey values are written in full; 0.30000000000000004 is not.
DIGITS = "%.8g"


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
        write_text(path, table.to_csv(index=False, float_format=DIGITS))
    else:
        _write_parquet(path, table)


def _write_parquet(path: Path, table: pd.DataFrame) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    fields = [
        field.with_metadata({"unit": column.unit, "description": column.text})
        if (column := column_of(field.name))
        else field
        for field in arrow.schema
    ]
    with whole_or_nothing(path) as temporary:
        pq.write_table(arrow.cast(pa.schema(fields, metadata=arrow.schema.metadata)), temporary)
