"""How well cells are followed when masks are wrong: true films whose masks are damaged by chance.

python benchmarks/tracking_damage.py FOLDER [FOLDER ...] [--seeds 5] [--simulated 3] [-o OUT.csv]

Each folder is the truth of a film in the form of the Cell Tracking Challenge; --simulated adds
films of cells that are drawn. Of the cells of a frame 5 % are missed, 3 % joined with a neighbour,
3 % parted in two, each for one to three frames, and all borders move by a pixel or so. Scored are
the links of the cells that are left (over the frames in which they were missed, too), the divisions
(a frame early or late is right), and TRA against the whole truth. The mean over the seeds is shown,
for the masks as they are given (--keep-labels) and with what is mended; and of laptrack, if it is
installed, with the cutoff that is best on the damaged film by hand.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.tracking import TrackSettings, track, track_labels
from coverslip.tracking.challenge import count_operations, score_tra
from coverslip.tracking.ctc import ctc_to_tracks, read_ctc
from coverslip.tracking.graph import graph_to_tracks
from coverslip.tracking.scores import match_frame, score_links

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))
from tracking import CUTOFFS, link_laptrack, to_table

from damaged_masks import Damage, damage_film
from swimming import crowd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

TOLERANCE = 1


@dataclass(frozen=True, eq=False)
class Film:
    """A film with its truth: a cell's number is that of its track."""

    name: str
    frames: list[NDArray[Any]]
    truth: Tracks


def open_film(folder: Path) -> Film:
    """The truth of a film in the form of the challenge."""
    film = read_ctc(folder)
    return Film(folder.name, [np.asarray(one) for one in film.frames], ctc_to_tracks(film))


def simulate(seed: int) -> Film:
    """Cells that wander, grow and divide, drawn."""
    labels, links, _ = crowd(30, seed=seed, size=260, n=25)
    places = [(t, int(k)) for t, one in enumerate(labels) for k in np.unique(one) if k]
    table = pd.DataFrame(places, columns=["frame", "label"])
    node = {place: n for n, place in enumerate(places)}
    edges = np.array(sorted((node[a, b], node[c, d]) for a, b, c, d in links))
    tracks = graph_to_tracks(table, edges, n_frames=len(labels))
    drawn = [track_labels(tracks, one, t) for t, one in enumerate(labels)]
    cells = tracks.cells.assign(label=tracks.cells["track_id"])
    return Film("simulated", drawn, type(tracks)(cells, tracks.lineage, tracks.n_frames))


def without(truth: Tracks, missed: list[set[int]]) -> Tracks:
    """The truth of what can be seen: cells that were missed are taken out, links go over them."""
    pairs = zip(truth.cells["frame"], truth.cells["label"], strict=True)
    cells = truth.cells[[one not in missed[t] for t, one in pairs]]
    lineage = truth.lineage[truth.lineage["track_id"].isin(cells["track_id"])]
    known = lineage["parent_track_id"].isin(cells["track_id"])
    lineage = lineage.assign(parent_track_id=lineage["parent_track_id"].where(known, 0))
    return type(truth)(cells, lineage, truth.n_frames)


def score(tracks: Tracks, drawn: list[NDArray[Any]], film: Film, seen: Tracks) -> dict[str, float]:
    """Scores of one result; drawn are the frames in which its labels are."""
    matches = [match_frame(*pair) for pair in zip(film.frames, drawn, strict=True)]
    links = score_links(tracks, seen, matches=matches, tolerance=TOLERANCE)
    names = ["track_id", "begin_frame", "end_frame", "parent_track_id"]
    tables = [one.lineage[names].to_numpy(np.int64) for one in (film.truth, tracks)]
    operations = count_operations(*tables, matches)
    lost = (tracks.lineage["fate"] == "lost").sum() / max(len(tracks.cells), 1)
    return {
        "edges F1": links.edges_f1,
        "divisions F1": links.divisions_f1,
        "divisions found": links.divisions[0],
        "false divisions": links.divisions[1],
        "missed divisions": links.divisions[2],
        "TRA": score_tra(operations),
        "lost, of 1,000 cells": 1000 * lost,
    }


def follow(labels: list[NDArray[Any]], settings: TrackSettings) -> tuple[Tracks, Any]:
    """Ours; masks may come out mended, and so cells are named by their tracks."""
    tracks = track(labels, settings=settings)
    drawn = [track_labels(tracks, one, t) for t, one in enumerate(labels)]
    cells = tracks.cells.assign(label=tracks.cells["track_id"])
    return type(tracks)(cells, tracks.lineage, tracks.n_frames), drawn


def compare(film: Film, *, seed: int, damage: Damage, peers: bool) -> list[dict[str, Any]]:
    """A row for each way to link one film, damaged once."""
    labels, missed = damage_film(film.frames, damage=damage, seed=seed)
    seen = without(film.truth, missed)
    ways = {"kept": TrackSettings(keep_labels=True), "mended": TrackSettings()}
    rows = []
    for name, settings in ways.items():
        found = score(*follow(labels, settings), film, seen)
        rows.append({"film": film.name, "linker": f"coverslip, {name}", **found})
    if peers and find_spec("laptrack") is not None:
        table = to_table(labels)
        tried = []
        for cutoff in CUTOFFS:
            tracks = link_laptrack(table, cutoff)
            drawn = [track_labels(tracks, one, t) for t, one in enumerate(labels)]
            cells = tracks.cells.assign(label=tracks.cells["track_id"])
            found = score(type(tracks)(cells, tracks.lineage, len(labels)), drawn, film, seen)
            tried.append({"film": film.name, "linker": "laptrack, best by hand", **found})
        rows.append(max(tried, key=lambda row: row["edges F1"]))
    return rows


def main() -> None:
    """Damage every film, follow it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--simulated", type=int, default=3, help="films that are drawn")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    films = [open_film(folder) for folder in options.folders]
    films += [simulate(seed) for seed in range(options.simulated)]
    rows = []
    for film in films:
        for seed in range(options.seeds):
            rows += compare(film, seed=seed, damage=Damage(), peers=not options.no_peers)
    table = pd.DataFrame(rows)
    mean = table.groupby(["film", "linker"], sort=False).mean()
    print(mean.to_string(float_format=lambda value: f"{value:.3f}"))
    if options.out is not None:
        mean.to_csv(options.out)


if __name__ == "__main__":
    main()
