"""what coverslip wrote into a folder ↔ a ledger there, so that nothing else is ever replaced.

One rule holds for every file: it is replaced or removed only if the ledger says that coverslip
wrote it, and its content is still that. Anything else is refused, or kept under another name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK = 1 << 20
CORRECTED = ".corrected"  # in the name that a changed file is kept under
RECORDS = "records"


@dataclass(frozen=True)
class Ledger:
    """The files that coverslip wrote, each with the hashes of all that it ever wrote there.

    An entry is made before the file gets its name, so that a process that is killed in between
    leaves no file of ours that is not in it. Entries are lines that are appended, each in one
    write, so that several processes may make them.

    Attributes:
        folder: the folder of the results.
        name: of the image whose results are meant; "": what belongs to no image.
        sets_aside: keep what is not ours under another name, instead of refusing to write.
        moved: what was kept so, with its new name.
    """

    folder: Path
    name: str = ""
    sets_aside: bool = False
    moved: list[tuple[Path, Path]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """Where it is kept."""
        records = self.folder / RECORDS
        return (
            records / "written" / f"{self.name}.jsonl" if self.name else records / "written.jsonl"
        )

    def lines(self) -> list[dict[str, Any]]:
        """All entries, in their order; what a killed write left of one is passed over."""
        try:
            text = self.file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        found = []
        for line in text.splitlines():
            with suppress(ValueError, RecursionError):
                entry = json.loads(line)
                found += [entry] if _is_entry(entry) else []
        return found

    def entries(self) -> dict[str, set[str]]:
        """The hashes of what was written, by the files' names from the folder."""
        found: dict[str, set[str]] = {}
        for line in self.lines():
            if "file" in line:
                found.setdefault(str(line["file"]), set()).add(str(line.get("sha256")))
        return found

    @property
    def source(self) -> dict[str, Any] | None:
        """The image of which the results are; None where none is known."""
        return next((line for line in reversed(self.lines()) if "source" in line), None)

    def is_ours(self, path: Path) -> bool:
        """Whether coverslip wrote a file, and its content is still that."""
        known = self.entries().get(self.relative(path)) if os.path.lexists(path) else None
        return known is not None and not path.is_symlink() and hash_content(path) in known

    def relative(self, path: Path) -> str:
        """A file's name from the folder."""
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def enter(self, path: Path, digest: str) -> None:
        """Note that a file has or is to have some content.

        Raises:
            OSError: the ledger cannot be written.
        """
        self.append({"file": self.relative(path), "sha256": digest})

    def append(self, entry: dict[str, Any]) -> None:
        """Append an entry.

        Raises:
            FileError: something that is no file stands in its place.
            OSError: the ledger cannot be written.
        """
        if self.file.is_dir():
            raise FileError(
                f"{self.file}: a folder, where coverslip keeps a list of what it wrote. Move it "
                "away, or choose another folder for the results."
            )
        self.file.parent.mkdir(parents=True, exist_ok=True)
        line = "\n" + json.dumps(entry, ensure_ascii=True, sort_keys=True) + "\n"
        number = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(number, line.encode())
        finally:
            os.close(number)

    def last(self) -> dict[str, str]:
        """The hash of what was written last, by the files' names from the folder."""
        return {str(line["file"]): str(line["sha256"]) for line in self.lines() if "file" in line}

    def compact(self) -> None:
        """Leave out what was written and is gone, or was replaced by what we wrote later.

        Raises:
            OSError: the ledger cannot be written.
        """
        source = self.source
        lines = [] if source is None else [source]
        for name, digest in sorted(self.last().items()):
            if os.path.lexists(self.folder / name):
                lines.append({"file": name, "sha256": digest})
        text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        temporary = self.file.with_name(f"{self.file.name}.new")
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(self.file)

    def make_way(self, path: Path) -> None:
        """See that nothing which is not ours stands where a file is to be written.

        Raises:
            FileError: something does, and is not to be kept under another name.
            OSError: it cannot be.
        """
        if not os.path.lexists(path) or self.is_ours(path):
            return
        if not self.sets_aside:
            raise FileError(
                f"{path}: is there already, and coverslip did not write it, or it was changed "
                "since: it is left as it is. Move it away, or choose another folder."
            )
        self.set_aside(path)

    def set_aside(self, path: Path) -> Path:
        """Keep a file or folder under a name of its own.

        Raises:
            OSError: it cannot be renamed.
        """
        kept = free_name(path)
        path.rename(kept)
        self.moved.append((path, kept))
        return kept

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files and Zarr folders; what is not ours is kept under another name.

        Raises:
            OSError: one cannot be removed.
        """
        there = [path for path in paths if os.path.lexists(path)]
        known = self.entries() if there else {}
        for path in there:
            hashes = known.get(self.relative(path), set())
            if path.is_symlink() or hash_content(path) not in hashes:
                self.set_aside(path)
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _is_entry(entry: Any) -> bool:
    """Whether a line of a ledger is one of ours, and not damaged or changed."""
    if not isinstance(entry, dict):
        return False
    if "source" in entry:
        return isinstance(entry["source"], str)
    return isinstance(entry.get("file"), str) and isinstance(entry.get("sha256"), str)


OPEN: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


@contextmanager
def writing(ledger: Ledger | None) -> Iterator[None]:
    """Enter all files that the block writes, and hold the rule for them; None: for none."""
    token = OPEN.set(ledger)
    try:
        yield
    finally:
        OPEN.reset(token)


def check_ours(path: Path) -> None:
    """Refuse to replace a file that is not ours, before any work is done for it.

    Raises:
        FileError: it is there, and not as coverslip wrote it.
    """
    Ledger(path.parent).make_way(path)


def claim(path: Path, temporary: Path) -> None:
    """Ask the open ledger, if there is one, whether a new file may get its name, and enter it.

    Raises:
        FileError: something that is not ours has that name.
        OSError: the ledger cannot be written, or what is there cannot be kept.
    """
    ledger = OPEN.get()
    if ledger is None:
        return
    digest = hash_content(temporary)
    if os.path.lexists(path) and (path.is_symlink() or hash_content(path) != digest):
        ledger.make_way(path)
    ledger.enter(path, digest)


def hash_content(path: Path) -> str:
    """SHA-256 of what a file holds; of a folder, of the names and contents of all files in it.

    Raises:
        OSError: it cannot be read.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.io import hash_content
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.txt")
        ...     _ = path.write_text("cells")
        ...     print(hash_content(path)[:8])
        57104c57
    """
    if not path.is_dir():
        return _hash_file(path)
    whole = hashlib.sha256()
    for inner in sorted(one for one in path.rglob("*") if one.is_file()):
        whole.update(f"{inner.relative_to(path).as_posix()}\0{_hash_file(inner)}\n".encode())
    return whole.hexdigest()


def _hash_file(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            whole.update(block)
    return whole.hexdigest()


def free_name(path: Path) -> Path:
    """``a_labels.tif`` → ``a_labels.corrected.tif``, with a number where that is taken."""
    ending = next(
        (end for end in (".ome.zarr", ".ome.tif") if path.name.endswith(end)), path.suffix
    )
    name = path.name.removesuffix(ending)
    number = 1
    while True:
        kept = path.with_name(f"{name}{CORRECTED}{number if number > 1 else ''}{ending}")
        if not os.path.lexists(kept):
            return kept
        number += 1


def is_written(path: Path) -> bool:
    """Whether a file lies in a folder of results and coverslip wrote it there, changed or not.

    The records' own folder counts too: its thumbnails are pictures as well.
    """
    for above in list(path.absolute().parents)[:4]:
        if above.name == RECORDS and (above / "README.txt").is_file():
            return True
        for ledger in _ledgers_naming(above, path):
            if ledger.relative(path.absolute()) in ledger.entries():
                return True
    return False


def _ledgers_naming(folder: Path, path: Path) -> Iterator[Ledger]:
    """The ledgers in a folder that may know a file: those whose name it begins with."""
    if not (folder / RECORDS).is_dir():
        return
    yield Ledger(folder)
    first = path.absolute().relative_to(folder).parts[0]
    for end in range(len(first), 0, -1):
        if first[end : end + 1] in ("_", ".", ""):
            ledger = Ledger(folder, first[:end])
            if ledger.file.is_file():
                yield ledger
