"""a file of an OME-TIFF set → the other files of it, and a page of any of them.

A set is one image, or several, in several files; each file, or one of them, has the XML of all. It
says which plane lies where, by the files' names and identities (UUID), and it alone is believed.
"""

from __future__ import annotations

import os
import re
import stat
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import tifffile

from coverslip.io.formats.ome_xml import FileName, OmeImage, OmeXml, parse_ome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MOST_OPEN = 16  # files of a set that are open at once
MOST_ASKED = 256  # files of a folder that are asked for their identity
NDTIFF_INDEX = "NDTiff.index"
TIFFS = (".tif", ".tiff", ".btf", ".tf8")
TIFF_START = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class OmeSet:
    """The images of a set that a file has a part in.

    Attributes:
        path: The file.
        images: Those of which it holds a plane.
        numbers: Which they are among all of the XML.
        where: Path of each file by what the XML calls it; those that are not there are left out.
        n_files: How many files the XML names, those of other images too.
    """

    path: Path
    images: tuple[OmeImage, ...]
    numbers: tuple[int, ...]
    where: dict[FileName, Path]
    n_files: int

    @property
    def is_in(self) -> bool:
        """Whether the file is one of those that the XML names."""
        return self.path in [self.where.get(file) for one in self.images for file in one.files]

    @property
    def is_several(self) -> bool:
        """Whether the XML is of more than one file."""
        return self.n_files > 1

    def missing(self, image: OmeImage) -> list[str]:
        """Names of the files of an image that are not there."""
        return [file.name or file.uuid for file in image.files if file not in self.where]


def open_tiff(path: Path) -> tifffile.TiffFile:
    """Open one TIFF and no other: what belongs to it is found by this module."""
    # Of both, tifffile has ways to read one file of a set as all of it.
    flags: dict[str, Any] = {"is_mmstack": False} if "mmstack" in tifffile.TIFF.FILE_FLAGS else {}
    return tifffile.TiffFile(path, _multifile=False, **flags)


def find_set(path: Path, xml: str) -> OmeSet | None:
    """What a file's OME-XML says of it and of the files around it.

    Returns:
        None where it is damaged, or lies in another file that is not there.
    """
    about = parse_ome(xml)
    if about is None:
        return None
    own_uuid = about.uuid
    if about.master is not None:
        about = _from_master(path, about.master)
    if about is None or not about.images:
        return None
    where = _find_files(path, about, own_uuid)
    own = [n for n, one in enumerate(about.images) if _holds(one, where, path)]
    numbers = own or list(range(len(about.images)))
    images = tuple(about.images[n] for n in numbers)
    n_files = len({file for image in about.images for file in image.files})
    return OmeSet(path, images, tuple(numbers), where, n_files)


def master_of(xml: str) -> str:
    """The file that is named as having the OME-XML, or ""."""
    about = parse_ome(xml)
    return about.master.name if about is not None and about.master is not None else ""


def _from_master(path: Path, master: FileName) -> OmeXml | None:
    """The XML of a set where this file only names another that has it."""
    other = _beside(path, master.name)
    if other is None:
        return None
    text = description(other)
    if not text:
        with other.open("rb") as stream:
            text = stream.read(2**28).decode("utf-8", errors="replace")
    return parse_ome(text)


def _holds(image: OmeImage, where: dict[FileName, Path], path: Path) -> bool:
    return not image.blocks or any(where.get(file) == path for file in image.files)


def _find_files(path: Path, about: OmeXml, own_uuid: str) -> dict[FileName, Path]:
    """Where the files of a set are: by their identity, or else by their name."""
    names = tuple(dict.fromkeys(file for image in about.images for file in image.files))
    if len(names) <= 1:  # whatever it is called now
        return dict.fromkeys((*names, FileName()), path)
    where = {FileName(): path}
    known = {own_uuid: path} if own_uuid else {}
    for file in names:
        if file.uuid and file.uuid in known:
            where[file] = known[file.uuid]
        elif file.name == path.name and not (own_uuid and _is_of(own_uuid, names)):
            where[file] = path
    rest = [file for file in names if file not in where]
    beside = {file: _beside(path, file.name) for file in rest}
    if len(rest) <= MOST_ASKED:
        known |= {uuid_of(one): one for one in beside.values() if one is not None}
        if any(_is_elsewhere(file, beside[file], known, names) for file in rest):  # renamed
            known |= {uuid_of(one): one for one in _tiffs_beside(path)}
    for file in rest:
        found = known.get(file.uuid) if file.uuid else None
        by_name = beside[file]
        if found is None and by_name is not None and not _is_of(uuid_of(by_name), names):
            found = by_name
        if found is not None:
            where[file] = found
    return where


def _is_elsewhere(
    file: FileName, by_name: Path | None, known: Mapping[str, Path], names: Sequence[FileName]
) -> bool:
    """Whether a file is not the one of its name."""
    if file.uuid and file.uuid in known:
        return False
    return by_name is None or _is_of(uuid_of(by_name), names)


def _is_of(uuid: str, names: Sequence[FileName]) -> bool:
    return bool(uuid) and any(file.uuid == uuid for file in names)


def _beside(path: Path, name: str) -> Path | None:
    """A file of this name in the same folder; never one elsewhere."""
    plain = re.split(r"[/\\]", name)[-1]
    if not plain or plain in (".", ".."):
        return None
    other = path.parent / plain
    return other if other.is_file() else None


def _tiffs_beside(path: Path) -> list[Path]:
    endings = (".tif", ".tiff", ".btf")
    names = sorted(
        name for name in os.listdir(path.parent or ".") if name.lower().endswith(endings)
    )
    return [one for one in (path.parent / name for name in names[:MOST_ASKED]) if one != path]


def uuid_of(path: Path) -> str:
    """The identity that a file's OME-XML gives it, or ""."""
    found = re.search(r"<(?:\w+:)?OME\b[^>]*?\sUUID=[\"']([^\"']+)", description(path)[:20_000])
    return found[1] if found else ""


def description(path: Path) -> str:
    """The description of a TIFF's first page; "" where it has none or is no TIFF."""
    try:
        state = path.stat()
    except OSError:
        return ""
    if not stat.S_ISREG(state.st_mode):  # to open a pipe may wait for ever
        return ""
    return _description(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _description(path: Path, size: int, time: int) -> str:
    del size, time
    try:
        with path.open("rb") as stream:
            if stream.read(4) not in TIFF_START:
                return ""
        with open_tiff(path) as tif:
            return str(tif.pages.first.description)
    except Exception:  # whatever is wrong with it is said when it is opened
        return ""


def may_hold_several(path: Path) -> bool:
    """Whether a TIFF may hold several images, by a quick look: others than OME's rarely do."""
    if path.suffix.lower() == ".lsm" or (path.parent / NDTIFF_INDEX).is_file():
        return True
    return description(path).count("Image ") > 1


def members_of(path: Path) -> list[Path]:
    """The files of the images that a TIFF has a part in, itself among them, the first one first."""
    text = description(path)
    if "<OME" in text or ":OME" in text:
        found = find_set(path, text)
        if found is not None and found.is_several:
            named = [found.where.get(file) for image in found.images for file in image.files]
            return list(dict.fromkeys(one for one in (*named, path) if one is not None))
    index = path.parent / NDTIFF_INDEX
    return _in_index(path, index) if index.is_file() else [path]


def _in_index(path: Path, index: Path) -> list[Path]:
    """The files that an NDTiff's index names, if this is one of them."""
    try:
        names = list(dict.fromkeys(entry[1] for entry in tifffile.read_ndtiff_index(index)))
    except Exception:
        return [path]
    found = [one for one in (_beside(path, name) for name in names) if one is not None]
    return found if path in found else [path]


def once_each(paths: Iterable[Path]) -> list[Path]:
    """Of the files of a set, leave the first one that is there, in the order of its planes."""
    given = dict.fromkeys(paths)
    members = {path: members_of(path) for path in given if path.suffix.lower() in TIFFS}
    stands: dict[Path, Path] = {}
    for path, files in members.items():
        there = [one for one in files if one in given]
        # Another one may stand for it only if it has the metadata of the set, too.
        first = next((one for one in there if path in members.get(one, [])), path)
        for one in there:
            stands.setdefault(one, first)
            if len(files) > 1 and len(members.get(one, [])) == 1:  # it has no metadata of its own
                stands[one] = first
    return list(dict.fromkeys(stands.get(path, path) for path in given))


class TiffFiles:
    """The files of a set, some of which are open."""

    def __init__(self) -> None:
        self.open: OrderedDict[Path, tifffile.TiffFile] = OrderedDict()

    def get(self, path: Path) -> tifffile.TiffFile:
        """A file of the set, opened if it is not."""
        if path not in self.open:
            self.open[path] = open_tiff(path)
            if len(self.open) > MOST_OPEN:
                self.open.popitem(last=False)[1].close()
        self.open.move_to_end(path)
        return self.open[path]

    def page(self, path: Path, number: int) -> Any:
        """A page of one of the files, or None where it has no such page."""
        pages = self.get(path).pages
        return pages[number] if 0 <= number < len(pages) else None

    def close(self) -> None:
        """Close all."""
        while self.open:
            self.open.popitem()[1].close()


@contextmanager
def opened_files() -> Iterator[TiffFiles]:
    """Files of a set, closed at the end."""
    files = TiffFiles()
    try:
        yield files
    finally:
        files.close()
