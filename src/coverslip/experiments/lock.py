"""a folder → the only process that works in it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coverslip.errors import FileError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def only_here(folder: Path) -> Iterator[None]:
    """Hold a folder, by a file in it with this process's number, until the block ends.

    Raises:
        SettingsError: another process holds it, or one that was killed has left its file.
        FileError: the folder cannot be written.
    """
    path = folder / "in-use"
    while True:
        try:
            with path.open("x") as file:
                file.write(str(os.getpid()))
            break
        except FileExistsError:
            if not was_left(path):
                raise SettingsError(
                    f"{folder}: another coverslip reproduce is at work here: wait for it, or "
                    f"choose another -o. If there is none, delete {path.name} in it."
                ) from None
            path.unlink(missing_ok=True)
        except OSError as error:
            raise FileError(f"{path}: cannot be written ({error.strerror or error}).") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def was_left(path: Path) -> bool:
    """Whether the process that wrote the file is known to be gone."""
    if os.name == "nt":  # where asking ends the process that is asked
        return False
    try:
        os.kill(int(path.read_text()), 0)
    except (ProcessLookupError, FileNotFoundError):
        return True
    except (OSError, ValueError):
        return False
    return False
