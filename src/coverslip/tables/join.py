"""tables of single frames → one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from coverslip.measure import COLUMNS, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
