"""what a verb has to say → the terminal: notes and bars to stderr, results to stdout."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip._text import printable
from coverslip.cli.listeners import has_bar, is_shown, listeners, on_the_way
from coverslip.progress import Pace, Progress, open_bars, show_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd


def note(text: str) -> None:
    """Tell the user something on the way."""
    listeners().hear("note", text, text=text)
    if is_shown():
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


def tell(text: str, **facts: Any) -> None:
    """Print what was asked for; the facts of it are for pipelines."""
    listeners().results.append(facts or {"text": text})
    listeners().hear("result", text, text=text, **facts)
    if not listeners().json_lines:
        from coverslip.cli.console import plain_console

        plain_console().print(text)


class Bars:
    """What is shown of long work: a bar where somebody looks, lines in a log and of JSON."""

    def __init__(self, show: Callable[[Progress], None]) -> None:
        self.show = show
        self.paces: list[Pace] = []

    def on_progress(self, progress: Progress) -> None:
        """Show how far it is: what all functions that take long call."""
        self.show(progress)
        listeners().hear_progress(progress)

    def add_task(self, what: str, total: float | None = None, info: str = "") -> int:
        """Begin a work of so many pieces; its number."""
        self.paces.append(Pace(what, n_all=total, clock=listeners().clock))
        self.show(self.paces[-1].look(item=info))
        return len(self.paces) - 1

    def update(
        self,
        task: int,
        *,
        advance: float = 0.0,
        completed: float | None = None,
        total: float | None = None,
        info: str = "",
    ) -> None:
        """Say how far a work is, and of what it is the last."""
        pace = self.paces[task]
        n_done = pace.n_done + advance if completed is None else completed
        progress = pace.reach(n_done, n_all=total, item=info)
        if advance or completed is not None:
            self.on_progress(progress)
        else:
            self.show(progress)

    def advance(self, task: int) -> None:
        """One piece more is done."""
        self.update(task, advance=1)


@contextmanager
def new_progress() -> Iterator[Bars]:
    """A bar with a description, a count, the time left, and room for more; gone when not a tty."""
    if not has_bar():
        yield Bars(lambda progress: None)
        return
    with open_bars(on_the_way()) as bars:
        yield Bars(show_in(bars))


def count_frames(progress: Bars, what: str, *, n_files: int) -> Callable[[Path, int, int], None]:
    """A bar of files that moves with every frame: to be told the file, its frame and how many."""
    task = progress.add_task(what, total=n_files)

    def on_frame(path: Path, frame: int, n_frames: int) -> None:
        info = path.name if n_frames == 1 else f"{path.name} {frame}/{n_frames}"
        progress.update(task, advance=1 / n_frames, info=info)

    return on_frame


def show_table(table: pd.DataFrame, *, title: str | None = None) -> None:
    """Print a table on the terminal."""
    rows = json.loads(table.to_json(orient="records"))  # with null where a number is missing
    listeners().results.append({"title": title, "rows": rows})
    listeners().hear("table", table.to_string(index=False), title=title, rows=rows)
    if listeners().json_lines:
        return
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
    for path, message in failed.items():
        listeners().failed[str(path)] = message
        listeners().hear("failed", message, file=str(path), reason=message)
        if not listeners().json_lines:  # the quiet one hears of failures, too
            on_the_way().print(f"failed: {message}")
