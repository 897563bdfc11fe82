"""who became whom, frame by frame → every cell as a node of its track."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coverslip.tracking.cells import Cells, Whole
    from coverslip.tracking.link import Linked


@dataclass(frozen=True, eq=False)
class Chains:
    """Every cell of a film as a node, ascending by frame and label, and its track.

    Attributes:
        offset: (T + 1,), the first node of each frame, and the number N of all.
        frame, index: (N,), where a node is: its frame, and which of the frame's cells.
        before: (N,), the node that it was before; -1 where a track begins.
        after: (N,), the node that it is next; -1 where a track ends.
        mother: (N,), the node that divided into it; -1 where none did.
        track: (N,), from 1, ascending by the frame and label at which tracks begin.
        parent: (n,), of each track, 0: none.
    """

    offset: Whole
    frame: Whole
    index: Whole
    before: Whole
    after: Whole
    mother: Whole
    track: Whole
    parent: Whole


def chain(frames: Sequence[Cells], linked: Iterable[Linked]) -> Chains:
    """Follow links and divisions through a film, and number the tracks."""
    counts = [len(cells) for cells in frames]
    offset = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(offset[-1])
    before, after, mother = (np.full(total, -1) for _ in range(3))
    for one in linked:
        i, j = offset[one.begin] + one.links[:, 0], offset[one.end] + one.links[:, 1]
        after[i], before[j] = j, i
        for side in (1, 2):
            daughter = offset[one.end] + one.divisions[:, side]
            mother[daughter] = offset[one.begin] + one.divisions[:, 0]
    track = _number(offset, before)
    mothers = mother[before < 0]
    return Chains(
        offset=offset,
        frame=np.repeat(np.arange(len(frames)), counts),
        index=np.arange(total) - np.repeat(offset[:-1], counts),
        before=before,
        after=after,
        mother=mother,
        track=track,
        parent=np.where(mothers >= 0, track[mothers], 0) if total else mothers,
    )


def _number(offset: Whole, before: Whole) -> Whole:
    """The track of each node, from 1."""
    track = np.zeros(len(before), dtype=np.int64)
    n_tracks = 0
    for start, stop in itertools.pairwise(offset.tolist()):
        past = before[start:stop]
        begins = past < 0
        here = np.empty(stop - start, dtype=np.int64)
        here[~begins] = track[past[~begins]]
        here[begins] = n_tracks + 1 + np.arange(begins.sum())
        track[start:stop] = here
        n_tracks += int(begins.sum())
    return track
