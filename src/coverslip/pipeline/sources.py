"""images + the results in a folder → names that no other image's results have there."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.errors import FileError
from coverslip.io import Ledger, fingerprint, split_series, stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# What the names of an image's results end in, beside those of its record.
ENDINGS = (
    *("_labels.tif", "_labels.ome.zarr", "_labels", "_overlay.png", "_overlays"),
    *("_probs.tif", "_uncertainty.tif"),
)
LOOKED_AT = 12  # names under which the results of an image are looked for


def names_there(
    names: Mapping[Path, str],
    folder: Path,
    *,
    plain: Mapping[Path, str],
    on_note: Callable[[str], None],
) -> dict[Path, str]:
    """Keep the names that images have in a folder, and give the others free ones.

    Args:
        names: what each image would be called in an empty folder, none twice.
        folder: of the results.
        plain: what each would be called without the others.
        on_note: called with every name that is another's there.
    """
    there = _names_in(folder)
    chosen: dict[Path, str] = {}
    used: set[str] = set()
    for path, name in names.items() if there else ():
        looked_at = islice(candidates(path, name, plain[path]), LOOKED_AT)
        own = next((one for one in looked_at if is_of(folder, one, path)), name)
        if own.casefold() not in used and is_of(folder, own, path):
            chosen[path] = own
            used.add(own.casefold())
    for path, name in names.items():
        if path not in chosen:
            free = (
                one
                for one in candidates(path, name, plain[path])
                if one.casefold() not in used and is_free(folder, one, there)
            )
            chosen[path] = next(free)
            used.add(chosen[path].casefold())
            if chosen[path] != name:
                on_note(
                    f"{path}: {folder} holds files called {name} that are not of this image; its "
                    f"own are called {chosen[path]}"
                )
    return {path: chosen[path] for path in names}


def candidates(path: Path, name: str, plain: str) -> Iterator[str]:
    """What an image may be called, in turn."""
    long = with_folder(path, plain)
    yield from dict.fromkeys((name, plain, with_suffix(path, plain), long))
    yield from (f"{long}_{number}" for number in count(2))


def name_below(path: Path, root: Path) -> str:
    """An image's place below a folder: ``A1_img`` for ``A1/img.tif``.

    Not its stem alone, which would be free or taken as its neighbours are.
    """
    inner = path.relative_to(root)
    return "_".join((*inner.parts[:-1], plain_name(path)))


LONGEST_ENDING = "_uncertainty.corrected99.tif"
MAX_NAME_BYTES = 255  # of most file systems


def check_length(path: Path, name: str, folder: Path) -> None:
    """Refuse an image whose name leaves no room for what its results add to it.

    Raises:
        FileError: it is too long.
    """
    most = MAX_NAME_BYTES
    if hasattr(os, "pathconf") and folder.is_dir():
        with suppress(OSError, ValueError):
            most = os.pathconf(folder, "PC_NAME_MAX")
    room = most - len(LONGEST_ENDING)
    if len(os.fsencode(name)) > room:
        raise FileError(
            f"{path}: its name is too long for the results, which add to it: {name[:40]}… has "
            f"{len(os.fsencode(name))} bytes, where {room} at most can be. Rename it."
        )


def plain_name(path: Path) -> str:
    """A file's stem; one of dots alone, which would be another folder, becomes as many lines."""
    name = stem(path)
    return name if name.strip(". ") else "_" * max(1, len(name))


def with_suffix(path: Path, plain: str) -> str:
    """A name and the image's suffix: ``a_png``."""
    return f"{plain}_{split_series(path)[0].suffix.removeprefix('.')}"


def with_folder(path: Path, plain: str) -> str:
    """The folder too: ``day1_a_png``."""
    return f"{split_series(path)[0].absolute().parent.name}_{with_suffix(path, plain)}"


def is_of(folder: Path, name: str, path: Path) -> bool:
    """Whether the results of a name are those of an image, or of the same one moved since."""
    source = Ledger(folder, name).source
    if source is None:
        return _old_path(folder, name) == str(path)
    if source["source"] == absolute(path):
        return True
    try:
        is_gone = not os.path.lexists(split_series(Path(source["source"]))[0])
        return is_gone and source.get("input") == fingerprint(path)
    except (OSError, FileError):
        return False


def is_free(folder: Path, name: str, there: set[str]) -> bool:
    """Whether no results and no other files of a name are in a folder."""
    if any(f"{name}{ending}".casefold() in there for ending in ENDINGS):
        return False
    return Ledger(folder, name).source is None and _old_path(folder, name) is None


def keep_source(folder: Path, name: str, path: Path) -> None:
    """Enter into a name's ledger of which image its results are.

    Raises:
        OSError: the image cannot be read, or the ledger not be written.
    """
    ledger = Ledger(folder, name)
    entry = {"source": absolute(path), "input": fingerprint(path)}
    if ledger.source != entry:
        ledger.append(entry)


def absolute(path: Path) -> str:
    """A path as it is told from all others."""
    return os.path.abspath(path)


def _names_in(folder: Path) -> set[str]:
    try:
        return {name.casefold() for name in os.listdir(folder)}
    except OSError:
        return set()


def _old_path(folder: Path, name: str) -> str | None:
    """The image that a record is of which has no ledger, as those of version 0.1.0."""
    try:
        contents: Any = json.loads((folder / "records" / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return contents.get("path") if isinstance(contents, dict) else None
