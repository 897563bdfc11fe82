"""how much is done, and when → how far the work is, how long it takes yet; a bar that shows it.

Progress and time left (ETA) of all long work: segmenting, tracking, measuring, training.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coverslip._text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Progress as Bars

__all__ = ["Pace", "Progress", "progress_bar"]

# What ends this little later than the first did ends with it: workers that began together.
TOGETHER = 1.05


@dataclass(frozen=True)
class Progress:
    """How far a work is.

    Attributes:
        what: is done, such as "segmenting".
        n_done: pieces (mostly files) that are done; of a film, also a share of it.
        n_all: pieces in all; None where that is not known yet.
        seconds: since it began.
        seconds_left: that it takes yet, if the rest goes as what is done went; None where nothing
            tells.
        item: the name of what was done last, and how far it is.

    Example:
        >>> from coverslip import Progress
        >>> Progress("segmenting", 5, 20, seconds=10.0, seconds_left=30.0, item="a.tif").share
        0.25
    """

    what: str
    n_done: float
    n_all: float | None
    seconds: float
    seconds_left: float | None
    item: str = ""

    @property
    def share(self) -> float | None:
        """The share that is done, 0 to 1; None where it is not known."""
        return min(1.0, self.n_done / self.n_all) if self.n_all else None


class Pace:
    """How fast pieces of work are done, and so how long the rest takes.

    The first piece pays for what happens once: a network is opened, a library loaded. So where a
    second one is done, the pace is that of the pieces after the first. Pieces that were done before
    this start, or together with the first by other workers, do not make it seem faster.

    Args:
        what: is done, for the reader.
        n_all: pieces in all; None: not known yet.
        clock: seconds, of any beginning.

    Example:
        >>> from coverslip.progress import Pace
        >>> seconds = iter([0, 10, 12, 14])
        >>> pace = Pace("segmenting", n_all=10, clock=lambda: next(seconds))
        >>> [pace.reach(n).seconds_left for n in (1, 2, 3)]
        [90.0, 16.0, 14.0]
    """

    def __init__(
        self,
        what: str,
        *,
        n_all: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.what, self.n_all, self.clock = what, n_all, clock
        self.began = self.last = clock()
        self.n_done = 0.0
        self.n_before = 0.0
        self.first: tuple[float, float] | None = None  # when the first were done, and how many

    def skip(self, n: float, *, item: str = "") -> Progress:
        """Count pieces that were done before this start and took no time.

        Args:
            n: How many.
            item: The name of the last.
        """
        self.n_before += n
        self.n_done += n
        return self.look(item=item)

    def reach(self, n_done: float, *, n_all: float | None = None, item: str = "") -> Progress:
        """Count the pieces that are done now.

        Args:
            n_done: In all, with those that were done before.
            n_all: How many there are, where that became known.
            item: The name of the last.
        """
        self.n_all = n_all if n_all is not None else self.n_all
        if n_done > self.n_done:
            self.n_done, self.last = n_done, self.clock()
            took = self.last - self.began
            if self.first is None or took <= TOGETHER * self.first[0]:
                self.first = self.first[0] if self.first else took, n_done - self.n_before
        return self.look(now=self.last, item=item)

    def look(self, *, now: float | None = None, item: str = "") -> Progress:
        """How far it is, now or at another time of the clock."""
        now = self.clock() if now is None else now
        return Progress(
            self.what,
            round(self.n_done, 6),
            self.n_all,
            seconds=now - self.began,
            seconds_left=self._left(now),
            item=item,
        )

    def _left(self, now: float) -> float | None:
        """The rest by the pace so far, less what went by since a piece was done."""
        if self.n_all is None or self.first is None:
            return 0.0 if self.n_all is not None and self.n_done >= self.n_all else None
        rest = max(0.0, self.n_all - self.n_done)
        n, took = self.n_done - self.n_before, self.last - self.began
        first, n_first = self.first
        if n > n_first:
            n, took = n - n_first, took - first
        return max(0.0, rest * took / n - (now - self.last))


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Show a bar with the time left on the terminal or in a notebook.

    Yields:
        What to give as `on_progress`, of any function that has it.

    Example:
        >>> import coverslip, tempfile
        >>> with tempfile.TemporaryDirectory() as out, coverslip.progress_bar() as bar:
        ...     done = coverslip.segment_files(
        ...         "examples/nuclei/fluorescence_small.png", out, model="nuclei", on_progress=bar
        ...     )
        >>> len(done.done)
        1
    """
    from rich.console import Console

    with open_bars(Console(stderr=True)) as bars:
        yield show_in(bars)


def open_bars(console: Console, *, disable: bool = False) -> Bars:
    """Rows with what is done, a bar, a count, the time left and the last item."""
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    class Left(ProgressColumn):
        """The time left, which runs down while a piece is being done."""

        def render(self, task: Any) -> Text:
            """What is left since the task's last word."""
            left, said = task.fields.get("left"), task.fields.get("said", 0.0)
            if left is None or task.finished:
                return Text("")
            return Text(f"{write_seconds(max(0.0, left - (time.perf_counter() - said)))} left")

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Left(),
        TextColumn("{task.fields[info]}", markup=False),
        console=console,
        disable=disable,
    )


def show_in(bars: Bars) -> Callable[[Progress], None]:
    """A function that shows each work in a row of its own."""
    rows: dict[str, Any] = {}

    def show(progress: Progress) -> None:
        if progress.what not in rows:
            rows[progress.what] = bars.add_task(progress.what, total=None, info="")
        bars.update(
            rows[progress.what],
            completed=progress.n_done,
            total=progress.n_all,
            info=printable(progress.item),
            left=progress.seconds_left,
            said=time.perf_counter(),
        )

    return show


def write_seconds(seconds: float) -> str:
    """``"40 s"``, ``"12 min"``, ``"3 h 20 min"``: as exactly as such an estimate is."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
