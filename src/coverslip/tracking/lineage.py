"""who became whom → tracks, their fates and family trees, as two tables."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.tracking.cells import take
from coverslip.tracking.cost import rim_distance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats, Whole
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.link import Linked
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
        divisions = int((self.lineage["fate"] == "divides").sum())
        return (
            f"Tracks({len(self.lineage)} tracks, {divisions} divisions, "
            f"{len(self.cells)} cells in {self.n_frames} frames)"
        )


@dataclass(frozen=True, eq=False)
class Chains:
    """Every cell of a film as a node, ascending by frame and label, and its track.

    Attributes:
        frame, index: (N,), where a node is: its frame, and which of the frame's cells.
        before: (N,), the node that it was before; -1 where a track begins.
        after: (N,), the node that it is next; -1 where a track ends.
        track: (N,), from 1, ascending by the frame and label at which tracks begin.
        parent: (n,), of each track, 0: none.
    """

    frame: Whole
    index: Whole
    before: Whole
    after: Whole
    track: Whole
    parent: Whole


def chain(frames: Sequence[Cells], linked: Iterable[Linked]) -> Chains:
    """Follow links and divisions through a film, and number the tracks."""
    counts = [len(cells) for cells in frames]
    offset = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(offset[-1])
    before, after = np.full(total, -1), np.full(total, -1)
    mother = np.full(total, -1)
    for one in linked:
        i, j = offset[one.begin] + one.links[:, 0], offset[one.end] + one.links[:, 1]
        after[i], before[j] = j, i
        for side in (1, 2):
            daughter = offset[one.end] + one.divisions[:, side]
            mother[daughter] = offset[one.begin] + one.divisions[:, 0]
    track = np.zeros(total, dtype=np.int64)
    n_tracks = 0
    for start, stop in itertools.pairwise(offset):
        nodes = np.arange(start, stop)
        begins = nodes[before[nodes] < 0]
        goes_on = nodes[before[nodes] >= 0]
        track[goes_on] = track[before[goes_on]]
        track[begins] = n_tracks + 1 + np.arange(len(begins))
        n_tracks += len(begins)
    heads = np.flatnonzero(before < 0)
    mothers = mother[heads]
    return Chains(
        frame=np.repeat(np.arange(len(frames)), counts),
        index=np.arange(total) - np.repeat(offset[:-1], counts),
        before=before,
        after=after,
        track=track,
        parent=np.where(mothers >= 0, track[mothers], 0) if total else heads,
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
    reach = max(scales.radius / 2, 2 * scales.motion)
    frame = chains.frame[last]
    for t in np.unique(frame[frame < len(frames) - 1]):
        tracks = np.flatnonzero(frame == t)
        cells = take(frames[t], chains.index[last[tracks]])
        fate[tracks[rim_distance(cells, drifts[t]) < reach]] = "leaves"
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
    tails = {int(chains.track[node]): node for node in np.flatnonzero(chains.after < 0)}
    nodes = {
        (int(f), int(i)): k for k, (f, i) in enumerate(zip(chains.frame, chains.index, strict=True))
    }
    for row in np.flatnonzero(lineage["fate"] == "lost"):
        node = tails[row + 1]
        t = int(chains.frame[node])
        here, after = take(frames[t], chains.index[[node]]), frames[t + 1]
        if not len(after):
            continue
        j = int(np.argmin(np.hypot(*(after.place - here.place[0] - drifts[t]).T)))
        other = nodes[t + 1, j]
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
