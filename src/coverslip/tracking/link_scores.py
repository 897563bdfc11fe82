"""tracks × true tracks → scores of their links and divisions.

They are our own: the F1 of links, over gaps too, and of divisions, which may be early or late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from coverslip.tracking.assemble import find_links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coverslip.tracking.frame_match import FrameMatch
    from coverslip.tracking.lineage import Tracks


@dataclass(frozen=True)
class LinkScores:
    """How well a film was linked.

    Attributes:
        n_cells: True cells in all frames.
        n_found: Those that one cell of the result covers, and no other true cell with them.
        edges: True positives, false positives and false negatives of links.
        divisions: Likewise of divisions.
    """

    n_cells: int
    n_found: int
    edges: tuple[int, int, int]
    divisions: tuple[int, int, int]

    @property
    def edges_f1(self) -> float:
        """F1 of the links; NaN where there are none."""
        return f1(*self.edges)

    @property
    def divisions_f1(self) -> float:
        """F1 of the divisions; NaN where there are none."""
        return f1(*self.divisions)


def f1(hits: int, wrong: int, missed: int) -> float:
    """Give the harmonic mean of precision and recall; NaN where there is nothing to find."""
    total = 2 * hits + wrong + missed
    return 2 * hits / total if total else float("nan")


def score_links(
    result: Tracks, truth: Tracks, *, matches: Sequence[FrameMatch], tolerance: int = 0
) -> LinkScores:
    """Score links and divisions.

    A link is right if both of its cells are found and the truth links these two; every other link
    of the result is wrong, and every other true link missed. Links go over gaps, and from a mother
    to her daughters. A division, of two daughters or more, is right if mother and daughters are
    those of a true one, as many, and none ends or begins more than `tolerance` frames away.

    Args:
        result: The tracks, whose `label` is the number in the label frames.
        truth: The true ones.
        matches: `match_frame` of every frame.
        tolerance: Frames by which a division may be early or late.

    Example:
        >>> f1(8, 2, 2)
        0.8
    """
    found = [_find_alone(match) for match in matches]
    true_edges, edges = _edges(truth), _edges(result)
    hits = sum(
        (found[a[0]].get(a[1]), found[b[0]].get(b[1])) in edges.get((a[0], b[0]), set())
        for frames, pairs in true_edges.items()
        for a, b in (((frames[0], one), (frames[1], other)) for one, other in pairs)
    )
    n_true, n_edges = (sum(map(len, one.values())) for one in (true_edges, edges))
    divisions = _score_divisions(result, truth, found=found, tolerance=tolerance)
    return LinkScores(
        n_cells=sum(len(match.truth) for match in matches),
        n_found=sum(map(len, found)),
        edges=(hits, n_edges - hits, n_true - hits),
        divisions=divisions,
    )


def _find_alone(match: FrameMatch) -> dict[int, int]:
    """The true cells that have a cell of the result for themselves, and that cell."""
    numbers, counts = np.unique(match.matched, return_counts=True)
    alone = set(numbers[counts == 1].tolist())
    pairs = zip(match.true_matched.tolist(), match.matched.tolist(), strict=True)
    return {true: number for true, number in pairs if number in alone}


def _edges(tracks: Tracks) -> dict[tuple[int, int], set[tuple[int, int]]]:
    """The links, as pairs of labels, by their two frames."""
    links, born = find_links(tracks)
    pairs = np.concatenate([links, born])
    frame = tracks.cells["frame"].to_numpy(np.int64)[pairs].tolist()
    label = tracks.cells["label"].to_numpy(np.int64)[pairs].tolist()
    edges: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for (begin, end), (one, other) in zip(frame, label, strict=True):
        edges.setdefault((begin, end), set()).add((one, other))
    return edges


@dataclass(frozen=True)
class _Division:
    """A mother and her daughters.

    Attributes:
        end: The mother's last frame.
        mother: Her label in every frame where she is.
        daughters: Likewise of each daughter.
    """

    end: int
    mother: Mapping[int, int]
    daughters: tuple[Mapping[int, int], ...] = field(default=())


def _divisions(tracks: Tracks) -> list[_Division]:
    mothers = tracks.lineage[tracks.lineage["parent_track_id"] > 0]
    sisters = mothers.groupby("parent_track_id")["track_id"].agg(list)
    sisters = sisters[sisters.map(len) > 1]
    wanted = {*sisters.index, *(track for group in sisters for track in group)}
    rows = tracks.cells[tracks.cells["track_id"].isin(wanted)]
    where: dict[int, dict[int, int]] = {}
    for track, frame, label in zip(rows["track_id"], rows["frame"], rows["label"], strict=True):
        where.setdefault(int(track), {})[int(frame)] = int(label)
    return [
        _Division(max(where[mother]), where[mother], tuple(where[one] for one in group))
        for mother, group in zip(sisters.index.tolist(), sisters, strict=True)
    ]


def _score_divisions(
    result: Tracks, truth: Tracks, *, found: Sequence[Mapping[int, int]], tolerance: int
) -> tuple[int, int, int]:
    """Pair the divisions off, those that are nearest in time first."""
    true, own = _divisions(truth), _divisions(result)
    pairs = [
        (abs(one.end - other.end), i, j)
        for i, one in enumerate(true)
        for j, other in enumerate(own)
        if abs(one.end - other.end) <= tolerance and _is_same(one, other, found, tolerance)
    ]
    taken: set[int] = set()
    given: set[int] = set()
    for _, i, j in sorted(pairs):
        if i not in taken and j not in given:
            taken.add(i)
            given.add(j)
    return len(taken), len(own) - len(taken), len(true) - len(taken)


def _is_same(
    true: _Division, own: _Division, found: Sequence[Mapping[int, int]], tolerance: int
) -> bool:
    """Whether mother and daughters of two divisions are the same cells.

    They are compared where both have not divided yet, and where both have; in between, one of the
    divisions is early or late.
    """
    if len(true.daughters) != len(own.daughters):
        return False
    both = min(true.end, own.end)
    last = max((frame for frame in true.mother if frame <= both), default=None)
    if last is None or found[last].get(true.mother[last]) != own.mother.get(last, 0):
        return False
    left = list(own.daughters)
    for daughter in true.daughters:
        same = [one for one in left if _is_same_daughter(daughter, one, found, tolerance)]
        if not same:
            return False
        left.remove(same[0])
    return True


def _is_same_daughter(
    true: Mapping[int, int],
    own: Mapping[int, int],
    found: Sequence[Mapping[int, int]],
    tolerance: int,
) -> bool:
    begins = min(true), min(own)
    first = max(begins)
    if abs(begins[0] - begins[1]) > tolerance or first not in true or first not in own:
        return False
    return found[first].get(true[first]) == own[first]
