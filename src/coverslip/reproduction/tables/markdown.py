"""a data frame → a Markdown table, its columns aligned in the text itself."""

from typing import Any

import numpy as np
import pandas as pd

MISSING = "–"


def table_to_markdown(table: pd.DataFrame, *, digits: int = 3) -> str:
    """Write a table as Markdown, numbers to the right.

    Args:
        table: Any table; its index is left out.
        digits: Decimals of numbers that are not whole; a missing one becomes a dash.

    Returns:
        Lines of equal columns, readable as they are, with a newline at the end.
    """
    numeric = [pd.api.types.is_numeric_dtype(table[column]) for column in table.columns]
    rows = [[str(column) for column in table.columns]]
    rows += [[_cell(value, digits) for value in row] for row in table.itertuples(index=False)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(numeric))]
    rule = ["-" * (w - 1) + (":" if n else "-") for w, n in zip(widths, numeric, strict=True)]
    lines = []
    for row in [rows[0], rule, *rows[1:]]:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(value: Any, digits: int) -> str:
    """One value; a bar or a line break in it would break the table."""
    if pd.isna(value):
        return MISSING
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}f}"
    return " ".join(str(value).split()).replace("|", "\\|")
