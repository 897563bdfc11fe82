"""who became whom → tracks, their fates and family trees, as two tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.tracking.cells import take
from coverslip.tracking.cost import near_rim

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats, Whole
    from coverslip.tracking.chains import Chains
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.mend import Mend

FATES = ("divides", "leaves", "merges", "lost", "end")


@dataclass(frozen=True, eq=False)
class Tracks:
    """A film's cells, each followed through time.

    Attributes:
        cells: One row per cell and frame, ascending by frame and label: the table tracks.csv
            (`docs/tracking.md` lists its columns). `label` is the number in the label image,
            `track_id` the number of the cell over all frames.
        lineage: One row per track, ascending by `track_id`: `track_id`, `begin_frame`,
            `end_frame`, `parent_track_id` (0: none), `lineage_id` (the track that the family
            began with), `generation` (0 for it), `fate` (one of `FATES`), `merges_into_track_id`
            (0: none).
        n_frames: Frames of the film, also those without any cell.
        mends: Masks that were put right, in the order of time.
        decisions: What linking found out about the film, and what it chose: for `track.json`.
        notes: What the user should be told, a sentence each.

    Example:
        >>> import numpy as np
        >>> import coverslip
        >>> coverslip.track(np.array([[[0, 7, 7]], [[5, 5, 0]]]))
        Tracks(1 tracks, 0 divisions, 2 cells in 2 frames)
    """

    cells: pd.DataFrame
    lineage: pd.DataFrame
    n_frames: int
    mends: tuple[Mend, ...] = ()
    decisions: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def rows_of(self, frame: int) -> pd.DataFrame:
        """The rows of a frame's cells."""
        first, last = np.searchsorted(self.cells["frame"].to_numpy(), [frame, frame + 1])
        return self.cells.iloc[first:last]

    def __repr__(self) -> str:
        """Say how many there are, in a line."""
        divisions = int((self.lineage["fate"] == "divides").sum())
        return (
            f"Tracks({len(self.lineage)} tracks, {divisions} divisions, "
            f"{len(self.cells)} cells in {self.n_frames} frames)"
        )


def build_lineage(
    frames: Sequence[Cells], chains: Chains, *, scales: Scales, drifts: Floats
) -> pd.DataFrame:
    """Make the table of tracks: one row each, ascending by number.

    Args:
        frames: The cells of all frames.
        chains: Their tracks.
        scales: Of the film; they say what is near the rim.
        drifts: (T - 1, 2), by how much the view moved from each frame to the next.
    """
    n = len(chains.parent)
    heads, tails = np.flatnonzero(chains.before < 0), np.flatnonzero(chains.after < 0)
    last = np.zeros(n, dtype=np.int64)
    last[chains.track[tails] - 1] = tails
    lineage, generation = np.arange(1, n + 1), np.zeros(n, dtype=np.int64)
    for track in np.flatnonzero(chains.parent):
        parent = chains.parent[track] - 1
        lineage[track], generation[track] = lineage[parent], generation[parent] + 1
    return pd.DataFrame(
        {
            "track_id": np.arange(1, n + 1),
            "begin_frame": chains.frame[heads],
            "end_frame": chains.frame[last],
            "parent_track_id": chains.parent,
            "lineage_id": lineage,
            "generation": generation,
            "fate": _fates(frames, chains, last, scales=scales, drifts=drifts),
            "merges_into_track_id": np.zeros(n, dtype=np.int64),
        }
    )


def _fates(
    frames: Sequence[Cells], chains: Chains, last: Whole, *, scales: Scales, drifts: Floats
) -> NDArray[Any]:
    """What becomes of each track, given the node that it ends at."""
    fate = np.full(len(last), "lost", dtype=object)
    frame = chains.frame[last]
    for t in np.unique(frame[frame < len(frames) - 1]):
        tracks = np.flatnonzero(frame == t)
        cells = take(frames[t], chains.index[last[tracks]])
        fate[tracks[near_rim(cells, drifts[t], scales=scales)]] = "leaves"
    fate[frame == len(frames) - 1] = "end"
    fate[chains.parent[chains.parent > 0] - 1] = "divides"
    return fate


def note_merges(
    lineage: pd.DataFrame,
    frames: Sequence[Cells],
    chains: Chains,
    *,
    scales: Scales,
    drifts: Floats,
) -> pd.DataFrame:
    """Find tracks that were lost in another cell, which is as large as both thereafter.

    Returns:
        The table with their fate and the track that they merged into.
    """
    lineage = lineage.copy()
    tails = {int(chains.track[node]): int(node) for node in np.flatnonzero(chains.after < 0)}
    for row in np.flatnonzero(lineage["fate"] == "lost").tolist():
        node = tails[row + 1]
        t = int(chains.frame[node])
        here, after = take(frames[t], chains.index[[node]]), frames[t + 1]
        if not len(after):
            continue
        j = int(np.argmin(np.hypot(*(after.place - here.place[0] - drifts[t]).T)))
        other = int(chains.offset[t + 1]) + j
        past = chains.before[other]
        near = np.hypot(*(after.place[j] - here.place[0] - drifts[t])) < 3 * scales.radius
        if past < 0 or chains.frame[past] != t or not near:
            continue
        was = float(frames[t].area[chains.index[past]])
        alone = abs(np.log(after.area[j] / was) - scales.growth)
        both = abs(np.log(after.area[j] / (was + here.area[0])) - scales.growth)
        if both < alone and both < 3 * scales.area:
            lineage.loc[row, "fate"] = "merges"
            lineage.loc[row, "merges_into_track_id"] = int(chains.track[other])
    return lineage
