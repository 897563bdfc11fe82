"""an opened folder + models → all that the pages of one start share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from coverslip.app.corrections import Corrections
from coverslip.app.events import Events
from coverslip.app.folder import describe
from coverslip.app.frame_labels import Reply
from coverslip.app.jobs import Job, Jobs
from coverslip.app.pictures import Pictures
from coverslip.app.saving import Saver
from coverslip.app.warm import Warm
from coverslip.errors import CoverslipError
from coverslip.pipeline import FITS

if TYPE_CHECKING:
    from coverslip.app.folder import Folder, Picture


class Doubt(NamedTuple):
    """How much an image would teach if it was corrected next."""

    rank: int  # 1 teaches most
    frame: int  # which of its frames
    px: float  # how wide its cells' borders are unsure
    reason: str


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
        doubts: of images that were looked at, by their ids.
        chosen: the model that a person chose for new images.
        jobs: work in the background.
        warm: models that are open.
    """

    folder: Folder
    corrections: Corrections
    pictures: Pictures = field(default_factory=Pictures)
    events: Events = field(default_factory=Events)
    notes: list[str] = field(default_factory=list)
    chosen: str | None = None
    doubts: dict[str, Doubt] = field(default_factory=dict)
    jobs: Jobs = field(init=False)
    warm: Warm = field(init=False)
    saver: Saver = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Tell every tab of each edit."""
        self.jobs = Jobs(on_change=self.tell_job)
        self.warm = Warm(self.folder.out / "models")
        self.saver = Saver(self.corrections, on_error=self.tell)
        self.corrections.on_edit = self.tell_edit

    @property
    def model(self) -> str:
        """The name of the model that is used for new images."""
        return self.chosen or self.warm.default()

    def tell(self, text: str) -> None:
        """Tell all tabs something."""
        self.events.send("note", {"message": text})

    def tell_edit(self, reply: Reply) -> None:
        """Tell all tabs of an edit, whichever made it."""
        self.events.send("edit", self.told(reply, with_labels=False))

    def told(self, reply: Reply, *, with_labels: bool = True) -> dict[str, Any]:
        """An edit as a page gets it."""
        state = self.state(self.folder.picture(reply.image))
        return {**reply.to_json(with_labels=with_labels), "state": state}

    def tell_job(self, job: Job) -> None:
        """Tell all tabs how far a job is."""
        self.events.send("job", job.to_json())

    def start(self) -> None:
        """Begin to save."""
        self.saver.start()

    def stop(self) -> None:
        """End, with all label files written."""
        self.events.close()
        self.jobs.close()
        self.saver.stop()

    def entry(self, picture: Picture) -> dict[str, Any]:
        """An image as it stands in the list."""
        doubt = self.doubts.get(picture.id)
        return {
            **describe(picture),
            "state": self.state(picture),
            "cells": self.n_cells(picture),
            "doubt": doubt.px if doubt else None,
            "doubt_frame": doubt.frame if doubt else None,
            "doubt_reason": doubt.reason if doubt else None,
            "misfit": self.misfit(picture),
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
        return record.n_cells

    def misfit(self, picture: Picture) -> str | None:
        """Why the cells that a model found, and nobody corrected, may be wrong; None: no reason."""
        record = picture.record
        if record is None or self.state(picture) != "found":
            return None
        if not record.images["n_cells"].sum():
            return "no cell was found"
        fit = record.images["fit"].median()
        return misfit_words(fit) if fit < FITS else None


def misfit_words(fit: float) -> str:
    """What is said of cells of a low score of fit."""
    return f"about {100 * fit:.0f} % of what is called cell is likely to be right"


def finished_marks(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """What is finished, as a page draws it."""
    found = finished_frames(entries)
    return {
        "frames": sorted(frame for frame, boxes in found.items() if boxes is None),
        "rectangles": [
            [frame, *box] for frame, boxes in sorted(found.items()) for box in boxes or []
        ],
    }


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
