"""label files + the corrections that they lack yet → the labels of each frame as they are now."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.app.frame_labels import FrameLabels, count_areas
from coverslip.app.journal import Change, Journal
from coverslip.errors import CoverslipError, DataError
from coverslip.io import hash_content
from coverslip.pipeline import read_label_frame

if TYPE_CHECKING:
    from coverslip.app.folder import Folder, Picture

KEPT_BYTES = 2**30  # of labels of frames
ACCEPT = "accept"  # the kind of an edit by which a person takes what a model found


@dataclass
class KeptLabels:
    """The labels of a folder's images as they are now, in memory and in files.

    Attributes:
        folder: the images.
        journals: by the images' ids.
        frames: labels in memory, by image and frame; those not used for long are forgotten.
        done: the edits that can be undone, in their order, each with its image.
        pending: frames with edits that their label file lacks, by image.
        last: the number of the last edit.
        lock: is held while anything of it is read or changed.
    """

    folder: Folder
    journals: dict[str, Journal] = field(default_factory=dict)
    frames: OrderedDict[tuple[str, int], FrameLabels] = field(default_factory=OrderedDict)
    done: list[tuple[int, str]] = field(default_factory=list)
    pending: dict[str, set[int]] = field(default_factory=dict)
    last: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def journal(self, picture: Picture) -> Journal:
        """The file of an image's corrections."""
        with self.lock:
            if picture.id not in self.journals:
                self.journals[picture.id] = Journal(picture.edits).load()
            return self.journals[picture.id]

    def is_corrected(self, picture: Picture) -> bool:
        """Whether a person changed the image's labels, other than by accepting a model's."""
        with self.lock:
            live = {edit for edit, key in self.done if key == picture.id}
            entries = self.journal(picture).numbered()
            return any(e["edit"] in live and e.get("kind") != ACCEPT for e in entries)

    def digest(self, picture: Picture) -> str:
        """The hash of an image's label files; "" where there are none."""
        paths = dict.fromkeys(
            picture.label_file(frame)[0] for frame in range(picture.file.n_frames)
        )
        return " ".join(hash_content(path) for path in paths if path.exists())

    def valid_from(self, picture: Picture) -> int:
        """The edit after which all hold for the label file that is there now.

        Where the file was changed by another program, it is taken as it is, and what was done
        before can no longer be undone.

        Raises:
            FileError: the files cannot be read.
        """
        journal = self.journal(picture)
        base = journal.last("base")
        try:
            digest = self.digest(picture)
        except (CoverslipError, OSError):
            return 0  # the image is gone or broken: its corrections stay as they are
        if base is None:
            return 0
        is_known = set(digest.split()) <= hashes_of(journal)
        if is_known and (digest or base["base"] == ""):
            return int(base["edit"])
        self.last += 1
        journal.append({"base": digest, "edit": self.last, "changed": True, "time": now()})
        return self.last

    def find_pending(self, picture: Picture) -> None:
        """Look which frames have edits that their label file lacks, as a killed program left it."""
        journal = self.journal(picture)
        frames = {e["frame"] for e in journal.numbered() if e.get("frame", -1) >= 0}
        begin = {frame: self.saved_edit(picture, frame) for frame in frames}
        self.pending[picture.id] = {
            e["frame"]
            for e in journal.numbered()
            if e.get("frame", -1) >= 0 and e["edit"] > begin[e["frame"]]
        }

    def saved_edit(self, picture: Picture, frame: int) -> int:
        """The last edit that the label file of a frame has, told by its content."""
        path, _ = picture.label_file(frame)
        digest = hash_content(path) if path.exists() else ""
        found, base = 0, 0
        for entry in self.journal(picture).entries:
            if "base" in entry:
                base = int(entry["edit"])
                found = base
            elif entry.get("saved") == digest:
                found = int(entry["upto"])
        return max(found, base)

    def frame(self, picture: Picture, frame: int) -> FrameLabels:
        """The labels of a frame.

        Raises:
            CoverslipError: there is no such frame, or its label file cannot be read.
        """
        key = picture.id, frame
        with self.lock:
            if key in self.frames:
                self.frames.move_to_end(key)
                return self.frames[key]
            self.frames[key] = found = self.load(picture, frame)
            self.make_room()
            return found

    def load(self, picture: Picture, frame: int) -> FrameLabels:
        """Read the labels of a frame, and do again what its file does not have yet."""
        picture.check_frame(frame)
        path, index = picture.label_file(frame)
        shape = picture.file.frame_shape
        labels = read_label_frame(path, index) if path.exists() else np.zeros(shape, np.uint32)
        if labels.shape != shape:
            raise DataError(
                f"{path}: has {labels.shape} pixels, its image {shape}: remove it, and segment "
                "the image again."
            )
        journal = self.journal(picture)
        begin, last, is_saved = self.saved_edit(picture, frame), 0, True
        for entry in journal.numbered():
            if entry.get("frame") != frame:
                continue
            last = entry["edit"]
            change = self.change_of(journal, entry) if last > begin else None
            if change is not None:
                differs = change.before != change.after
                labels[change.window.slices][differs] = change.after[differs]
                is_saved = False
        areas = count_areas(labels)
        return FrameLabels(labels, areas, max(areas, default=0) + 1, last, is_saved)

    def change_of(self, journal: Journal, entry: dict[str, Any]) -> Change | None:
        """What a line of a file of corrections did to labels; None: nothing."""
        if "undo" in entry or "redo" in entry:
            edit = entry.get("undo", entry.get("redo"))
            if edit not in journal.places:
                return None
            change = journal.change(edit)[1]
            return change.inverse() if "undo" in entry else change
        return journal.change(entry["edit"])[1] if entry["edit"] in journal.places else None

    def make_room(self) -> None:
        """Forget labels that were not used for long, and that the label file has."""
        total = sum(one.labels.nbytes for one in self.frames.values())
        for key in list(self.frames)[:-1]:
            if total <= KEPT_BYTES:
                return
            if self.frames[key].is_saved:
                total -= self.frames.pop(key).labels.nbytes

    def forget(self, key: str) -> None:
        """Forget the labels of an image, whose file was made anew."""
        with self.lock:
            for one in [one for one in self.frames if one[0] == key]:
                del self.frames[one]


def hashes_of(journal: Journal) -> set[str]:
    """The hashes of the label files that an image's corrections began with, or that they gave."""
    found: set[str] = set()
    for entry in journal.entries:
        for key in ("base", "saved"):
            found |= set(str(entry.get(key, "")).split())
    return found


def now() -> str:
    """The time, for a line of a file of corrections."""
    return datetime.now(UTC).isoformat(timespec="seconds")
