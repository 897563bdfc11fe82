"""what is said on the terminal: notes and bars to stderr, results to stdout."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd


@cache
def on_the_way() -> Console:
    """The one console for notes and bars, so that a note does not tear a bar."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def note(text: str) -> None:
    """Tell the user something on the way."""
    on_the_way().print(text, markup=False)


def tell(text: str) -> None:
    """Print what was asked for."""
    Console(soft_wrap=True, highlight=False).print(text, markup=False)


def new_progress() -> Progress:
    """A bar with a description, a count, the time left, and room for more; gone when not a tty."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[info]}"),
        console=on_the_way(),
        disable=not sys.stderr.isatty(),
    )


def show_table(table: pd.DataFrame, *, title: str | None = None) -> None:
    """Print a table on the terminal."""
    shown = Table(title=title, title_justify="left")
    for column in table.columns:
        shown.add_column(str(column), justify="left" if column == table.columns[0] else "right")
    for row in table.itertuples(index=False):
        shown.add_row(*map(str, row))
    Console(soft_wrap=True, highlight=False).print(shown)
