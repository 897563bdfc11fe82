"""labels + strokes of a person → labels, each stroke kept at once, the label file a moment later.

Two tabs may correct one image: an edit says which one it has seen last, and what came in between
stays where it did not touch the same pixels.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.app.frame_labels import TRACKS, Reply, count_areas, shrink
from coverslip.app.journal import Box, Change, Journal, pack
from coverslip.app.kept_labels import now
from coverslip.app.saving import SavedLabels
from coverslip.errors import CoverslipError, DataError, SettingsError
from coverslip.pipeline import keep_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from coverslip.app.folder import Picture
    from coverslip.app.frame_labels import FrameLabels, Labels
    from coverslip.segmentation import Window


@dataclass
class Corrections(SavedLabels):
    """The labels of a folder's images, and all that was done to them.

    Attributes:
        on_edit: called with each edit, for the other tabs.
        undone: the edits that can be done again.
        busy: images that are being segmented.
        ids: the edits that pages have named, with their numbers and images.
    """

    on_edit: Callable[[Reply], None] = lambda reply: None
    undone: list[tuple[int, str]] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    ids: dict[str, tuple[int, str]] = field(default_factory=dict)

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
