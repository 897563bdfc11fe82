"""a folder of the Cell Tracking Challenge → frames of labels and Tracks.

Source: the challenge's "Annotations and file formats" (celltrackingchallenge.net): a label image
for each frame, in which a cell keeps its number, and a text file with a line for each number:
label, first frame, last frame, parent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.errors import DataError, FileError
from coverslip.io import read_labels
from coverslip.tracking.assemble import build_tracks
from coverslip.tracking.cells import find_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

TABLES = ("res_track.txt", "man_track.txt")
FILE_NAME = re.compile(r"(?:mask|man_track|man_seg)_?(\d+)\.(?:tiff?|png)", re.IGNORECASE)
MOST_NAMED = 5


@dataclass(frozen=True)
class LabelFiles(Sequence[Any]):
    """Frames of labels, a file each, which is read when it is asked for.

    Attributes:
        paths: The files, in the order of time.
    """

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.paths)

    def __getitem__(self, frame: Any) -> Any:
        """Read a frame, from 0; of a slice, give its files.

        Raises:
            FileError: It cannot be read.
            DataError: It is not two-dimensional.
        """
        if isinstance(frame, slice):
            return LabelFiles(self.paths[frame])
        return read_flat(self.paths[frame])


@dataclass(frozen=True)
class LabelsByFrame(Mapping[int, Any]):
    """Some frames of labels by their numbers, each read when it is asked for.

    Attributes:
        paths: The files.
    """

    paths: Mapping[int, Path]

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.paths)

    def __iter__(self) -> Iterator[int]:
        """Give the frames' numbers."""
        return iter(self.paths)

    def __getitem__(self, frame: int) -> Any:
        """Read a frame."""
        return read_flat(self.paths[frame])


def read_flat(path: Path) -> NDArray[Any]:
    """Read the labels of a frame.

    Raises:
        FileError: They cannot be read.
        DataError: They are not two-dimensional.
    """
    labels = read_labels(path)
    if labels.ndim != 2:
        raise DataError(
            f"{path}: {labels.ndim} dimensions, where a frame of a flat film was wanted. Films of "
            "volumes are not tracked; project them first."
        )
    return labels


@dataclass(frozen=True, eq=False)
class CtcFilm:
    """A tracked film in the challenge's form.

    Attributes:
        name: The folder, for messages.
        frames: (H, W) integers for each frame, in which a cell keeps its number.
        table: (n, 4), a row for each number: label, first frame, last frame, parent (0: none).
        first: The number of the first frame in the files' names.
    """

    name: str
    frames: Sequence[NDArray[Any]]
    table: NDArray[np.int64]
    first: int = 0


def read_ctc(folder: str | Path) -> CtcFilm:
    """Read a result or a ground truth of the Cell Tracking Challenge, of any tool.

    Args:
        folder: ``01_RES``, ``01_GT`` or ``01_GT/TRA``, or any folder with ``mask000.tif`` or
            ``man_track000.tif`` and so on, TIFF or PNG with any number of digits, and
            ``res_track.txt`` or ``man_track.txt`` in it or above it.

    Returns:
        The film; its frames are read when they are asked for. Frames count from that of the first
        file, in the table too.

    Raises:
        FileError: No such folder, no label files, no table, or one that cannot be read.
        DataError: Frames are missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder. Wanted one such as 01_RES or 01_GT.")
    masks = folder / "TRA" if (folder / "TRA").is_dir() else folder
    files = find_frames(masks)
    if not files:
        inner = sorted(one.name for one in folder.iterdir() if one.is_dir())[:MOST_NAMED]
        hint = f" It holds the folders {', '.join(inner)}: name one of these." if inner else ""
        raise FileError(
            f"{folder}: no label files such as mask000.tif or man_track000.tif in it.{hint}"
        )
    table = read_ctc_table(_find_table(masks))
    first = min(files)
    table[:, 1:3] -= first
    return CtcFilm(str(folder), LabelFiles(tuple(files.values())), table, first)


def find_frames(folder: Path, *, gaps: bool = False) -> dict[int, Path]:
    """Find the label files of a film by their numbers, ascending.

    Args:
        folder: Where they lie.
        gaps: Whether frames may be missing, as of the truth of segmentation.

    Raises:
        DataError: Two files of one number, or a missing one.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        match = FILE_NAME.fullmatch(path.name)
        if match and not path.name.startswith("."):
            other = found.setdefault(int(match[1]), path)
            if other != path:
                raise DataError(f"{path}: {other.name} is of the same frame. Take one of them out.")
    missing = sorted(set(range(min(found), max(found) + 1)) - found.keys()) if found else []
    if missing and not gaps:
        shown = ", ".join(map(str, missing[:MOST_NAMED])) + ", …" * (len(missing) > MOST_NAMED)
        raise DataError(
            f"{folder}: {len(missing)} of {max(found) - min(found) + 1} frames have no label file "
            f"({shown}). A frame without cells needs one too: an empty one."
        )
    return dict(sorted(found.items()))


def _find_table(folder: Path) -> Path:
    for place in (folder, folder.parent):
        for name in TABLES:
            if (place / name).is_file():
                return place / name
    raise FileError(
        f"{folder}: no {' or '.join(TABLES)} in it or above it, which says when tracks begin and "
        "end, and whose daughters they are."
    )


def read_ctc_table(path: Path) -> NDArray[np.int64]:
    """Read ``res_track.txt`` or ``man_track.txt``.

    Returns:
        (n, 4): label, first frame, last frame, parent.

    Raises:
        FileError: It cannot be read, or a line is not four whole numbers.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: cannot be read ({error}). Copy it again.") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if words:
            try:
                label, begin, end, parent = map(int, words)
                if max(map(abs, (label, begin, end, parent))) >= 2**53:
                    raise ValueError("numbers that no film has")
            except ValueError as error:
                raise FileError(
                    f"{path}, line {number}: {line[:60]!r}; wanted four whole numbers: label, "
                    "first frame, last frame, parent."
                ) from error
            rows.append((label, begin, end, parent))
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def ctc_problems(film: CtcFilm, numbers: Sequence[NDArray[Any]]) -> list[str]:
    """Say what the challenge's rules forbid, a sentence each; empty where the film is valid.

    Args:
        film: The film.
        numbers: The cells' numbers of every frame, without 0.
    """
    problems = []
    labels, begins, ends = film.table.T[:3]
    ordered = np.sort(labels)
    for label in ordered[np.diff(ordered, prepend=-1) == 0]:
        problems.append(f"number {label} has two lines in the table")
    last = dict(zip(labels.tolist(), ends.tolist(), strict=True))
    for label, begin, end, parent in film.table.tolist():
        if end < begin:
            problems.append(f"number {label} ends in frame {end}, before its begin, {begin}")
        if parent and parent not in last:
            problems.append(f"number {label}: its parent, {parent}, has no line in the table")
        elif parent and last[parent] >= begin:
            problems.append(
                f"number {label} begins in frame {begin}, and its parent, {parent}, ends in "
                f"frame {last[parent]}"
            )
    for frame, found in enumerate(numbers):
        wanted = labels[(begins <= frame) & (frame <= ends)]
        for label in np.setdiff1d(found, wanted):
            problems.append(f"frame {frame}: number {label} is in the mask, and not in the table")
        for label in np.setdiff1d(wanted, found):
            problems.append(f"frame {frame}: number {label} is in the table, and not in the mask")
    if ends.max(initial=-1) >= len(numbers):
        problems.append(f"the table goes to frame {ends.max()}, and the film to {len(numbers) - 1}")
    return problems


def ctc_to_tracks(film: CtcFilm) -> Tracks:
    """Turn a film of the challenge into tracks.

    A number whose only daughter begins after a gap is one cell that was missed in between: they
    become one track, of the mother's number. `label` is the number in the masks.

    Raises:
        DataError: The film is not valid; what is wrong is named.
    """
    parts, numbers = [], []
    for frame, labels in enumerate(film.frames):
        cells = find_cells(labels)
        numbers.append(cells.label)
        columns = {"frame": frame, "label": cells.label}
        columns |= {"centroid_y_px": cells.place[:, 0], "centroid_x_px": cells.place[:, 1]}
        parts.append(pd.DataFrame(columns | {"area_px": cells.area.astype(np.int64)}))
    check_ctc(film, numbers)
    return number_tracks(pd.concat(parts, ignore_index=True), film.table, n_frames=len(numbers))


def number_tracks(cells: pd.DataFrame, table: NDArray[np.int64], *, n_frames: int) -> Tracks:
    """Put tracks together from the numbers in the masks and the table of a film of the challenge.

    Args:
        cells: `frame`, `label`, and whatever else was measured.
        table: (n, 4): label, first frame, last frame, parent.
        n_frames: Frames of the film.
    """
    same = _join_gaps(table)
    parents = {
        number: same.get(parent, parent)
        for number, _, _, parent in table.tolist()
        if number not in same
    }
    track = [same.get(number, number) for number in cells["label"].tolist()]
    cells = cells.copy()
    cells.insert(2, "track_id", track)
    return build_tracks(cells, parents, n_frames=n_frames)


def check_ctc(film: CtcFilm, numbers: Sequence[NDArray[Any]]) -> None:
    """Refuse a film that is not valid by the challenge's rules.

    A number that is missing in a frame between its first and last is let pass here: a tracker of
    another house may mean a cell that it missed.

    Raises:
        DataError: What is wrong is named.
    """
    problems = [text for text in ctc_problems(film, numbers) if "not in the mask" not in text]
    if problems:
        raise DataError(f"{film.name}: {join_problems(problems)}. Export it again.")


def join_problems(problems: Sequence[str]) -> str:
    """The first problems as one text, and how many more there are."""
    more = len(problems) - MOST_NAMED
    return "; ".join(problems[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _join_gaps(table: NDArray[np.int64]) -> dict[int, int]:
    """The numbers that go on with an earlier one after a gap, and that first number."""
    parents, counts = np.unique(table[:, 3], return_counts=True)
    alone = set(parents[(counts == 1) & (parents > 0)].tolist())
    last = {int(row[0]): int(row[2]) for row in table}
    same: dict[int, int] = {}
    for label, begin, _, parent in table[np.argsort(table[:, 1], kind="stable")].tolist():
        if parent in alone and begin > last[parent] + 1:
            same[label] = same.get(parent, parent)
    return same
