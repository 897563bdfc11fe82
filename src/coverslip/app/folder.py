"""a folder → its images, the place of their results, and what is known of each.

Nothing outside of the folder is ever shown or written, also where a link in it leads outside.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.app.journal import ENDING
from coverslip.errors import CoverslipError, DataError, FileError, say_why
from coverslip.io import (
    Reading,
    find_channel,
    find_images,
    is_written,
    list_series,
    open_reading,
    part_masks,
)
from coverslip.pipeline import name_outputs, read_any_record
from coverslip.tiling import RegionSettings

if TYPE_CHECKING:
    from coverslip.io import ImageFile
    from coverslip.pipeline import Outputs, Record

OUT = "coverslip"  # in the folder, for the results
MOST_PX = 2**28  # of a frame that is shown and corrected: 16,384 × 16,384


class MissingError(DataError):
    """There is no such image, frame or job."""


@dataclass(frozen=True)
class Picture:
    """An image of the folder.

    Attributes:
        id: what it is called in addresses; the same as long as its place in the folder.
        name: its place in the folder.
        path: of its file.
        target: where its results go.
        reading: which channel and depths are meant.
        records: what was done of it, as it was read last.
    """

    id: str
    name: str
    path: Path
    target: Outputs
    reading: Reading
    records: dict[Any, Record | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def file(self) -> ImageFile:
        """What its file says of itself.

        Raises:
            CoverslipError: it cannot be read.
        """
        file = open_reading(self.path, self.reading)
        height, width = file.frame_shape
        if height * width > MOST_PX:
            raise FileError(
                f"{self.path}: {height:,} × {width:,} pixels are too many to be corrected here, "
                f"where {MOST_PX:,} can be: segment it on the command line, and correct its labels "
                "in QuPath."
            )
        return file

    @property
    def channel(self) -> int:
        """The channel that is segmented."""
        return find_channel(self.file, self.reading)

    @property
    def record(self) -> Record | None:
        """What was done of it; read again only where the file is another one."""
        try:
            stat = self.target.record.stat()
        except OSError:
            return None
        key = stat.st_mtime_ns, stat.st_size
        if key not in self.records:
            self.records.clear()
            self.records[key] = read_any_record(self.target.record)
        return self.records[key]

    @property
    def edits(self) -> Path:
        """The file of its corrections."""
        return self.target.folder / f"{self.target.name}{ENDING}"

    @property
    def is_large(self) -> bool:
        """Whether each of its frames has a label file of its own."""
        record = self.record
        if record is not None:
            return record.is_large
        height, width = self.file.frame_shape
        return height * width > RegionSettings().most_px

    def label_file(self, frame: int) -> tuple[Path, int]:
        """The label file of a frame, and which of its frames it is."""
        n_frames = self.file.n_frames
        if self.is_large:
            return self.target.frame_labels(frame, n_frames), 0
        return self.target.labels, frame

    def check_frame(self, frame: int) -> None:
        """Refuse a frame that it does not have.

        Raises:
            MissingError: it has fewer.
        """
        if not 0 <= frame < self.file.n_frames:
            raise MissingError(f"{self.name}: has no frame {frame}; it has {self.file.n_frames}.")


@dataclass
class Folder:
    """The folder that was opened.

    Attributes:
        path: of the folder.
        out: where results go.
        reading: which channel and depths of its images are meant.
        recursive: whether the images of folders in it count.
        notes: what was left out, and why.
    """

    path: Path
    out: Path
    reading: Reading = field(default_factory=Reading)
    recursive: bool = False
    notes: list[str] = field(default_factory=list)
    known: dict[str, Picture] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def scan(self) -> list[Picture]:
        """Look which images are there now; those known already keep their names.

        Raises:
            FileError: there is none.
        """
        with self.lock:
            paths = list_sources(self.path, recursive=self.recursive, notes=self.notes)
            known = {picture.path: picture for picture in self.known.values()}
            new = [path for path in paths if path not in known]
            targets = name_outputs(paths, self.out) if new else {}
            for path in new:
                name = path.relative_to(self.path).as_posix()
                picture = Picture(short_id(name), name, path, targets[path], self.reading)
                known[path] = picture
            self.known = {known[path].id: known[path] for path in paths}
            return list(self.known.values())

    def picture(self, key: str) -> Picture:
        """An image by its id.

        Raises:
            MissingError: there is none.
        """
        with self.lock:
            if key in self.known:
                return self.known[key]
        raise MissingError(
            f"no image {key[:20]} in this folder: it may be renamed; load the page anew."
        )


def list_sources(folder: Path, *, recursive: bool, notes: list[str]) -> list[Path]:
    """The images of a folder: no masks beside them, nothing of ours, nothing that lies elsewhere.

    Raises:
        FileError: none is there.
    """
    found = find_images([str(folder)], recursive=recursive)
    images = [path for path in part_masks(found)[0] if not is_written(path)]
    root = folder.resolve()
    inside = []
    for path in images:
        if path.resolve().is_relative_to(root):
            inside += list_series(path)
            continue
        note = f"{path}: leads out of the folder, and was left out"
        if note not in notes:
            notes.append(note)
    if not inside:
        raise FileError(f"{folder}: holds no image. Name the folder that your images are in.")
    return inside


def short_id(name: str) -> str:
    """A name as it can stand in an address."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def open_folder(
    path: Path, *, out: Path | None = None, reading: Reading | None = None, recursive: bool = False
) -> Folder:
    """Open a folder of images.

    Raises:
        FileError: it is no folder, or holds no image.
    """
    if not path.is_dir():
        raise FileError(f"{path}: is no folder. Name the folder that your images are in.")
    # As it was typed: so the same folder on the command line means the same work.
    folder = Folder(path, out or path / OUT, reading or Reading(), recursive)
    folder.scan()
    return folder


def describe(picture: Picture) -> dict[str, Any]:
    """What is said of an image, as far as its file can be read."""
    entry: dict[str, Any] = {"id": picture.id, "name": picture.name, "error": None}
    try:
        file = picture.file
    except (CoverslipError, OSError, MemoryError) as error:
        return {
            **entry,
            "error": say_why(picture.path, error),
            "frames": 0,
            "height": 0,
            "width": 0,
            "channels": [],
        }
    height, width = file.frame_shape
    return {
        **entry,
        "frames": file.n_frames,
        "height": height,
        "width": width,
        "channels": channel_names(file),
    }


def channel_names(file: ImageFile) -> list[str]:
    """The names of the channels; numbers where they have none."""
    names = list(file.channel_names) or [""] * file.n_channels
    return [name or f"channel {number}" for number, name in enumerate(names)]
