"""links, pipes and devices under an image's name → refused, but for what belongs to the image."""

from __future__ import annotations

import errno
import os
import stat
from functools import lru_cache
from pathlib import Path

from coverslip.errors import FileError

ANNEX = ".git/annex/objects"  # where git-annex keeps the files of a repository
# What says that a folder is a Zarr array or group: version 3, and three files of version 2.
ZARR_MARKERS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")


def check_regular(path: Path) -> None:
    """Refuse what is no file on a disk: to open a pipe or a device may wait, or take, for ever.

    Raises:
        FileError: a pipe, a socket, a device, or links that lead to one another.
        OSError: nothing is there.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileError(f"{path}: links that lead to one another, and to no file.") from error
        if path.is_symlink():
            raise FileError(_say_dangling(path, os.readlink(path))) from error
        raise
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(mode), "a device")
        raise FileError(f"{path}: {kind}, where a file is wanted. Save what comes from it first.")


def _say_dangling(what: str | Path, target: str) -> str:
    """What is wrong with a link that leads nowhere; of git-annex, its content is elsewhere."""
    cure = "Copy the file itself, or remove the link."
    if f"{ANNEX}/" in target.replace(os.sep, "/"):
        cure = "Its content is not on this computer yet: datalad get, or git annex get, fetches it."
    return f"{what}: a link to {target}, which is not there. {cure}"


def is_zarr(path: Path) -> bool:
    """Whether a path is a Zarr array or group, by the files in it; the package is not needed."""
    return path.is_dir() and any((path / name).is_file() for name in ZARR_MARKERS)


def zarr_root(path: Path) -> Path:
    """The outermost Zarr, by its name, that a path lies in; or the path."""
    root = here = Path(os.path.abspath(path))
    for above in here.parents:
        if not is_zarr(above):
            break
        root = above if above.suffix.lower() == ".zarr" else root
    return root


def find_annex(path: Path) -> Path | None:
    """Where git-annex (DataLad) keeps the files of the repository that a path lies in, if it does.

    The repository is the nearest one above the path. Its ``.git`` may be a link where it is a part
    of a larger one, whose ``.git/modules`` it then leads into; it may lead nowhere else.
    """
    for above in Path(os.path.realpath(path)).parents:
        if os.path.lexists(above / ".git"):
            git = Path(os.path.realpath(above / ".git"))
            is_own = git == above / ".git"
            is_part = any(git.is_relative_to(one / ".git" / "modules") for one in above.parents)
            objects = git / "annex" / "objects"
            is_there = objects.is_dir() and Path(os.path.realpath(objects)) == objects
            return objects if is_there and (is_own or is_part) else None
    return None


def check_links(path: Path) -> None:
    """Refuse a Zarr in which a link leads outside of it, to nothing, or to what is no file.

    Its chunks would else be any files of this computer, which results would show, or empty without
    a word. What git-annex keeps for the repository of the Zarr belongs to it.

    Raises:
        FileError: There is such a link.
    """
    _check_links(str(zarr_root(path)))


@lru_cache(maxsize=64)
def _check_links(root: str) -> None:
    true_root = os.path.realpath(root)
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    _check_link(root, entry.path, true_root=true_root)
                elif entry.is_dir():
                    waiting.append(entry.path)
                elif not entry.is_file():
                    check_regular(Path(entry.path))


def _check_link(root: str, link: str, *, true_root: str) -> None:
    target, name = os.path.realpath(link), os.path.relpath(link, root)
    if not Path(target).is_relative_to(true_root):
        annex = find_annex(Path(root))
        if annex is None or not Path(target).is_relative_to(annex):
            raise FileError(
                f"{root}: {name} in it is a link that leads outside of it "
                f"({target}), and is not followed. Copy the Zarr with what its links lead to."
            )
    if not os.path.lexists(target):
        raise FileError(_say_dangling(f"{root}: {name} in it", target))
    check_regular(Path(target))
