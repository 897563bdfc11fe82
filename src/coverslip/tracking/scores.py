"""tracked film × its truth → scores of its links and divisions.

A cell of the truth is found where one cell of the result covers more than half of it. Edges' and
divisions' F1 are our own; those of the Cell Tracking Challenge (DET, SEG, TRA, LNK, BIO and their
parts) are of the same matches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.errors import DataError
from coverslip.tracking.assemble import find_links
from coverslip.tracking.challenge import (
    assign_tracks,
    count_operations,
    score_bc,
    score_cca,
    score_ct,
    score_det,
    score_lnk,
    score_seg,
    score_tf,
    score_tra,
)
from coverslip.tracking.ctc import CtcFilm, ctc_problems, number_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

    Whole = NDArray[np.int64]

# Of the challenge, in the order in which they are shown; BC and BIO at the tolerance asked for.
CTC_SCORES = ("DET", "SEG", "TRA", "LNK", "OP_CTB", "BIO", "CT", "TF", "BC", "CCA")
MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class FrameMatch:
    """The cells of a frame, true ones and those of a result, and who covers whom.

    Attributes:
        truth: (n,), the true numbers, ascending.
        result: (m,), those of the result.
        true_matched: (k,), the true numbers that are found, ascending.
        matched: (k,), by which number of the result each.
        iou: (k,), intersection over union of each.
    """

    truth: Whole
    result: Whole
    true_matched: Whole
    matched: Whole
    iou: NDArray[np.float64]


def match_frame(truth: NDArray[Any], result: NDArray[Any]) -> FrameMatch:
    """Find for every true cell the cell that covers more than half of it.

    Args:
        truth: (H, W) integers, 0 is background; numbers of any size.
        result: Likewise.

    Raises:
        DataError: Two sizes.

    Example:
        >>> import numpy as np
        >>> match = match_frame(np.array([[1, 1, 1, 0, 2]]), np.array([[0, 7, 7, 7, 0]]))
        >>> match.true_matched, match.matched, match.iou
        (array([1]), array([7]), array([0.5]))
    """
    if truth.shape != result.shape:
        sizes = [" × ".join(map(str, labels.shape)) for labels in (result, truth)]
        raise DataError(f"the result has {sizes[0]} pixels, and the truth {sizes[1]}.")
    true_ids, t = _number(truth)
    ids, r = _number(result)
    # only pairs that lie on each other somewhere, not all
    pairs, shared = np.unique(t * len(ids) + r, return_counts=True)
    one, other = np.divmod(pairs, len(ids))
    area = np.bincount(one, weights=shared, minlength=len(true_ids))
    own_area = np.bincount(other, weights=shared, minlength=len(ids))
    covers = (2 * shared > area[one]) & (one > 0) & (other > 0)
    at, by, shared = one[covers], other[covers], shared[covers]
    return FrameMatch(
        truth=true_ids[1:],
        result=ids[1:],
        true_matched=true_ids[at],
        matched=ids[by],
        iou=shared / (area[at] + own_area[by] - shared),
    )


def _number(labels: NDArray[Any]) -> tuple[Whole, Whole]:
    """The numbers of a frame, ascending from 0, and of each pixel which of them it has.

    0 is among them also where cells cover all of the frame. Numbers that are not much larger than
    there are pixels are looked up in a table, others are sorted.
    """
    flat = labels.ravel()
    largest = int(flat.max(initial=0))
    if largest > 4 * flat.size or flat.min(initial=0) < 0:
        ids, at = np.unique(np.append(0, flat).astype(np.int64), return_inverse=True)
        return ids, at[1:]
    there = np.zeros(largest + 1, dtype=bool)
    there[flat] = True
    there[0] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[flat]


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


@dataclass(frozen=True, eq=False)
class FilmScores:
    """All scores of a tracked film.

    Attributes:
        links: Our own scores of links and divisions.
        ctc: Those of the challenge by name; None where it gives none.
        notes: What the user should be told, a sentence each.
    """

    links: LinkScores
    ctc: Mapping[str, float | None]
    notes: tuple[str, ...] = ()


def score_film(
    result: CtcFilm,
    truth: CtcFilm,
    *,
    seg_truth: Mapping[int, NDArray[Any]] | None = None,
    tolerance: int = 0,
) -> FilmScores:
    """Score a tracked film against its truth, both in the form of the challenge.

    Args:
        result: As `read_ctc` gives it.
        truth: Likewise.
        seg_truth: Masks of whole cells by their frames, for SEG; None: there are none.
        tolerance: Frames by which a division may be early or late, in our own score, BC and BIO.

    Raises:
        DataError: Films of different lengths or sizes, or a truth that is not valid.
    """
    if len(result.frames) != len(truth.frames):
        raise DataError(
            f"{result.name}: {len(result.frames)} frames, and {len(truth.frames)} of the truth "
            f"{truth.name}. Give the result of the same film."
        )
    matches, seg = _match_film(result, truth, seg_truth or {})
    if not sum(len(match.truth) for match in matches):
        raise DataError(f"{truth.name}: no cell in any frame, so there is nothing to score by.")
    _check_truth(truth, matches)
    links = score_links(
        _complete_tracks(result.table, [match.result for match in matches]),
        _complete_tracks(truth.table, [match.truth for match in matches]),
        matches=matches,
        tolerance=tolerance,
    )
    notes = [] if seg else ["SEG needs masks of whole cells, and the truth has none: left out"]
    problems = ctc_problems(result, [match.result for match in matches])
    if problems:
        notes.append(
            "the result is not valid by the challenge's rules, so it has none of its scores: "
            f"{_first(problems)}"
        )
        return FilmScores(links, dict.fromkeys(CTC_SCORES), tuple(notes))
    if not any(len(match.result) for match in matches):
        notes.append("the result holds no cell in any frame")
    ctc = _score_ctc(result, truth, matches=matches, seg=seg, tolerance=tolerance)
    return FilmScores(links, ctc, tuple(notes))


def _check_truth(truth: CtcFilm, matches: Sequence[FrameMatch]) -> None:
    """A truth must have cells, and lines for all of them; a cell may be missed in some frames."""
    if not sum(len(match.truth) for match in matches):
        raise DataError(f"{truth.name}: no cell in any frame, so there is nothing to score by.")
    problems = ctc_problems(truth, [match.truth for match in matches])
    problems = [text for text in problems if "not in the mask" not in text]
    if problems:
        raise DataError(f"{truth.name}: {_first(problems)}. Get the truth from its source again.")


def _first(problems: Sequence[str]) -> str:
    more = len(problems) - MOST_NAMED
    return "; ".join(problems[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _match_film(
    result: CtcFilm, truth: CtcFilm, seg_truth: Mapping[int, NDArray[Any]]
) -> tuple[list[FrameMatch], list[FrameMatch]]:
    matches, seg = [], []
    for frame, (labels, true) in enumerate(zip(result.frames, truth.frames, strict=True)):
        try:
            matches.append(match_frame(true, labels))
            if frame in seg_truth:
                seg.append(match_frame(seg_truth[frame], labels))
        except DataError as error:
            raise DataError(f"{result.name}: frame {frame}: {error}") from error
    return matches, seg


def _complete_tracks(table: Whole, numbers: Sequence[Whole]) -> Tracks:
    """The tracks of a film whose table is mended as far as its masks go, to score what it has.

    Each number begins and ends where its masks do; a parent that cannot be one is left out.
    """
    span: dict[int, tuple[int, int]] = {}
    for frame, found in enumerate(numbers):
        for number in found.tolist():
            span[number] = (span.get(number, (frame, 0))[0], frame)
    parents = {int(row[0]): int(row[3]) for row in table}
    rows = []
    for number, (begin, end) in span.items():
        parent = parents.get(number, 0)
        is_one = parent in span and span[parent][1] < begin
        rows.append((number, begin, end, parent if is_one else 0))
    frames = np.repeat(np.arange(len(numbers)), [len(found) for found in numbers])
    cells = pd.DataFrame({"frame": frames, "label": np.concatenate(numbers)})
    mended = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return number_tracks(cells, mended, n_frames=len(numbers))


def _score_ctc(
    result: CtcFilm,
    truth: CtcFilm,
    *,
    matches: Sequence[FrameMatch],
    seg: Sequence[FrameMatch],
    tolerance: int,
) -> dict[str, float | None]:
    """The challenge's scores by name."""
    found = count_operations(truth.table, result.table, matches)
    assigned = assign_tracks(truth.table, matches)
    tra = score_tra(found)
    part = score_seg(seg) if seg else None
    whole = {
        "CT": score_ct(truth.table, result.table, assigned),
        "TF": score_tf(truth.table, assigned),
        "BC": score_bc(truth.table, result.table, matches, tolerance=tolerance),
        "CCA": score_cca(truth.table, result.table),
    }
    known = [value for value in whole.values() if value is not None]
    return {
        "DET": score_det(found),
        "SEG": part,
        "TRA": tra,
        "LNK": score_lnk(found),
        "OP_CTB": None if part is None else 0.5 * part + 0.5 * tra,
        "BIO": sum(known) / len(known),
        **whole,
    }
