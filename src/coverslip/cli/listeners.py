"""what a verb says → the terminal, a log file, JSON lines for pipelines.

Logging and progress of every verb go through here; docs/every_verb.md promises the fields.
"""

from __future__ import annotations

import json
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, TextIO

from coverslip._text import printable
from coverslip.errors import CoverslipError, FileError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

    from coverslip.progress import Progress

DATED = re.compile(r"\d{4}-\d\d-\d\dT")  # how each line of a log begins
S_BETWEEN_EVENTS = 1.0  # of progress, in JSON lines
S_BETWEEN_LINES = 30.0  # of progress, in a log file


@dataclass
class Listeners:
    """Who hears what a verb says.

    Attributes:
        verb: its name.
        command: the command line with all that is not the default, those of a file too.
        config: the same as a section of a file of settings.
        quiet: nothing on the way is said on the terminal.
        json_lines: one JSON object a line on stdout, and nothing else there.
        log: a file that gets a line for all that is said, or None.
        results: what the verb's results say of themselves, for the last event.
        failed: the files that failed, with the reason.
    """

    verb: str = ""
    command: str = ""
    config: str = ""
    quiet: bool = False
    json_lines: bool = False
    log: TextIO | None = None
    clock: Callable[[], float] = time.perf_counter
    results: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)  # when of each progress it was told last
    lock: RLock = field(default_factory=RLock)

    def hear(self, event: str, line: str, **facts: Any) -> None:
        """Take an event: as a line of the log, and as a line of JSON.

        Args:
            event: its kind.
            line: for the log; "" for none.
            facts: for the JSON.
        """
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        with self.lock:
            if self.log is not None and line:
                print(f"{now} {event} {printable(line)}".replace("\n", "\n  "), file=self.log)
                self.log.flush()
            if self.json_lines:
                from coverslip.cli.console import plain_console

                text = json.dumps({"event": event, "time": now, **facts}, default=str)
                plain_console().print(text)

    def hear_progress(self, progress: Progress) -> None:
        """Take how far the work is; the log and the JSON get it now and then, and at its end."""
        is_last = progress.n_all is not None and progress.n_done >= progress.n_all - 1e-9
        between = S_BETWEEN_EVENTS if self.json_lines else S_BETWEEN_LINES
        now, before = self.clock(), self.told.get(progress.what)
        if not is_last and before is not None and now - before < between:
            return
        self.told[progress.what] = now
        left = progress.seconds_left
        line = f"{progress.what} {progress.n_done:g} of {progress.n_all or '?'} {progress.item}"
        more = "" if left is None else f", {left:.0f} s left"
        facts = {name: _short(value) for name, value in asdict(progress).items()}
        self.hear("progress", f"{line.strip()}{more}", **facts)


def _short(value: Any) -> Any:
    """A number with three decimals: those of seconds mean no more."""
    return round(value, 3) if isinstance(value, float) else value


CURRENT: list[Listeners] = [Listeners()]  # the last is that of the verb that runs


def listeners() -> Listeners:
    """Those of the verb that runs in this process."""
    return CURRENT[-1]


@cache
def on_the_way() -> Console:
    """The one console for notes and bars, so that a note does not tear a bar."""
    from coverslip.cli.console import plain_console

    return plain_console(stderr=True)


def is_shown() -> bool:
    """Whether what is said on the way appears on the terminal."""
    return not (listeners().quiet or listeners().json_lines)


def has_bar() -> bool:
    """Whether somebody looks at a bar."""
    return is_shown() and sys.stderr.isatty()


@contextmanager
def listening(new: Listeners, *, log_file: Path | None = None) -> Iterator[Listeners]:
    """Let them hear what the block says, its begin and its end.

    Raises:
        FileError: the log cannot be written, or is no log of ours.
        SettingsError: nothing would be said, and all.
    """
    if new.quiet and new.json_lines:
        raise SettingsError("--quiet and --json: wanted one of the two.")
    from coverslip.provenance import package_version

    new.log = None if log_file is None else open_log(log_file)
    version, began = package_version("coverslip"), new.clock()
    CURRENT.append(new)
    try:
        begin = f"coverslip {version}: {new.command}"
        new.hear("start", begin, version=version, verb=new.verb, command=new.command)
        yield new
        end(new, began, status=0)
    except BaseException as error:
        status = status_of(error)
        text = str(error) if isinstance(error, Exception) and not is_end(error) else ""
        end(new, began, status=status, error=text or None)
        raise
    finally:
        CURRENT.remove(new)
        if new.log is not None:
            new.log.close()


def end(one: Listeners, began: float, *, status: int, error: str | None = None) -> None:
    """The last event: how it went, with all results and failures."""
    seconds = round(one.clock() - began, 3)
    line = f"status {status} after {seconds:.1f} s" + (f": {error}" if error else "")
    facts = {"results": one.results, "failed": one.failed, "error": error}
    one.hear("end", line, status=status, seconds=seconds, **facts)


def is_end(error: BaseException) -> bool:
    """Whether it is the usual end of a verb, which says its status so."""
    return hasattr(error, "exit_code") and not hasattr(error, "message")


def status_of(error: BaseException) -> int:
    """The exit status that an exception comes to."""
    if is_end(error):
        return int(error.exit_code)  # type: ignore[attr-defined]
    if isinstance(error, SystemExit):
        return int(error.code or 0)
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, CoverslipError | OSError) else 1


def open_log(path: Path) -> TextIO:
    """Open a log, to go on where it ends.

    Raises:
        FileError: it cannot be written, or is a file of something else.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size:
            with path.open(encoding="utf-8", errors="replace") as file:
                if not DATED.match(file.readline(80)):
                    raise FileError(
                        f"--log-file {path}: there is a file already that is no log of coverslip, "
                        "and it is left as it is. Choose another name."
                    )
        return path.open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise FileError(
            f"--log-file {path}: cannot be written ({error.strerror}). Choose another place."
        ) from error
