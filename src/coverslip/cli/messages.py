"""what is said on the terminal: notes and bars to stderr, results to stdout."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip._text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    from rich.console import Console
    from rich.progress import Progress


@cache
def on_the_way() -> Console:
    """The one console for notes and bars, so that a note does not tear a bar."""
    from coverslip.cli.console import plain_console

    return plain_console(stderr=True)


def note(text: str) -> None:
    """Tell the user something on the way."""
    on_the_way().print(text)


@contextmanager
def collected_notes() -> Iterator[Callable[[Path, str], None]]:
    """Collect what is to be said of files, and say each thing once, of the first file and how many.

    Yields:
        A function of a file and what is to be said of it.
    """
    said: dict[str, dict[Path, None]] = {}

    def add(path: Path, text: str) -> None:
        said.setdefault(text, {})[path] = None

    try:
        yield add
    finally:
        for text, files in said.items():
            first, n_more = next(iter(files)), len(files) - 1
            note(f"{first}{f' and {n_more} more' if n_more else ''}: {text}")


def tell(text: str) -> None:
    """Print what was asked for."""
    from coverslip.cli.console import plain_console

    plain_console().print(text)


def new_progress() -> Progress:
    """A bar with a description, a count, the time left, and room for more; gone when not a tty."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[info]}", markup=False),
        console=on_the_way(),
        disable=not sys.stderr.isatty(),
    )


def count_frames(
    progress: Progress, what: str, *, n_files: int
) -> Callable[[Path, int, int], None]:
    """A bar of files that moves with every frame: to be told the file, its frame and how many."""
    task = progress.add_task(what, total=n_files, info="")

    def on_frame(path: Path, frame: int, n_frames: int) -> None:
        name = printable(path.name)
        info = name if n_frames == 1 else f"{name} {frame}/{n_frames}"
        progress.update(task, advance=1 / n_frames, info=info)

    return on_frame


def show_table(table: pd.DataFrame, *, title: str | None = None) -> None:
    """Print a table on the terminal."""
    from rich.table import Table

    from coverslip.cli.console import plain_console

    shown = Table(title=title, title_justify="left")
    for column in table.columns:
        shown.add_column(
            printable(str(column)), justify="left" if column == table.columns[0] else "right"
        )
    for row in table.itertuples(index=False):
        shown.add_row(*(printable(str(value)) for value in row))
    plain_console().print(shown)


def count_files(n: int) -> str:
    """``"1 file"``, ``"2 files"``."""
    return count_of(n, "file")


def count_of(n: int, what: str) -> str:
    """A number of things, with the plural that has an s: ``"1 cell"``, ``"2 cells"``."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def tell_unscored(failed: Mapping[Path, str]) -> None:
    """Say of each file that failed why it did, and that the scores are without it."""
    tell_failed(failed)
    if failed:
        were = "is" if len(failed) == 1 else "are"
        note(f"{count_of(len(failed), 'image')} that failed {were} not in the scores")


def tell_failed(failed: Mapping[Path, str]) -> None:
    """Say of each file that failed why it did."""
    for message in failed.values():
        note(f"failed: {message}")
