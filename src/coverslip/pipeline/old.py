"""results of version 0.1.0, which kept no ledger → entries for what is still as it wrote it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.errors import FileError
from coverslip.io import Ledger, hash_content

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coverslip.pipeline.outputs import Outputs

NOTE = "its results are of an earlier version of coverslip, and are made anew"
# How the tables and the page of that version begin.
BEGINNINGS = {
    "cells.csv": b"file,frame,label",
    "images.csv": b"file,frame,n_cells,",
    "cells.parquet": b"PAR1",
    "images.parquet": b"PAR1",
    "report.html": b"<!DOCTYPE html>",
}


def adopt_old(target: Outputs) -> list[str]:
    """Enter the results that an old record names; what is said of it.

    The record was the last that was written of an image: a file that is newer was changed since,
    and is not entered.

    Raises:
        FileError: the ledger cannot be written.
    """
    ledger = target.ledger()
    if ledger.file.exists():
        return []
    try:
        contents: Any = json.loads(target.record.read_text(encoding="utf-8"))
        rows = contents["images"]["columns"]
        named = {*rows["labels"], *rows["overlay"], *(part["name"] for part in contents["parts"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    paths = [target.folder / str(name) for name in named]
    paths += [target.probs, target.spread, target.record]
    paths += [target.thumbnail(frame) for frame in range(len(rows["labels"]))]
    paths += [target.small_labels(frame) for frame in range(len(rows["labels"]))]
    inside = [path for path in paths if _is_inside(path, target.folder)]
    _enter(ledger, inside, newest=target.record.stat().st_mtime_ns)
    return [NOTE]


def adopt_old_tables(folder: Path) -> None:
    """Enter the tables and the page of an old folder, where they are what they should be.

    The page was the last that was written: what is newer was changed since.

    Raises:
        FileError: the ledger cannot be written.
    """
    ledger = Ledger(folder)
    about = folder / "records" / "README.txt"
    if ledger.file.exists() or not about.is_file():
        return
    if not about.read_bytes().startswith(b"What was done to each image"):
        return
    paths, page = [about], folder / "report.html"
    for name, beginning in BEGINNINGS.items():
        path = folder / name
        if path.is_file():
            with path.open("rb") as stream:
                paths += [path] if stream.read(len(beginning)) == beginning else []
    _enter(ledger, paths, newest=_changed(page if page.is_file() else about))


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder))


def _enter(ledger: Ledger, paths: Iterable[Path], *, newest: int) -> None:
    try:
        for path in paths:
            if path.exists() and not path.is_symlink() and _changed(path) <= newest:
                ledger.enter(path, hash_content(path))
    except OSError as error:
        raise FileError(f"{ledger.folder}: cannot be read ({error.strerror}).") from error


def _changed(path: Path) -> int:
    """When a file was changed, or any file of a folder."""
    inner = path.rglob("*") if path.is_dir() else ()
    times: list[int] = [one.stat().st_mtime_ns for one in (path, *inner)]
    return max(times)
