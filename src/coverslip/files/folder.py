"""many files → one folder, whole or not at all."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coverslip.errors import FileError
from coverslip.files.write import temporary_name, write_error
from coverslip.files.written import claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole_folder(path: Path, *, marker: str) -> Iterator[Path]:
    """Write a folder so that nobody ever sees half of it.

    The block writes to the path that it is given; when it ends well, that folder gets its true
    name, and when it fails, it is removed and an older one of the true name stays as it was.

    Args:
        path: The folder wanted. An older one is replaced if it holds `marker`.
        marker: A file by which such a folder is known, so that no other is ever removed.

    Yields:
        A path beside it, where no folder is yet.

    Raises:
        FileError: Something else has that name, or the folder cannot be written.
    """
    if path.exists() and not (path / marker).is_file():
        raise FileError(
            f"{path}: something else is there (a folder without {marker}), and is left as it is. "
            "Choose another folder, or move it away."
        )
    temporary, older = temporary_name(path), temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        claim(path, temporary)
        if path.exists():
            path.rename(older)
        temporary.rename(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if older.exists() and not path.exists():
            older.rename(path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(older, ignore_errors=True)
