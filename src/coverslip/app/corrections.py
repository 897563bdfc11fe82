"""labels + strokes of a person → labels, each stroke kept at once, the label file a moment later.

Two tabs may correct one image: an edit says which one it has seen last, and what came in between
stays where it did not touch the same pixels.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.app.journal import Box, Change, Journal, pack
from coverslip.errors import CoverslipError, DataError, SettingsError
from coverslip.io import hash_content, only_here, writing
from coverslip.pipeline import (
    HandLedger,
    keep_source,
    read_label_frame,
    save_frames,
    save_large_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.app.folder import Folder, Picture
    from coverslip.segmentation import Window

    Labels = NDArray[np.uint32]

KEPT_BYTES = 2**30  # of labels of frames
QUIET_S, MOST_S = 1.5, 10.0  # after a stroke, before the label file is written
TRACKS = "tracks"  # the message of an edit of tracks, which changes no labels
ACCEPT = "accept"  # the kind of an edit by which a person takes what a model found


@dataclass
class FrameLabels:
    """The labels of a frame as they are now.

    Attributes:
        labels: (H, W), changed in place.
        areas: pixels of each cell, by its number.
        next_label: a number that no cell has or had.
        edit: the number of the last edit.
        is_saved: whether the label file has all of it.
    """

    labels: Labels
    areas: dict[int, int]
    next_label: int
    edit: int = 0
    is_saved: bool = True

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return len(self.areas)


@dataclass(frozen=True)
class Reply:
    """What an edit changed.

    Attributes:
        image: its id.
        frame: from 0.
        edit: the number of the edit.
        window: that changed; None where nothing did.
        labels: of the window.
        next_label: a number for the next new cell.
        cells: how many cells the frame has.
        message: a sentence for the person.
        id: what the page calls the edit, so that it knows its own.
    """

    image: str
    frame: int
    edit: int
    window: Box | None
    labels: Labels
    next_label: int
    cells: int
    message: str = ""
    id: str | None = None

    def to_json(self, *, with_labels: bool = True) -> dict[str, Any]:
        """As the page gets it."""
        has_labels = with_labels and self.window is not None
        return {
            "id": self.id,
            "image": self.image,
            "frame": self.frame,
            "edit": self.edit,
            "window": None if self.window is None else list(self.window),
            "labels": pack(self.labels) if has_labels else None,
            "next_label": self.next_label,
            "cells": self.cells,
            "message": self.message,
            "tracks": self.message == TRACKS,
        }


@dataclass
class Corrections:
    """The labels of a folder's images, and all that was done to them.

    Attributes:
        folder: the images.
        on_edit: called with each edit, for the other tabs.
        journals: by the images' ids.
        frames: labels in memory, by image and frame; those not used for long are forgotten.
        done: the edits that can be undone, in their order, each with its image.
        undone: those that can be done again.
        busy: images that are being segmented.
        ids: the edits that pages have named, with their numbers and images.
        pending: frames with edits that their label file lacks, by image.
    """

    folder: Folder
    on_edit: Callable[[Reply], None] = lambda reply: None
    journals: dict[str, Journal] = field(default_factory=dict)
    frames: OrderedDict[tuple[str, int], FrameLabels] = field(default_factory=OrderedDict)
    done: list[tuple[int, str]] = field(default_factory=list)
    undone: list[tuple[int, str]] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    ids: dict[str, tuple[int, str]] = field(default_factory=dict)
    pending: dict[str, set[int]] = field(default_factory=dict)
    last: int = 0
    touched: float = 0.0
    first_touched: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)
    save_lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> Corrections:
        """Read what was done in earlier starts, and write label files that were not written then.

        Raises:
            CoverslipError: a file of corrections cannot be read.
        """
        lines: list[tuple[int, str, dict[str, Any]]] = []
        for picture in self.folder.scan():
            journal = self.journal(picture)
            if not journal.entries:
                continue
            begin = self.valid_from(picture)
            for entry in journal.numbered():
                self.last = max(self.last, entry["edit"])
                self.remember(entry.get("id"), entry["edit"], picture.id)
                if entry["edit"] > begin and "base" not in entry:
                    lines.append((entry["edit"], picture.id, entry))
            self.find_pending(picture)
        for edit, key, entry in sorted(lines, key=lambda line: line[0]):
            self.replay(edit, key, entry)
        with suppress(CoverslipError):  # it is tried again, and the edits are kept anyway
            self.save_all()
        return self

    def replay(self, edit: int, key: str, entry: dict[str, Any]) -> None:
        """Enter a line of a file of corrections into what can be undone and done again."""
        if "undo" in entry and (entry["undo"], key) in self.done:
            self.done.remove((entry["undo"], key))
            self.undone.append((entry["undo"], key))
        elif "redo" in entry and (entry["redo"], key) in self.undone:
            self.undone.remove((entry["redo"], key))
            self.done.append((entry["redo"], key))
        elif "kind" in entry:
            self.done.append((edit, key))
            self.undone.clear()

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

    def renew(self, picture: Picture) -> None:
        """Begin anew with a label file that was made anew."""
        self.forget(picture.id)
        with self.lock:
            journal = self.journal(picture)
            if journal.entries:
                self.valid_from(picture)
                self.done = [one for one in self.done if one[1] != picture.id]
                self.undone = [one for one in self.undone if one[1] != picture.id]
                self.pending.pop(picture.id, None)

    def edit(
        self,
        picture: Picture,
        frame: int,
        *,
        kind: str,
        make: Callable[[FrameLabels], Window],
        message: str = "",
        id: str | None = None,
    ) -> Reply:
        """Change the labels of a frame, and return when the disk has it.

        Args:
            picture: the image.
            frame: from 0.
            kind: of the edit.
            make: takes the labels as they are now, and gives those of a window.
            message: a sentence for the person.
            id: what the page calls it; what was done by that name is not done again.

        Raises:
            CoverslipError: the edit makes no sense, or cannot be kept.
        """
        with self.lock:
            if (before := self.again(id)) is not None:
                return before
            if picture.id in self.busy:
                raise SettingsError(
                    f"{picture.name} is being segmented: wait until it is done, or stop the job."
                )
            now_held = self.frame(picture, frame)
            made = make(now_held)
            change = shrink(now_held.labels, made)
            if change is None:
                return self.reply(picture, frame, None, message or "nothing changed", id=id)
            self.begin(picture)
            edit = self.last + 1
            self.journal(picture).append(
                {
                    "edit": edit,
                    "frame": frame,
                    "kind": kind,
                    "window": list(change.window),
                    "next": now_held.next_label,
                    "time": now(),
                    "id": id,
                    "before": pack(change.before),
                    "after": pack(change.after),
                }
            )
            self.last = edit
            self.done.append((edit, picture.id))
            self.undone.clear()
            self.remember(id, edit, picture.id)
            return self.apply(picture, frame, change, edit=edit, message=message, id=id)

    def remember(self, id: str | None, edit: int, key: str) -> None:
        """Remember what a page called an edit."""
        if id:
            self.ids[id] = edit, key

    def again(self, id: str | None) -> Reply | None:
        """What is told of an edit that was done already, with the labels as they are now."""
        if id is None or id not in self.ids:
            return None
        edit, key = self.ids[id]
        picture = self.folder.picture(key)
        journal = self.journal(picture)
        entry = next(one for one in journal.numbered() if one["edit"] == edit and "base" not in one)
        change = self.change_of(journal, entry)
        frame = max(0, entry.get("frame", 0))
        window = None if change is None else change.window
        return self.reply(picture, frame, window, "was done already", id=id)

    def begin(self, picture: Picture) -> None:
        """Note with which label file the corrections of an image begin."""
        journal = self.journal(picture)
        if journal.last("base") is None:
            target = picture.target
            keep_source(target.folder, target.name, picture.path)  # the name is its own from now on
            journal.append({"base": self.digest(picture), "edit": self.last, "time": now()})

    def apply(
        self,
        picture: Picture,
        frame: int,
        change: Change,
        *,
        edit: int,
        message: str = "",
        id: str | None = None,
    ) -> Reply:
        """Change labels in memory, and tell the other tabs."""
        held = self.frame(picture, frame)
        part = held.labels[change.window.slices]
        differs = change.before != change.after
        for number, n in count_areas(part[differs]).items():
            held.areas[number] = held.areas.get(number, 0) - n
            if held.areas[number] <= 0:
                del held.areas[number]
        part[differs] = change.after[differs]
        for number, n in count_areas(part[differs]).items():
            held.areas[number] = held.areas.get(number, 0) + n
        held.next_label = max(held.next_label, int(change.after.max(initial=0)) + 1)
        held.edit, held.is_saved = edit, False
        self.pending.setdefault(picture.id, set()).add(frame)
        self.touched = time.monotonic()
        self.first_touched = self.first_touched or self.touched
        reply = self.reply(picture, frame, change.window, message, id=id)
        self.on_edit(reply)
        return reply

    def reply(
        self,
        picture: Picture,
        frame: int,
        window: Box | None,
        message: str,
        *,
        id: str | None = None,
    ) -> Reply:
        """What is told of a frame after an edit."""
        held = self.frame(picture, frame)
        labels = held.labels[window.slices].copy() if window else np.zeros((0, 0), np.uint32)
        return Reply(
            picture.id,
            frame,
            held.edit,
            window,
            labels,
            held.next_label,
            held.n_cells,
            message,
            id,
        )

    def undo(self, id: str | None = None) -> Reply:
        """Take back the last edit, of whichever image.

        Raises:
            DataError: there is none.
        """
        return self.step(self.done, self.undone, "undo", id=id)

    def redo(self, id: str | None = None) -> Reply:
        """Do again what was undone last.

        Raises:
            DataError: there is nothing.
        """
        return self.step(self.undone, self.done, "redo", id=id)

    def step(
        self,
        source: list[tuple[int, str]],
        target: list[tuple[int, str]],
        word: str,
        *,
        id: str | None,
    ) -> Reply:
        """Take an edit from one list to the other, and do what that means."""
        with self.lock:
            if (before := self.again(id)) is not None:
                return before
            if not source:
                raise DataError(f"there is nothing to {word}.")
            edit, key = source[-1]
            picture = self.folder.picture(key)
            if key in self.busy:
                raise SettingsError(f"{picture.name} is being segmented: wait until it is done.")
            journal = self.journal(picture)
            frame, change = self.undoable(journal, edit)
            self.last += 1
            journal.append({"edit": self.last, word: edit, "frame": frame, "time": now(), "id": id})
            target.append(source.pop())
            self.remember(id, self.last, key)
            if change is None:  # of tracks, which have no pixels
                reply = self.reply(picture, max(frame, 0), None, TRACKS, id=id)
                self.on_edit(reply)
                return reply
            used = change.inverse() if word == "undo" else change
            return self.apply(picture, frame, used, edit=self.last, message=word, id=id)

    def undoable(self, journal: Journal, edit: int) -> tuple[int, Change | None]:
        """The frame of an edit and what it did to labels."""
        if edit in journal.places:
            return journal.change(edit)
        return -1, None

    def note(self, picture: Picture, entry: dict[str, Any], *, undoable: bool = False) -> int:
        """Keep something that changes no labels, such as that an image is finished.

        Raises:
            FileError: it cannot be kept.
        """
        with self.lock:
            self.begin(picture)
            self.last += 1
            self.journal(picture).append({"edit": self.last, **entry, "time": now()})
            self.remember(entry.get("id"), self.last, picture.id)
            if undoable:
                self.done.append((self.last, picture.id))
                self.undone.clear()
            return self.last

    def past(self, picture: Picture, frame: int, box: Box, *, edit: int) -> tuple[Labels, int]:
        """A window as it was after an edit, and the next number of then."""
        with self.lock:
            held = self.frame(picture, frame)
            journal = self.journal(picture)
            whole = None
            next_label = held.next_label
            for entry in reversed(list(journal.numbered())):
                if entry["edit"] <= edit:
                    break
                change = self.change_of(journal, entry) if entry.get("frame") == frame else None
                if change is not None:
                    whole = held.labels.copy() if whole is None else whole
                    differs = change.before != change.after
                    whole[change.window.slices][differs] = change.before[differs]
                    next_label = min(next_label, int(entry.get("next", next_label)))
            return (held.labels if whole is None else whole)[box.slices].copy(), next_label

    def is_due(self) -> bool:
        """Whether a label file should be written now."""
        clock = time.monotonic()
        with self.lock:
            if not self.first_touched:
                return False
            return clock - self.touched > QUIET_S or clock - self.first_touched > MOST_S

    def unsaved(self) -> list[Picture]:
        """The images whose label files lack some edits."""
        with self.lock:
            known = self.folder.known
            return [known[key] for key, frames in self.pending.items() if frames and key in known]

    def save_all(self) -> None:
        """Write all label files that lack some edits.

        Raises:
            SettingsError: another process is at work in the folder.
            FileError: a file cannot be written.
        """
        with self.save_lock:
            pictures = self.unsaved()
            if not pictures:
                self.first_touched = 0.0
                return
            with only_here(self.folder.out):
                for picture in pictures:
                    self.save(picture)
            if not self.unsaved():
                self.first_touched = 0.0

    def save(self, picture: Picture) -> None:
        """Write the label files of an image, whole and each in one step.

        Raises:
            FileError: one cannot be written.
        """
        with self.lock:
            taken = {n: self.frame(picture, n) for n in sorted(self.pending[picture.id])}
            held = {frame: one.labels.copy() for frame, one in taken.items()}
            edits = {frame: one.edit for frame, one in taken.items()}
        if picture.is_large:
            for frame, labels in held.items():
                self.write(picture, {frame: labels}, upto=edits[frame])
        else:
            self.write(picture, held, upto=max(edits.values()))
        with self.lock:
            for frame, one in taken.items():
                if one.edit == edits[frame]:
                    one.is_saved = True
                    self.pending[picture.id].discard(frame)

    def write(self, picture: Picture, held: dict[int, Labels], *, upto: int) -> None:
        """Write a label file that holds some frames, with a line that says so."""
        journal = self.journal(picture)

        def keep(digest: str) -> None:
            with self.lock:
                journal.append({"saved": digest, "upto": upto, "time": now()})

        ledger = HandLedger(
            picture.target.folder,
            picture.target.name,
            sets_aside=True,
            hashes=frozenset(hashes_of(journal)),
            on_write=keep,
            accepts=not self.is_corrected(picture),
        )
        path, _ = picture.label_file(min(held))
        file, reading = picture.file, picture.reading
        with writing(ledger):
            if picture.is_large:
                save_large_frame(path, next(iter(held.values())), file=file, reading=reading)
            else:
                save_frames(path, held, file=file, reading=reading)


def shrink(labels: Labels, made: Window) -> Change | None:
    """The smallest window in which labels change; None where none does."""
    height, width = made.labels.shape
    before = labels[made.top : made.top + height, made.left : made.left + width]
    differs = before != made.labels
    if not differs.any():
        return None
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    box = Box(
        made.top + int(rows[0]),
        made.left + int(columns[0]),
        made.top + int(rows[-1]) + 1,
        made.left + int(columns[-1]) + 1,
    )
    return Change(box, before[inner].copy(), made.labels[inner].astype(np.uint32))


def count_areas(labels: NDArray[Any]) -> dict[int, int]:
    """The pixels of each cell, by its number."""
    flat = labels.ravel()
    if flat.max(initial=0) <= 2**22:
        counts = np.bincount(flat)
        numbers = np.flatnonzero(counts)
        return {int(n): int(counts[n]) for n in numbers if n}
    found, sizes = np.unique(flat[flat > 0], return_counts=True)
    return {int(number): int(size) for number, size in zip(found, sizes, strict=True)}


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


@dataclass
class Saver:
    """A thread that writes label files a moment after the last stroke."""

    corrections: Corrections
    on_error: Callable[[str], None] = lambda text: None
    is_over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self.thread = threading.Thread(target=self.run, name="saver", daemon=True)
        self.thread.start()

    def run(self) -> None:
        """Look from time to time."""
        while not self.is_over.wait(0.25):
            if self.corrections.is_due():
                try:
                    self.corrections.save_all()
                except CoverslipError as error:
                    self.on_error(str(error))
                    self.is_over.wait(2.0)

    def stop(self) -> None:
        """Write what is left, and end.

        Raises:
            CoverslipError: it cannot be written; the edits are kept, and the next start writes it.
        """
        self.is_over.set()
        if self.thread is not None:
            self.thread.join()
        self.corrections.save_all()
