"""labels that were corrected → their label files, written a moment after the last stroke."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coverslip.app.kept_labels import KeptLabels, hashes_of, now
from coverslip.errors import CoverslipError
from coverslip.io import only_here, writing
from coverslip.pipeline import HandLedger, save_frames, save_large_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from coverslip.app.folder import Picture
    from coverslip.app.frame_labels import Labels

QUIET_S, MOST_S = 1.5, 10.0  # after a stroke, before the label file is written


@dataclass
class SavedLabels(KeptLabels):
    """The labels of a folder's images, and when their files are written.

    Attributes:
        touched: when the last stroke was that the label files lack.
        first_touched: when the first was; 0 where they have all.
        save_lock: is held while label files are written.
    """

    touched: float = 0.0
    first_touched: float = 0.0
    save_lock: threading.Lock = field(default_factory=threading.Lock)

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


@dataclass
class Saver:
    """A thread that writes label files a moment after the last stroke."""

    corrections: SavedLabels
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
