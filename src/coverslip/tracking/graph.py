"""nodes and edges of a graph of cells → Tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.tracking.assemble import LINEAGE_COLUMNS, build_tracks

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

LAST = ("fate", "merges_into_track_id")  # of a track, in the row of its last cell


def graph_to_tracks(cells: pd.DataFrame, edges: NDArray[np.int64], *, n_frames: int = 0) -> Tracks:
    """Put tracks together from the nodes and edges of a graph.

    Args:
        cells: `frame`, `label`, ascending by them, and whatever else was measured; where `track_id`
            is among it and agrees with the edges, the tracks keep their numbers.
        edges: (n, 2) rows of `cells`, in any order of time.
        n_frames: Frames of the film, if it is known that some at its end hold no cell.
    """
    frame = cells["frame"].to_numpy(np.int64)
    backwards = frame[edges[:, 0]] > frame[edges[:, 1]]
    edges = np.where(backwards[:, None], edges[:, ::-1], edges)
    n_frames = max(n_frames, int(frame.max(initial=-1)) + 1)
    fates, merges = _known_ends(cells)
    own = _given_tracks(cells, edges)
    if own is None:
        track, parents, found = follow_edges(edges, n_nodes=len(cells))
        cells = cells.assign(track_id=track)
        merges, fates = found, {}
    else:
        parents, found = own
        merges |= found
    known = [name for name in LINEAGE_COLUMNS if name not in ("track_id", "parent_track_id")]
    cells = cells.drop(columns=[name for name in known if name in cells])
    first = ["frame", "label", "track_id"]
    cells = cells[first + [name for name in cells if name not in first]]
    return build_tracks(cells, parents, n_frames=n_frames, fates=fates, merges=merges)


def _known_ends(cells: pd.DataFrame) -> tuple[dict[int, str], dict[int, int]]:
    if not {"track_id", *LAST} <= set(cells):
        return {}, {}
    last = cells[cells["fate"] != ""]
    tracks = last["track_id"].astype(int).tolist()
    into = last["merges_into_track_id"].fillna(0).astype(int).tolist()
    merges = {track: other for track, other in zip(tracks, into, strict=True) if other}
    return dict(zip(tracks, last["fate"].tolist(), strict=True)), merges


def _given_tracks(
    cells: pd.DataFrame, edges: NDArray[np.int64]
) -> tuple[dict[int, int], dict[int, int]] | None:
    """The mothers of the tracks that the cells name, and the tracks that some end in.

    Returns:
        None where edges and names do not agree. They do where the edges within tracks are as many
        as they must be, and every other edge leads from the last cell of a track to the first of
        another, which has no other mother, or to a later one, where the first track merges.
    """
    if "track_id" not in cells or cells["track_id"].dtype.kind not in "iu":
        return None
    track, frame = (cells[name].to_numpy(np.int64) for name in ("track_id", "frame"))
    if len(cells) and (track.min() < 1 or cells.duplicated(["track_id", "frame"]).any()):
        return None
    spans = cells.groupby("track_id")["frame"].agg(["min", "max"])
    first, last = spans["min"].to_dict(), spans["max"].to_dict()
    parents: dict[int, int] = {}
    merges: dict[int, int] = {}
    n_within = 0
    for one, other in edges.tolist():
        a, b = int(track[one]), int(track[other])
        if a == b:
            n_within += 1
        elif frame[one] == last[a] and frame[other] > first[b] and a not in merges:
            merges[a] = b
        elif b in parents or frame[one] != last[a] or frame[other] != first[b]:
            return None
        else:
            parents[b] = a
    if n_within != len(cells) - len(first) or merges.keys() & set(parents.values()):
        return None
    return parents, merges


def follow_edges(
    edges: NDArray[np.integer[Any]], *, n_nodes: int
) -> tuple[NDArray[np.int64], dict[int, int], dict[int, int]]:
    """Cut a graph of cells into tracks: a track ends where there are two ways on, or two came.

    Args:
        edges: (n, 2), from an earlier node to a later one, counted from 0 in order of time.
        n_nodes: How many nodes there are.

    Returns:
        The track of every node, from 1 on in the order of the nodes; the mothers of the tracks
        that have one; the tracks in which tracks end that come together with others.
    """
    after: list[list[int]] = [[] for _ in range(n_nodes)]
    before: list[list[int]] = [[] for _ in range(n_nodes)]
    for one, other in np.asarray(edges, dtype=np.int64).reshape(-1, 2).tolist():
        after[one].append(other)
        before[other].append(one)
    track = np.zeros(n_nodes, dtype=np.int64)
    parents: dict[int, int] = {}
    merges: dict[int, int] = {}
    n_tracks = 0
    for node in range(n_nodes):
        came = before[node]
        if len(came) == 1 and len(after[came[0]]) == 1:
            track[node] = track[came[0]]
            continue
        n_tracks += 1
        track[node] = n_tracks
        if len(came) == 1:
            parents[n_tracks] = int(track[came[0]])
        for one in came if len(came) > 1 else []:
            merges[int(track[one])] = n_tracks
    return track, parents, merges
