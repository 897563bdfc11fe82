"""cells with their tracks, or nodes and edges of a graph → Tracks, with every track's fate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coverslip.errors import DataError, list_problems
from coverslip.tracking.lineage import Tracks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LINEAGE_COLUMNS = (
    "track_id",
    "begin_frame",
    "end_frame",
    "parent_track_id",
    "lineage_id",
    "generation",
    "fate",
    "merges_into_track_id",
)
FAMILY = ("parent_track_id", "lineage_id", "generation")
MOST_NAMED = 10


def build_tracks(
    cells: pd.DataFrame,
    parents: Mapping[int, int],
    *,
    n_frames: int,
    fates: Mapping[int, str] | None = None,
    merges: Mapping[int, int] | None = None,
) -> Tracks:
    """Put tracks together from what a file of any tool says.

    Args:
        cells: `frame`, `label`, `track_id`, and whatever else was measured; any order.
        parents: The mother of every track that has one.
        n_frames: Frames of the film.
        fates: The fate of tracks where it is known. Of others: a mother divides, a track that is
            there in the last frame reaches the end, and any other is lost.
        merges: The track that a track ends in.

    Raises:
        DataError: Two cells of one track in one frame, or a mother that cannot be one.
    """
    cells = cells.sort_values(["frame", "label"], kind="stable", ignore_index=True)
    _check_once(cells)
    span = cells.groupby("track_id")["frame"].agg(["min", "max"]).sort_index()
    begin = dict(zip(span.index.tolist(), span["min"].tolist(), strict=True))
    end = dict(zip(span.index.tolist(), span["max"].tolist(), strict=True))
    parents = {track: parent for track, parent in parents.items() if parent and track in begin}
    _check_parents(parents, begin=begin, end=end)
    lineage = pd.DataFrame({"track_id": list(begin), "begin_frame": list(begin.values())})
    lineage["end_frame"] = [end[track] for track in begin]
    lineage["parent_track_id"] = [parents.get(track, 0) for track in begin]
    families = _find_families(parents, begin)
    lineage["lineage_id"] = [families[track][0] for track in begin]
    lineage["generation"] = [families[track][1] for track in begin]
    merges, fates, mothers = merges or {}, fates or {}, set(parents.values())
    lineage["fate"] = [
        fates.get(track)
        or _find_fate(track in mothers, merges.get(track, 0), end[track] == n_frames - 1)
        for track in begin
    ]
    lineage["merges_into_track_id"] = [merges.get(track, 0) for track in begin]
    lineage = lineage.astype({name: "int64" for name in LINEAGE_COLUMNS if name != "fate"})
    return Tracks(_name_families(cells, lineage), lineage, n_frames)


def _check_once(cells: pd.DataFrame) -> None:
    twice = cells[cells.duplicated(["frame", "track_id"])]
    if len(twice):
        frame, track = (int(twice.iloc[0][name]) for name in ("frame", "track_id"))
        raise DataError(
            f"frame {frame} holds track {track} twice, where a track is one cell in a frame. Give "
            "the daughters of a division numbers of their own."
        )


def _check_parents(
    parents: Mapping[int, int], *, begin: Mapping[int, int], end: Mapping[int, int]
) -> None:
    problems = []
    for track, parent in parents.items():
        if parent not in begin:
            problems.append(f"track {track}: its mother, track {parent}, is in no frame")
        elif end[parent] >= begin[track]:
            problems.append(
                f"track {track} begins in frame {begin[track]}, and its mother, track {parent}, "
                f"ends in frame {end[parent]}"
            )
    if problems:
        shown = problems[:MOST_NAMED]
        raise DataError(list_problems(shown, cure="A mother must end before her daughter begins"))


def _find_families(
    parents: Mapping[int, int], begin: Mapping[int, int]
) -> dict[int, tuple[int, int]]:
    """The first track of every track's family, and how many divisions lie between."""
    found: dict[int, tuple[int, int]] = {}
    for track in sorted(begin, key=lambda track: begin[track]):  # mothers come first
        if track in parents:
            first, generation = found[parents[track]]
            found[track] = (first, generation + 1)
        else:
            found[track] = (track, 0)
    return found


def _find_fate(divides: bool, merges_into: int, at_end: bool) -> str:
    if divides:
        return "divides"
    if merges_into:
        return "merges"
    return "end" if at_end else "lost"


def _name_families(cells: pd.DataFrame, lineage: pd.DataFrame) -> pd.DataFrame:
    """Put mother, family and generation into the rows of the cells, behind the track's number."""
    known = lineage.set_index("track_id")
    rows = cells.drop(columns=[name for name in FAMILY if name in cells])
    at = rows.columns.tolist().index("track_id")
    for offset, name in enumerate(FAMILY, start=1):
        values = known[name].reindex(rows["track_id"]).to_numpy()
        rows.insert(at + offset, name, values)
    return rows


def find_links(tracks: Tracks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the graph of the cells: who is the same cell, or the daughter, of whom.

    Returns:
        (n, 2) rows of `tracks.cells`, earlier and later: links within a track, over gaps too; and
        (m, 2), the last row of a mother and the first of her daughter.
    """
    rows = tracks.cells.reset_index(drop=True).sort_values(["track_id", "frame"], kind="stable")
    at, track = rows.index.to_numpy(np.int64), rows["track_id"].to_numpy()
    same = track[1:] == track[:-1]
    links = np.stack([at[:-1][same], at[1:][same]], axis=1)
    firsts = dict(zip(track[::-1].tolist(), at[::-1].tolist(), strict=True))
    lasts = dict(zip(track.tolist(), at.tolist(), strict=True))
    mothers = tracks.lineage[tracks.lineage["parent_track_id"] > 0]
    pairs = zip(mothers["parent_track_id"], mothers["track_id"], strict=True)
    born = [(lasts[int(parent)], firsts[int(child)]) for parent, child in pairs]
    return links, np.array(born, dtype=np.int64).reshape(-1, 2)


def find_merges(tracks: Tracks) -> NDArray[np.int64]:
    """Give the links of tracks that end in another: (n, 2) rows of `tracks.cells`.

    Each leads from the last row of a track to the row of the other in the next frame where it is;
    there is none where the other is not seen again.
    """
    rows = tracks.cells.reset_index(drop=True)
    merging = tracks.lineage[tracks.lineage["merges_into_track_id"] > 0]
    pairs = []
    for row in merging.itertuples():
        last = rows.index[(rows["track_id"] == row.track_id) & (rows["frame"] == row.end_frame)]
        other = rows[(rows["track_id"] == row.merges_into_track_id)]
        later = other.index[other["frame"] > row.end_frame]
        pairs += [(int(last[0]), int(later[0]))] if len(last) and len(later) else []
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
