"""matched cells and tables of tracks → the scores of the Cell Tracking Challenge.

DET, TRA and LNK weigh the operations that turn the result's graph into the true one (Matula et al.
2015, doi 10.1371/journal.pone.0144959); CT, TF, BC and CCA are of whole tracks (Ulman et al. 2017,
doi 10.1038/nmeth.4473). The values are those of py-ctcmetrics 1.3.3, to the last digit; here only
the cells that lie on each other are looked at, so the time grows with the cells alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.frame_match import FrameMatch

    Whole = NDArray[np.int64]

# What it costs to mend a graph: to split a cell, add one, remove one; remove a link, add one, make
# one of a cell one to a daughter or the reverse.
SPLIT, ADD, REMOVE = 5, 10, 1
UNLINK, LINK, RELABEL = 1, 1.5, 1

Node = tuple[int, int]  # frame, number


@dataclass(frozen=True)
class Operations:
    """How often each operation is needed to make the true graph of the result's.

    Attributes:
        splits: Of cells that cover several true ones.
        added, removed: Cells that were missed, and that are none.
        unlinked, linked, relabelled: Likewise of links.
        n_cells, n_links: Of the truth.
    """

    splits: int
    added: int
    removed: int
    unlinked: int
    linked: int
    relabelled: int
    n_cells: int
    n_links: int


def count_operations(truth: Whole, result: Whole, matches: Sequence[FrameMatch]) -> Operations:
    """Count what it takes to make the true graph of the result's.

    Args:
        truth: (n, 4), a row for each true track: number, first frame, last frame, parent.
        result: Likewise.
        matches: Of every frame.
    """
    covers = [Counter(match.matched.tolist()) for match in matches]
    n_cells = sum(len(match.truth) for match in matches)
    n_found = sum(len(match.true_matched) for match in matches)
    found = {
        (frame, by): (frame, true)
        for frame, match in enumerate(matches)
        for true, by in zip(match.true_matched.tolist(), match.matched.tolist(), strict=True)
        if covers[frame][by] == 1
    }
    true_links = _links(truth, [match.truth for match in matches])
    links = _links(result, [match.result for match in matches])
    hits = unlinked = relabelled = 0
    for (one, other), kind in links.items():
        if one not in found or other not in found:
            continue
        true_kind = true_links.get((found[one], found[other]))
        unlinked += true_kind is None
        hits += true_kind is not None
        relabelled += true_kind is not None and true_kind != kind
    return Operations(
        splits=n_found - sum(map(len, covers)),
        added=n_cells - n_found,
        removed=sum(len(match.result) for match in matches) - sum(map(len, covers)),
        unlinked=unlinked,
        linked=len(true_links) - hits,
        relabelled=relabelled,
        n_cells=n_cells,
        n_links=len(true_links),
    )


def _links(table: Whole, numbers: Sequence[Whole]) -> dict[tuple[Node, Node], bool]:
    """The links of a graph, and of each whether it is from a parent."""
    links = {}
    there = [set(one.tolist()) for one in numbers]
    for frame in range(len(there) - 1):
        for number in there[frame] & there[frame + 1]:
            links[(frame, number), (frame + 1, number)] = False
    last = {number: end for number, _, end, _ in table.tolist()}
    for number, begin, _, parent in table.tolist():
        if parent:
            links[(last[parent], parent), (begin, number)] = True
    return links


def score_det(found: Operations) -> float:
    """How well cells were detected."""
    cost = SPLIT * found.splits + ADD * found.added + REMOVE * found.removed
    return 1 - min(cost, ADD * found.n_cells) / (ADD * found.n_cells)


def score_lnk(found: Operations) -> float | None:
    """How well they were linked; None without any true link."""
    if not found.n_links:
        return None
    cost = _link_cost(found)
    return 1 - min(cost, LINK * found.n_links) / (LINK * found.n_links)


def score_tra(found: Operations) -> float:
    """How well they were detected and linked."""
    cost = SPLIT * found.splits + ADD * found.added + REMOVE * found.removed + _link_cost(found)
    nothing = ADD * found.n_cells + LINK * found.n_links
    return 1 - min(cost, nothing) / nothing


def _link_cost(found: Operations) -> float:
    return UNLINK * found.unlinked + LINK * found.linked + RELABEL * found.relabelled


def score_seg(matches: Sequence[FrameMatch]) -> float:
    """Mean IoU of the true cells; 0 where one is not found."""
    n_cells = sum(len(match.truth) for match in matches)
    return float(np.sum(np.concatenate([match.iou for match in matches])) / max(n_cells, 1))


def assign_tracks(truth: Whole, matches: Sequence[FrameMatch]) -> dict[int, tuple[int, Whole]]:
    """By which number each true track is covered, frame by frame.

    Returns:
        For each true number its first frame, and the number of the result in each of its frames;
        0 where none covers it, or one that covers others too; -1 where it is not there.
    """
    assigned = {
        number: (begin, np.full(end - begin + 1, -1)) for number, begin, end, _ in truth.tolist()
    }
    for frame, match in enumerate(matches):
        for number in match.truth.tolist():
            begin, by = assigned[number]
            by[frame - begin] = 0
        covers = Counter(match.matched.tolist())
        pairs = zip(match.true_matched.tolist(), match.matched.tolist(), strict=True)
        for number, other in pairs:
            begin, by = assigned[number]
            by[frame - begin] = other if covers[other] == 1 else 0
    return assigned


def score_ct(truth: Whole, result: Whole, assigned: Mapping[int, tuple[int, Whole]]) -> float:
    """F1 of the tracks that are complete: one number covers one, from its begin to its end."""
    spans = {number: (begin, end) for number, begin, end, _ in result.tolist()}
    complete = 0
    for number, begin, end, _ in truth.tolist():
        covered = np.unique(assigned[number][1][assigned[number][1] >= 0])
        if len(covered) == 1 and covered[0] > 0:
            complete += spans[int(covered[0])] == (begin, end)
    return float(2 * complete / (len(result) + len(truth)))


def score_tf(truth: Whole, assigned: Mapping[int, tuple[int, Whole]]) -> float:
    """The mean, over the true tracks that are found, of the longest part one number covers.

    As in the challenge's own program, a number that covers a track wholly counts for no other
    after it.
    """
    parts: dict[int, dict[int, float]] = {}
    for number, (_, by) in assigned.items():
        run = last = 0
        for other in by.tolist():
            run = run + 1 if other == last and other > 0 else int(other > 0)
            last = other
            if other > 0:
                best = parts.setdefault(other, {})
                best[number] = max(best.get(number, 0), run / len(by))
    longest = dict.fromkeys(truth[:, 0].tolist(), 0.0)
    for _, shares in sorted(parts.items()):
        for number, share in sorted(shares.items()):
            if longest[number] == 1:
                continue
            longest[number] = max(longest[number], share)
            if share == 1:
                break
    found = [share for share in longest.values() if share > 0]
    return float(np.mean(np.asarray(found))) if found else 0.0


def score_bc(
    truth: Whole, result: Whole, matches: Sequence[FrameMatch], *, tolerance: int
) -> float | None:
    """F1 of the divisions, up to so many frames early or late; None without a true one."""
    true, own = _divisions(truth), _divisions(result)
    if not true:
        return None
    if not own:
        return 0.0
    found = [
        dict(zip(match.true_matched.tolist(), match.matched.tolist(), strict=True))
        for match in matches
    ]
    alone = [
        {number for number, count in Counter(match.matched.tolist()).items() if count == 1}
        for match in matches
    ]

    def is_same(frame: int, number: int, other: int) -> bool:
        return found[frame].get(number) == other and other in alone[frame]

    hits = 0
    for number, (end, daughters) in true.items():
        for other, (own_end, own_daughters) in own.items():
            if abs(end - own_end) > tolerance or len(daughters) != len(own_daughters):
                continue
            if not is_same(min(end, own_end), number, other):
                continue
            same = {
                next(
                    (
                        daughter
                        for daughter, begin in own_daughters
                        if abs(begin - true_begin) <= tolerance
                        and is_same(max(begin, true_begin), true_daughter, daughter)
                    ),
                    None,
                )
                for true_daughter, true_begin in daughters
            }
            hits += len(same - {None}) == len(daughters)
    precision, recall = hits / len(own), hits / len(true)
    return 2 * (precision * recall) / max(precision + recall, 0.0001)


def _divisions(table: Whole) -> dict[int, tuple[int, list[tuple[int, int]]]]:
    """Of each track that divides its last frame, and its daughters with their first frames."""
    ends = {number: end for number, _, end, _ in table.tolist()}
    daughters: dict[int, list[tuple[int, int]]] = {}
    for number, begin, _, parent in table.tolist():
        if parent > 0:
            daughters.setdefault(parent, []).append((number, begin))
    return {parent: (ends[parent], some) for parent, some in daughters.items() if len(some) > 1}


def score_cca(truth: Whole, result: Whole) -> float | None:
    """How alike the lengths of whole cell cycles are; None without a true one."""
    true, own = _cycles(truth), _cycles(result)
    if not len(true):
        return None
    if not len(own):
        return 0.0
    longest = int(max(true.max(), own.max()))
    shares = [np.bincount(some, minlength=longest + 1) / len(some) for some in (true, own)]
    return float(1 - np.max(np.abs(np.cumsum(shares[0]) - np.cumsum(shares[1]))))


def _cycles(table: Whole) -> Whole:
    """The lengths of the tracks that begin and end with a division, in frames less one."""
    dividing = list(_divisions(table))
    whole = np.isin(table[:, 0], dividing) & np.isin(table[:, 3], dividing)
    lengths: Whole = (table[:, 2] - table[:, 1])[whole]
    return lengths
