"""image paths → the paths of their outputs, none twice."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.errors import FileError, SettingsError
from coverslip.io import Ledger, remove_leftovers, split_series
from coverslip.pipeline.job import LABEL_FORMATS
from coverslip.pipeline.sources import names_there, plain_name, with_folder, with_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coverslip.pipeline.job import Job
ROWS = re.compile(r"\d{5,}(\.npz|_small\.tif)")
FRAME = re.compile(r"frame_\d{5,}(\.png|\.tif|\.ome\.zarr)")  # of a film


@dataclass(frozen=True)
class Outputs:
    """Where the results of one image go.

    Attributes:
        folder: the output folder.
        name: what all its files begin with.
        form: of the labels, one of LABEL_FORMATS.
    """

    folder: Path
    name: str
    form: str = "tif"

    @property
    def labels(self) -> Path:
        """The cells, uint32, as an OME-TIFF or OME-Zarr."""
        return self.folder / f"{self.name}_labels{LABEL_FORMATS[self.form]}"

    @property
    def probs(self) -> Path:
        """The probabilities, float32, a page per frame."""
        return self.folder / f"{self.name}_probs.tif"

    @property
    def spread(self) -> Path:
        """The uncertainty, float32, a page per frame."""
        return self.folder / f"{self.name}_uncertainty.tif"

    @property
    def record(self) -> Path:
        """What was done; lets a second start skip the image."""
        return self.folder / "records" / f"{self.name}.json"

    @property
    def all_parts(self) -> Path:
        """A folder for what is done of a film or a large image that is not done."""
        return self.folder / "records" / "frames" / self.name

    def parts(self, *, job: Job, key: str) -> Path:
        """What is done of it by one job, by what it was done with."""
        kept = "p" * job.keep_probs + "u" * job.keep_spread
        return self.all_parts / f"{key[:32]}{kept}"

    @property
    def kept(self) -> Path:
        """A folder for what the tables and the page need: rows of cells, small labels."""
        return self.folder / "records" / "rows" / self.name

    def rows(self, number: int) -> Path:
        """A file of rows of cells."""
        return self.kept / f"{number:05d}.npz"

    def small_labels(self, frame: int) -> Path:
        """The labels of such a frame at the size of its overlay."""
        return self.kept / f"{frame:05d}_small.tif"

    def frame_labels(self, frame: int, n_frames: int) -> Path:
        """The labels of such a frame; a series has a folder of them."""
        if n_frames == 1:
            return self.labels
        name = f"frame_{frame:05d}{LABEL_FORMATS[self.form]}"
        return self.folder / f"{self.name}_labels" / name

    def thumbnail(self, frame: int) -> Path:
        """The image at the size of the report."""
        return self.folder / "records" / f"{self.name}_{frame:05d}.jpg"

    def tiles(self, frame: int) -> Path:
        """A folder for a frame at full resolution, for the page."""
        return self.folder / "records" / "tiles" / self.name / f"{frame:05d}"

    def overlay(self, frame: int, n_frames: int) -> Path:
        """The outlines drawn on the image; a series has a folder of them."""
        if n_frames == 1:
            return self.folder / f"{self.name}_overlay.png"
        return self.folder / f"{self.name}_overlays" / f"frame_{frame:05d}.png"

    def ledger(self) -> Ledger:
        """What was written of it, and by the rule of which it is replaced."""
        return Ledger(self.folder, self.name, sets_aside=True)

    def complete(
        self, job: Job, *, n_frames: int, labels: Sequence[str], files: Sequence[str]
    ) -> bool:
        """Whether all files that the job wants are there.

        Args:
            job: what to keep.
            n_frames: of the image.
            labels: the label files that its record names.
            files: and all others.
        """
        wanted = [self.overlay(frame, n_frames) for frame in range(n_frames)]
        if not self.has_form(labels):
            return False
        wanted += [self.folder / name for name in (*labels, *files)]
        wanted += [self.probs] if job.keep_probs else []
        wanted += [self.spread] if job.keep_spread else []
        return all(path.exists() for path in wanted)

    def has_form(self, labels: Sequence[str]) -> bool:
        """Whether label files are of the format that is wanted."""
        return all(name.endswith(LABEL_FORMATS[self.form]) for name in labels)

    def forget(
        self,
        thumbnails: Sequence[Path] | None = None,
        *,
        but: Path | None = None,
        labels_too: bool = True,
    ) -> list[tuple[Path, Path]]:
        """Remove the results of an earlier job, so that they never pass for a new one's.

        What was changed since it was written is kept under another name.

        Args:
            thumbnails: those of the image that are there, from `find_thumbnails`; None: look.
            but: a folder of frames that are done; if it is there, it stays, and so do the pictures.
            labels_too: or else labels, maps and the record stay, of which the rest is made anew.

        Returns:
            What was kept, with its new name.

        Raises:
            FileError: they cannot be removed.
        """
        ledger = self.ledger()
        self.remove_leftovers()
        if labels_too:
            labels = [self.folder / f"{self.name}_labels{end}" for end in LABEL_FORMATS.values()]
            _remove(ledger, [self.record, self.probs, self.spread, *labels])
        if but is not None and but.is_dir():
            return ledger.moved
        self.forget_parts()  # before the pictures, which belong to them
        if thumbnails is None:
            thumbnails = find_thumbnails(self.folder).get(self.name, [])
        _remove(ledger, [self.overlay(0, 1), *self._frames("overlays"), *thumbnails])
        if labels_too:
            _remove(ledger, self._frames("labels"))
        _remove(ledger, [path for path in self.kept.glob("*") if ROWS.fullmatch(path.name)])
        _remove_folder(self.folder / "records" / "tiles" / self.name)
        for folder in (self.kept, self.kept.parent, *map(self._folder, ("overlays", "labels"))):
            with suppress(OSError):  # it is not there, or something else is in it
                folder.rmdir()
        return ledger.moved

    def forget_parts(self) -> None:
        """Remove what was kept while a film or a large image was not done.

        Raises:
            FileError: they cannot be removed.
        """
        _remove_folder(self.all_parts)

    def remove_leftovers(self) -> None:
        """Remove what writes that were killed have left in the film's own folders."""
        pictures = [self.folder / f"{self.name}_{kind}" for kind in ("overlays", "labels")]
        for folder in (*pictures, self.kept, *self.all_parts.glob("**/")):
            remove_leftovers(folder)

    def _folder(self, kind: str) -> Path:
        return self.folder / f"{self.name}_{kind}"

    def _frames(self, kind: str) -> list[Path]:
        """The overlays or labels of the frames of a film that lie there, of however many."""
        found = self._folder(kind).glob("frame_*.*")
        return [path for path in found if FRAME.fullmatch(path.name)]


def find_thumbnails(folder: Path) -> dict[str, list[Path]]:
    """The thumbnails of earlier jobs by the names of their images.

    They lie in one folder, which for thousands of images must not be listed for each.
    """
    found: dict[str, list[Path]] = {}
    for path in (folder / "records").glob("*.jpg"):
        name, _, frame = path.stem.rpartition("_")
        if frame.isdecimal():  # a_1.tif has its thumbnails beside those of a.tif
            found.setdefault(name, []).append(path)
    return found


def _remove(ledger: Ledger, paths: Sequence[Path]) -> None:
    try:
        ledger.remove(paths)
    except OSError as error:
        raise _cannot_remove(Path(error.filename or ledger.folder), error) from error


def _remove_folder(folder: Path) -> None:
    """Remove a folder, and the one that it lies in if that is empty then."""
    if not folder.is_dir():
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise _cannot_remove(folder, error) from error
    if folder.parent.parent.name == "records":
        with suppress(OSError):  # another image has something there
            folder.parent.rmdir()


def _cannot_remove(path: Path, error: OSError) -> FileError:
    return FileError(f"{path}: cannot be removed ({error.strerror}). Choose another folder.")


def name_outputs(
    paths: Sequence[Path],
    folder: Path,
    *,
    form: str = "tif",
    names: Mapping[Path, str] | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> dict[Path, Outputs]:
    """Give every image an output name of its own.

    An image that has results in the folder keeps their name. Of others it is the file's stem; files
    that share one add their suffix (``a_png``, ``a_tif``), and those that share even that add their
    folder (``day1_a_png``). `names` are taken in place of their stems. A name that the results of
    another image have, or files that coverslip did not write, is not taken.

    Raises:
        SettingsError: two images still share a name, or the folder is one of theirs.
    """
    for path in paths:
        if split_series(path)[0].absolute().parent.resolve() == folder.resolve():
            raise SettingsError(
                f"{folder}: the image {path} lies in it, and results among images would be taken "
                "for images the next time: choose a folder of its own for the results."
            )
    plain = {path: plain_name(path) for path in paths} | dict(names or {})
    names = plain
    for longer in (with_suffix, with_folder):
        counts = Counter(name.casefold() for name in names.values())
        names = {
            path: longer(path, plain[path]) if counts[name.casefold()] > 1 else name
            for path, name in names.items()
        }
    counts = Counter(name.casefold() for name in names.values())
    for path, name in names.items():
        if counts[name.casefold()] > 1:
            raise SettingsError(
                f"{path}: another image would write the same {name}_labels.tif: rename one, or "
                "segment them into two folders."
            )
    names = names_there(names, folder, plain=plain, on_note=on_note)
    return {path: Outputs(folder, name, form) for path, name in names.items()}
