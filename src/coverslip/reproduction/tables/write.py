"""table → Markdown, CSV and LaTeX files, and one that says where every number came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip import write_text
from coverslip.reproduction.tables.latex import table_to_latex

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.reproduction.tables.layout import PaperTable

MISSING = "–"


def write_table(table: PaperTable, out: Path, *, stem: str) -> list[Path]:
    """Write a table in every form, each file whole or not at all.

    Args:
        table: the table.
        out: folder; made where it is missing.
        stem: name of the files without their ending, such as ``table3_full``.

    Returns:
        ``stem.md``, ``stem.csv``, ``stem.tex`` and ``stem_sources.csv``.

    Raises:
        FileError: a file cannot be written.
    """
    texts = {
        f"{stem}.md": to_markdown(table, stem=stem),
        f"{stem}.csv": to_wide_csv(table),
        f"{stem}.tex": to_latex(table, stem=stem),
        f"{stem}_sources.csv": table.sources.to_csv(index=False, lineterminator="\n"),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def to_markdown(table: PaperTable, *, stem: str) -> str:
    """A section: title, table, further tables, notes."""
    parts = [f"## {table.title}\n", table_to_markdown(table.frame)]
    for heading, frame in table.details.items():
        parts += [f"### {heading}\n", table_to_markdown(frame)]
    notes = [*table.notes, f"The number behind every entry, and its runs: `{stem}_sources.csv`."]
    parts.append("".join(f"- {note}\n" for note in notes))
    return "\n".join(parts)


def to_latex(table: PaperTable, *, stem: str) -> str:
    """A floating table for each frame; the notes stand below the first."""
    parts = [
        table_to_latex(table.frame, caption=table.title, label=f"tab:{stem}", notes=table.notes)
    ]
    for number, (heading, frame) in enumerate(table.details.items(), start=1):
        caption = f"{table.title}. {heading}"
        parts.append(table_to_latex(frame, caption=caption, label=f"tab:{stem}-{number}"))
    return "\n".join(parts)


def to_wide_csv(table: PaperTable) -> str:
    """All columns of all frames side by side; a system has the same label in each."""
    wide = table.frame
    for frame in table.details.values():
        wide = wide.merge(frame, on=wide.columns[0], how="left")
    return wide.to_csv(index=False, lineterminator="\n")


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
