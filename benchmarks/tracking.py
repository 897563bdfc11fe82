"""Quality and time of linking, beside laptrack, trackastra's greedy linking and motile's ILP.

python benchmarks/tracking.py FOLDER [FOLDER ...] [-o OUT.csv]

Each folder is the truth of a film in the form of the Cell Tracking Challenge. Every linker is given
the true masks, numbered anew in each frame, and is scored by `tracking.link_scores`: F1 of the
links and of the divisions. Ours is used as it is; laptrack with its defaults and divisions on, and
again with the settings, of 84, that link best on this film, as a person might choose who knew the
truth: cutoffs, splits farther or less far, gaps closed or not; trackastra and motile likewise, with
15 pixels and with the best cutoff of 14. The divisions of such a row are those of the settings that
are best for them, which may be others.

trackastra's network needs weights that it fetches from the internet, which this benchmark does not:
its greedy linking is run on distances in their place, so its row says nothing of the network.

Linkers that are not installed are left out: `pip install -r benchmarks/tracking.txt`, and
`pip install --no-deps trackastra==0.5.6` with tqdm, dask, fastremap, lz4, edt and geff. Seconds are
of linking alone, cells already found, but for ours, which finds them itself and measures their
tracks; the median of --rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.tracking.assemble import build_tracks
from coverslip.tracking.cells import find_cells
from coverslip.tracking.ctc import ctc_to_tracks, read_ctc
from coverslip.tracking.frame_match import match_frame
from coverslip.tracking.graph import graph_to_tracks
from coverslip.tracking.link_scores import score_links

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

CUTOFFS = (4, 6, 8, 10, 15, 20, 25, 30, 40, 60, 90, 130, 180, 250)
USUAL = 15  # laptrack's own default, in pixels
# What else is tried of laptrack: the cutoff of splits in times of the other, gaps closed or not.
LAPTRACK = tuple({"splits": n, "gaps": gaps} for n in (0.5, 1, 2) for gaps in (True, False))

Labels = list["NDArray[Any]"]


def shuffle(frames: Labels, *, seed: int) -> Labels:
    """Number the cells of every frame anew, so that a number says nothing beyond its frame."""
    rng = np.random.default_rng(seed)
    shuffled = []
    for labels in frames:
        ids, at = np.unique(np.append(0, labels.ravel()), return_inverse=True)
        numbers = np.append(0, rng.permutation(len(ids) - 1) + 1)
        shuffled.append(numbers[at[1:]].reshape(labels.shape).astype(np.int32))
    return shuffled


def to_table(frames: Labels) -> pd.DataFrame:
    """The cells of all frames, ascending by frame and label."""
    parts = []
    for frame, labels in enumerate(frames):
        cells = find_cells(labels)
        place = {"y": cells.place[:, 0], "x": cells.place[:, 1]}
        parts.append(pd.DataFrame({"frame": frame, "label": cells.label, **place}))
    return pd.concat(parts, ignore_index=True)


def link_ours(frames: Labels) -> tuple[Tracks, Labels]:
    """With no setting at all; masks may come out mended."""
    from coverslip.tracking import track, track_labels

    tracks = track(frames)
    drawn = [track_labels(tracks, labels, frame) for frame, labels in enumerate(frames)]
    cells = tracks.cells.assign(label=tracks.cells["track_id"])
    return type(tracks)(cells, tracks.lineage, tracks.n_frames), drawn


def link_laptrack(
    table: pd.DataFrame, cutoff: float | None, *, splits: float = 1, gaps: bool = True
) -> Tracks:
    """The defaults of laptrack but for divisions, or all cutoffs set, that of splits in times."""
    from laptrack import LapTrack

    limit = (USUAL if cutoff is None else cutoff) ** 2
    cutoffs: dict[str, Any] = {"splitting_cutoff": limit * splits**2}
    if cutoff is not None:
        cutoffs |= {"cutoff": limit, "gap_closing_cutoff": limit if gaps else False}
    found, divided, _ = LapTrack(**cutoffs).predict_dataframe(
        table, coordinate_cols=["y", "x"], frame_col="frame", only_coordinate_cols=False
    )
    found = found.reset_index(drop=True)
    frame = "frame" if "frame" in found else "frame_y"
    cells = found[[frame, "label"]].set_axis(["frame", "label"], axis=1)
    cells["track_id"] = found["track_id"].to_numpy() + 1
    parents = {}
    if len(divided):
        pairs = zip(divided["child_track_id"], divided["parent_track_id"], strict=True)
        parents = {int(child) + 1: int(parent) + 1 for child, parent in pairs}
    return build_tracks(cells, parents, n_frames=int(table["frame"].max()) + 1)


def near(table: pd.DataFrame, cutoff: float) -> list[tuple[int, int, float]]:
    """All pairs of cells of neighbouring frames that lie within a distance."""
    pairs = []
    groups = [table[table["frame"] == frame] for frame in range(int(table["frame"].max()) + 1)]
    for one, other in pairwise(groups):
        apart = one[["y", "x"]].to_numpy()[:, None] - other[["y", "x"]].to_numpy()[None]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        for i, j in zip(*np.nonzero(distance <= cutoff), strict=True):
            pairs.append((int(one.index[i]), int(other.index[j]), float(distance[i, j])))
    return pairs


def graph_of(table: pd.DataFrame, cutoff: float) -> Any:
    """A networkx graph of all pairs within the distance, nearer ones with more weight."""
    import networkx as nx

    graph = nx.DiGraph()
    for row in table.itertuples():
        graph.add_node(int(row.Index), time=int(row.frame), t=int(row.frame))
    for one, other, distance in near(table, cutoff):
        graph.add_edge(one, other, weight=1 - distance / cutoff / 2, distance=distance)
    return graph


def link_greedy(table: pd.DataFrame, cutoff: float | None) -> Tracks:
    """Trackastra's greedy linking, nearest pairs first; two daughters at most."""
    from trackastra.tracking.tracking import track_greedy

    solution = track_greedy(graph_of(table, cutoff or USUAL), threshold=0.5)
    edges = np.array(list(solution.edges), dtype=np.int64).reshape(-1, 2)
    return graph_to_tracks(table, edges, n_frames=int(table["frame"].max()) + 1)


def link_motile(table: pd.DataFrame, cutoff: float | None) -> Tracks:
    """Motile's ILP: distances beyond the cutoff cost more than they give, as does a division."""
    import motile
    from motile.constraints import MaxChildren, MaxParents
    from motile.costs import EdgeSelectedCost, NodeSplitCost

    limit = cutoff or USUAL
    solver = motile.Solver(motile.TrackGraph(graph_of(table, limit), frame_attribute="t"))
    solver.add_cost(EdgeSelectedCost(weight=1.0, attribute="distance", constant=-limit))
    solver.add_cost(NodeSplitCost(constant=limit / 4))
    solver.add_constraint(MaxParents(1))
    solver.add_constraint(MaxChildren(2))
    solver.solve(verbose=False)
    edges = np.array(list(solver.get_selected_subgraph().edges), dtype=np.int64).reshape(-1, 2)
    return graph_to_tracks(table, edges, n_frames=int(table["frame"].max()) + 1)


PEERS: dict[str, tuple[str, Callable[..., Tracks]]] = {
    "laptrack": ("laptrack", link_laptrack),
    "trackastra greedy, by distance": ("trackastra", link_greedy),
    "motile ILP": ("motile", link_motile),
}


def timed(work: Callable[[], Any], *, rounds: int) -> tuple[Any, float]:
    """What work gives, and its median of seconds."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, statistics.median(seconds)


def compare(folder: Path, *, rounds: int, tolerance: int) -> list[dict[str, Any]]:
    """A row for each linker on one film."""
    film = read_ctc(folder)
    truth, true_frames = ctc_to_tracks(film), list(film.frames)
    frames = shuffle(true_frames, seed=1)
    table = to_table(frames)
    plain = [match_frame(*pair) for pair in zip(true_frames, frames, strict=True)]

    def row(name: str, tracks: Tracks, matches: Any, seconds: float) -> dict[str, Any]:
        scores = score_links(tracks, truth, matches=matches, tolerance=tolerance)
        found = {"edges F1": scores.edges_f1, "divisions F1": scores.divisions_f1}
        return {"film": folder.name, "linker": name, **found, "seconds": seconds}

    rows = []
    if find_spec("coverslip.tracking.follow") is not None:
        (tracks, drawn), seconds = timed(lambda: link_ours(frames), rounds=rounds)
        matches = [match_frame(*pair) for pair in zip(true_frames, drawn, strict=True)]
        rows.append(row("coverslip, no setting", tracks, matches, seconds))
    for name, (package, link) in PEERS.items():
        if find_spec(package) is None:
            print(f"{name} is not installed, and is left out")
            continue
        tracks, seconds = timed(lambda link=link: link(table, None), rounds=rounds)
        rows.append(row(f"{name}, {USUAL} px", tracks, plain, seconds))
        more = LAPTRACK if package == "laptrack" else ({},)
        tried = [
            row(f"{name}, best: {cutoff} px", *_link_once(link, table, cutoff, plain, options))
            for cutoff in CUTOFFS
            for options in more
        ]
        best = max(tried, key=lambda it: (it["edges F1"], it["divisions F1"]))
        divisions = np.array([it["divisions F1"] for it in tried])
        rows.append(best | {"divisions F1": np.nanmax(np.append(divisions, best["divisions F1"]))})
    return rows


def _link_once(
    link: Any, table: pd.DataFrame, cutoff: float, matches: Any, options: dict[str, Any]
) -> tuple[Any, ...]:
    tracks, seconds = timed(lambda: link(table, cutoff, **options), rounds=1)
    return tracks, matches, seconds


def main() -> None:
    """Compare the linkers on every film, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tolerance", type=int, default=0, help="frames, of divisions")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["TQDM_DISABLE"] = "1"  # trackastra's bars
    asked = {"rounds": options.rounds, "tolerance": options.tolerance}
    rows = [row for folder in options.folders for row in compare(folder, **asked)]
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    if options.out is not None:
        table.to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
