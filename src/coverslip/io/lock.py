"""a folder → the only process that works in it."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from coverslip.errors import FileError, SettingsError
from coverslip.io.atomic import whole_or_nothing, write_error

IN_USE = "in-use"  # says who holds the folder
LOCK = "in-use.lock"  # is locked, and so on Windows nobody else can read it
# So long at most do the helper processes of a killed training outlive it and keep its lock, which
# on Windows they do not have.
ORPHANS_S = 1 if sys.platform == "win32" else 10


@contextmanager
def only_here(folder: Path, *, what: str = "coverslip") -> Iterator[Callable[[], None]]:
    """Hold a folder until the block ends, so that no second process writes into it.

    The system's own lock on the file ``in-use.lock`` tells, on Linux, macOS and Windows. It goes
    with the process that has it, however that ends: what a killed one left stands in nobody's way.
    Where a file system knows no locks, the host and the process number in ``in-use`` must do.

    Args:
        folder: made where it is missing.
        what: who works there, for the message to a second one.

    Yields:
        A function that raises FileError once the folder has been deleted or moved.

    Raises:
        SettingsError: another process holds it.
        FileError: the folder cannot be written.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> with coverslip.only_here(folder, what="my analysis"):
        ...     coverslip.write_text(folder / "results.txt", "nobody else writes here")
    """
    try:
        file = _take(folder, what=what)
    except OSError as error:
        raise write_error(folder / IN_USE, error) from error
    try:
        yield partial(_check_there, file, folder)
    finally:
        if _is_at(file, folder / LOCK):  # else it is gone, or another's
            _remove(folder / IN_USE, folder / LOCK)
        file.close()
        if sys.platform == "win32":  # which removes no file that is open
            _remove(folder / LOCK)


def _take(folder: Path, *, what: str) -> IO[str]:
    """Lock the folder; the file that is given back keeps it locked until it is closed."""
    folder.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + ORPHANS_S
    while True:
        file = (folder / LOCK).open("a")  # nothing is written there: it may be a link
        try:
            if _lock(file, folder) and _is_at(file, folder / LOCK):  # else just removed
                with whole_or_nothing(folder / IN_USE) as path:
                    path.write_text(f"{socket.gethostname()} {os.getpid()}\n", encoding="utf-8")
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        host, number = _holder(folder)
        if _runs(host, number) or time.monotonic() > give_up:
            raise SettingsError(
                f"{folder}: another {what} is at work here (process {number} on {host}): wait for "
                f"it, or choose another -o. If there is none, delete {IN_USE} and {LOCK} in it."
            )
        time.sleep(0.1)


def _lock(file: IO[str], folder: Path) -> bool:
    """Take the system's lock; where there is none, whoever wrote ``in-use`` is asked for."""
    # Here, so that a process that holds no folder does not wait for it.
    from filelock import lock_descriptor

    try:
        return lock_descriptor(file.fileno(), blocking=False)
    except OSError:  # a share without locks
        return not _runs(*_holder(folder))


def _holder(folder: Path) -> tuple[str, str]:
    """The host and the process number in ``in-use``, empty where there are none yet."""
    try:
        text = (folder / IN_USE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    host, _, number = text[:1000].strip().rpartition(" ")
    return host, number


def _runs(host: str, number: str) -> bool:
    """Whether a process may still be there: those of other hosts cannot be asked."""
    if not number.isdecimal():
        return False
    if host not in ("", socket.gethostname()):
        return True
    if sys.platform == "win32":
        return False  # asking a process there ends it
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _is_at(file: IO[str], path: Path) -> bool:
    """Whether a file that is open is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):  # it is gone, or the folder may no longer be written
            path.unlink()


def _check_there(file: IO[str], folder: Path) -> None:
    if not _is_at(file, folder / LOCK):
        raise FileError(
            f"{folder}: was deleted, moved or emptied while coverslip worked in it, and what was "
            "done there is no longer there: leave it alone, and start again."
        )
