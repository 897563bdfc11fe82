"""Tracks and frames of labels → a result folder of the Cell Tracking Challenge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from coverslip.errors import DataError
from coverslip.io import whole_or_nothing, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

LARGEST_NUMBER = 65_535  # the challenge's masks have 16 bits


def write_ctc(
    folder: Path, frames: Iterable[NDArray[Any]], *, tracks: Tracks, by: str = "label"
) -> None:
    """Write a result of the Cell Tracking Challenge: ``mask000.tif`` … and ``res_track.txt``.

    Args:
        folder: Such as ``01_RES``; made if missing.
        frames: The labels of every frame, (H, W).
        tracks: Their tracks.
        by: What the frames are numbered by, "label" or "track_id".

    Raises:
        DataError: No cell, more than 65,535 tracks, or labels that are not those of the tracks.
        FileError: A file cannot be written.
    """
    number, table = tracks_to_ctc(tracks)
    digits = max(3, len(str(tracks.n_frames - 1)))
    for frame, labels in enumerate(renumber(frames, tracks, by=by, number=number)):
        with (
            whole_or_nothing(folder / f"mask{frame:0{digits}}.tif") as temporary,
            temporary.open("w+b") as file,
        ):
            masks = labels.astype(np.uint16)
            tifffile.imwrite(file, masks, photometric="minisblack", compression="zlib")
    lines = "".join(f"{' '.join(map(str, row))}\n" for row in table.tolist())
    write_text(folder / "res_track.txt", lines)


def tracks_to_ctc(tracks: Tracks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the tracks as the challenge wants it.

    A cell that was missed for some frames goes on under a new number, whose parent is the old one:
    a number that is missing between its first and last frame makes a result invalid.

    Returns:
        The number of every row of `tracks.cells`, and the table: label, first frame, last frame,
        parent.

    Raises:
        DataError: No cell at all, or more numbers than 16 bits hold.
    """
    cells = tracks.cells.reset_index(drop=True)
    if not len(cells):
        raise DataError(
            "there is no cell in any frame, which the Cell Tracking Challenge does not take for a "
            "result. Track a film with cells."
        )
    rows = cells.sort_values(["track_id", "frame"], kind="stable")
    track, frame = rows["track_id"].to_numpy(np.int64), rows["frame"].to_numpy(np.int64)
    new_track = np.diff(track, prepend=track[0] - 1) != 0
    starts = np.flatnonzero(new_track | (np.diff(frame, prepend=frame[0]) > 1))
    ends = np.append(starts[1:], len(rows)) - 1
    numbers = _number_parts(track[starts], new_track[starts])
    last_part = dict(zip(track[starts].tolist(), numbers.tolist(), strict=True))
    mother = dict(zip(tracks.lineage["track_id"], tracks.lineage["parent_track_id"], strict=True))
    parents = [
        last_part.get(int(mother[one]), 0) if new_track[at] else int(before)
        for one, at, before in zip(track[starts], starts, np.roll(numbers, 1), strict=True)
    ]
    table = np.stack([numbers, frame[starts], frame[ends], np.array(parents)], axis=1)
    number = np.empty(len(rows), dtype=np.int64)
    number[rows.index] = np.repeat(numbers, ends - starts + 1)
    return number, table[np.argsort(table[:, 0])]


def _number_parts(track: NDArray[np.int64], is_first: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A track's own number for its first part, new ones for others; from 1 on if too large."""
    if len(track) > LARGEST_NUMBER:
        raise DataError(
            f"{len(track):,} tracks, where the 16-bit masks of the Cell Tracking Challenge hold "
            f"{LARGEST_NUMBER:,}. Cut the film or the field into parts, or take geff or trackmate."
        )
    numbers = track.copy()
    more = np.flatnonzero(~is_first)
    numbers[more] = track.max() + 1 + np.arange(len(more))
    return numbers if numbers.max() <= LARGEST_NUMBER else np.arange(1, len(track) + 1)


def renumber(
    frames: Iterable[NDArray[Any]],
    tracks: Tracks,
    *,
    by: str = "label",
    number: NDArray[np.int64] | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Give every cell of every frame another number.

    Args:
        frames: Labels, (H, W).
        tracks: Their tracks.
        by: What the frames are numbered by, "label" or "track_id".
        number: The new number of every row of `tracks.cells`; None: that of its track.

    Raises:
        DataError: Frames or cells that the tracks do not know.
    """
    cells = tracks.cells.reset_index(drop=True)
    new = cells["track_id"].to_numpy(np.int64) if number is None else number
    known = cells[by].to_numpy(np.int64)
    at_frame = cells.groupby("frame").indices
    n_frames = 0
    for frame, labels in enumerate(frames):
        rows = np.asarray(at_frame.get(frame, []), dtype=np.int64)
        rows = rows[np.argsort(known[rows])]
        there = np.unique(labels)
        there = there[there > 0]
        if not np.array_equal(known[rows], there):
            raise DataError(
                f"frame {frame} of the labels holds {len(there)} cells, and the tracks "
                f"{len(rows)}, or their numbers differ. Take the labels that were tracked."
            )
        numbers = np.concatenate([[0], new[rows]])
        yield numbers[np.searchsorted(there, labels) + (labels > 0)]
        n_frames += 1
    if n_frames != tracks.n_frames:
        raise DataError(
            f"{n_frames} frames of labels, and {tracks.n_frames} of the tracks. Take the labels "
            "that were tracked."
        )


@dataclass(frozen=True, eq=False)
class RenumberedFrames(Sequence[Any]):
    """Frames as the challenge wants them, one after the other as they are asked for.

    Attributes:
        frames: Gives the labels of every frame, (H, W), from the first on; it may be asked anew.
        tracks: Their tracks.
        by: What the frames are numbered by, "label" or "track_id".
    """

    frames: Callable[[], Iterable[NDArray[Any]]]
    tracks: Tracks
    by: str = "label"

    def __len__(self) -> int:
        """How many frames there are."""
        return self.tracks.n_frames

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        """Give the frames in the order of time."""
        number, _ = tracks_to_ctc(self.tracks)
        return renumber(self.frames(), self.tracks, by=self.by, number=number)

    def __getitem__(self, frame: Any) -> Any:
        """Give a frame; all others are read too."""
        return list(self)[frame]
