"""an opened folder + models → all that the pages of one start share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coverslip.app.corrections import Corrections, Saver
from coverslip.app.events import Events
from coverslip.app.folder import describe
from coverslip.app.pictures import Pictures
from coverslip.errors import CoverslipError

if TYPE_CHECKING:
    from coverslip.app.folder import Folder, Picture


@dataclass
class Session:
    """One start of the program in a folder.

    Attributes:
        folder: the images.
        corrections: their labels, and what a person did to them.
        pictures: what is shown of them.
        events: what is told to all tabs.
        saver: writes label files a moment after the last stroke.
        notes: what the person should be told, once.
    """

    folder: Folder
    corrections: Corrections
    pictures: Pictures = field(default_factory=Pictures)
    events: Events = field(default_factory=Events)
    notes: list[str] = field(default_factory=list)
    saver: Saver = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Tell every tab of each edit."""
        self.saver = Saver(self.corrections, on_error=self.tell)
        self.corrections.on_edit = lambda reply: self.events.send("edit", reply.summary())

    def tell(self, text: str) -> None:
        """Tell all tabs something."""
        self.events.send("note", {"message": text})

    def start(self) -> None:
        """Begin to save."""
        self.saver.start()

    def stop(self) -> None:
        """End, with all label files written."""
        self.events.close()
        self.saver.stop()

    def entry(self, picture: Picture) -> dict[str, Any]:
        """An image as it stands in the list."""
        return {
            **describe(picture),
            "state": self.state(picture),
            "cells": self.n_cells(picture),
            "doubt": None,
        }

    def state(self, picture: Picture) -> str:
        """How far an image is: new, found, corrected or training."""
        try:
            finished = finished_frames(self.corrections.journal(picture).entries)
            if finished:
                return "training"
            if self.corrections.is_corrected(picture):
                return "corrected"
            pending = self.corrections.pending.get(picture.id)
            return "found" if pending or picture.label_file(0)[0].exists() else "new"
        except (CoverslipError, OSError):
            return "new"

    def n_cells(self, picture: Picture) -> int | None:
        """How many cells an image has, where that is known without reading its labels."""
        held = [one for (key, _), one in list(self.corrections.frames.items()) if key == picture.id]
        try:
            if len(held) == picture.file.n_frames:
                return sum(one.n_cells for one in held)
        except (CoverslipError, OSError):
            return None
        record = picture.record
        if record is None or record.key == "corrected":
            return None
        return int(record.images["n_cells"].sum())


def finished_frames(entries: list[dict[str, Any]]) -> dict[int, list[list[int]] | None]:
    """The frames that are finished, each with its finished rectangles; None: all of it."""
    found: dict[int, list[list[int]] | None] = {}
    for entry in entries:
        if entry.get("mark") != "finished":
            continue
        for frame in entry.get("frames", []):
            if entry.get("finished"):
                found[int(frame)] = entry.get("rectangles")
            else:
                found.pop(int(frame), None)
    return found
