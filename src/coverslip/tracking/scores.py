"""tracked film × its truth → scores of its links and divisions.

A cell of the truth is found where one cell of the result covers more than half of it. Edges' and
divisions' F1 are our own; those of the Cell Tracking Challenge (DET, SEG, TRA, LNK, BIO and their
parts) are of the same matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.errors import DataError
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
from coverslip.tracking.ctc import CtcFilm, ctc_problems, join_problems, number_tracks
from coverslip.tracking.frame_match import FrameMatch, match_frame
from coverslip.tracking.link_scores import LinkScores, score_links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

    Whole = NDArray[np.int64]

# Of the challenge, in the order in which they are shown; BC and BIO at the tolerance asked for.
CTC_SCORES = ("DET", "SEG", "TRA", "LNK", "OP_CTB", "BIO", "CT", "TF", "BC", "CCA")


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
            f"{join_problems(problems)}"
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
        raise DataError(
            f"{truth.name}: {join_problems(problems)}. Get the truth from its source again."
        )


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
