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
from coverslip.files.write import write_error

if sys.platform != "win32":
    import fcntl

IN_USE = "in-use"
ORPHANS_S = 10  # so long at most do the helper processes of a killed training outlive it


@contextmanager
def only_here(folder: Path, *, what: str = "coverslip") -> Iterator[Callable[[], None]]:
    """Hold a folder until the block ends, so that no second process writes into it.

    The system's own lock on the file ``in-use`` tells, which goes with the process that has it,
    however that ends: what a killed one left stands in nobody's way. Where a file system knows no
    locks, the host and the process number in the file must do.

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
    path = folder / IN_USE
    try:
        file = _take(path, what=what)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield partial(_check_there, file, path)
    finally:
        with suppress(OSError):  # it is gone, or the folder may no longer be written
            if _is_at(file, path):
                path.unlink()
        with suppress(OSError):
            file.close()


def _take(path: Path, *, what: str) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + ORPHANS_S
    while True:
        file = path.open("a+")
        if _lock(file) and _is_at(file, path):  # else its last holder has just removed it
            file.truncate(0)
            file.write(f"{socket.gethostname()} {os.getpid()}\n")
            file.flush()
            return file
        host, number = _holder(file)
        file.close()
        if _runs(host, number) or time.monotonic() > give_up:
            raise SettingsError(
                f"{path.parent}: another {what} is at work here (process {number} on {host}): wait "
                f"for it, or choose another -o. If there is none, delete {path.name} in it."
            )
        time.sleep(0.1)


def _lock(file: IO[str]) -> bool:
    """Take the system's lock; where there is none, whoever wrote the file is asked for."""
    if sys.platform == "win32":
        return not _runs(*_holder(file))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a share without locks
        return not _runs(*_holder(file))
    return True


def _holder(file: IO[str]) -> tuple[str, str]:
    """The host and the process number in the file, empty where there are none yet."""
    file.seek(0)
    host, _, number = file.read(1000).strip().rpartition(" ")
    return host, number


def _runs(host: str, number: str) -> bool:
    """Whether a process may still be there: those of other hosts cannot be asked."""
    if sys.platform == "win32" or not number.isdecimal():
        return False  # on Windows, asking a process ends it
    if host not in ("", socket.gethostname()):
        return True
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


def _check_there(file: IO[str], path: Path) -> None:
    if not _is_at(file, path):
        raise FileError(
            f"{path.parent}: was deleted, moved or emptied while coverslip worked in it, and what "
            "was done there is no longer there: leave it alone, and start again."
        )
