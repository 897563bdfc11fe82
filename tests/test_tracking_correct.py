"""Tracks linked, cut, divided and swapped by hand, on films small enough to see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coverslip.errors import DataError
from coverslip.tracking import correct_tracks
from coverslip.tracking.assemble import build_tracks


def film(tracks, parents=None, n_frames=4):
    """Tracks of cells, each track a list of (frame, label)."""
    rows = [
        {"frame": frame, "label": label, "track_id": number}
        for number, cells in tracks.items()
        for frame, label in cells
    ]
    return build_tracks(pd.DataFrame(rows), parents or {}, n_frames=n_frames)


def paths(tracks):
    """Each track as its cells, in the order of where it begins."""
    found = {}
    for frame, label, track in tracks.cells[["frame", "label", "track_id"]].itertuples(index=False):
        found.setdefault(track, []).append((frame, label))
    return sorted(found.values())


def mothers(tracks):
    """The first cell of each daughter → the last of its mother."""
    ends = {}
    for frame, label, track in tracks.cells[["frame", "label", "track_id"]].itertuples(index=False):
        ends.setdefault(track, []).append((frame, label))
    rows = tracks.lineage[["track_id", "parent_track_id"]].itertuples(index=False)
    return {ends[track][0]: ends[parent][-1] for track, parent in rows if parent}


TWO = {1: [(0, 1), (1, 1), (2, 1), (3, 1)], 2: [(0, 2), (1, 2), (2, 2), (3, 2)]}
PARTED = {1: [(0, 1), (1, 1)], 2: [(2, 1), (3, 1)], 3: [(1, 9), (2, 9)]}
FAMILY = {1: [(0, 1), (1, 1)], 2: [(2, 1), (3, 1)], 3: [(2, 2), (3, 2)]}


def test_linked_tracks_are_one():
    made = correct_tracks(film(PARTED), [{"kind": "link", "from": [1, 1], "to": [2, 1]}])
    assert paths(made) == [[(0, 1), (1, 1), (2, 1), (3, 1)], [(1, 9), (2, 9)]]
    assert made.lineage["fate"].tolist() == ["end", "lost"]


def test_a_link_into_the_middle_leaves_the_rest_as_tracks_of_their_own():
    made = correct_tracks(film(TWO), [{"kind": "link", "from": [1, 1], "to": [2, 2]}])
    assert paths(made) == [[(0, 1), (1, 1), (2, 2), (3, 2)], [(0, 2), (1, 2)], [(2, 1), (3, 1)]]


def test_a_cut_takes_the_daughters_along_and_a_cut_at_birth_takes_the_mother_away():
    tracks = film(FAMILY, {2: 1, 3: 1})
    made = correct_tracks(tracks, [{"kind": "cut", "at": [1, 1]}])
    assert mothers(made) == {(2, 1): (1, 1), (2, 2): (1, 1)} and len(paths(made)) == 4
    made = correct_tracks(tracks, [{"kind": "cut", "at": [2, 2]}])
    assert mothers(made) == {(2, 1): (1, 1)}
    with pytest.raises(DataError, match="already"):
        correct_tracks(tracks, [{"kind": "cut", "at": [0, 1]}])


def test_a_division_makes_two_daughters_of_what_was_one_track_and_another():
    tracks = film({1: [(0, 1), (1, 1), (2, 1), (3, 1)], 2: [(2, 2), (3, 2)]})
    change = {"kind": "divide", "mother": [1, 1], "daughters": [[2, 1], [2, 2]]}
    made = correct_tracks(tracks, [change])
    assert mothers(made) == {(2, 1): (1, 1), (2, 2): (1, 1)}
    assert sorted(made.lineage["fate"]) == ["divides", "end", "end"]
    assert sorted(made.lineage["generation"]) == [0, 1, 1]
    with pytest.raises(DataError, match="later frames"):
        correct_tracks(tracks, [{**change, "daughters": [[1, 1], [2, 2]]}])


def test_swapped_tracks_exchange_what_follows_and_twice_is_nothing():
    swap = {"kind": "swap", "first": [2, 1], "second": [2, 2]}
    made = correct_tracks(film(TWO), [swap])
    assert paths(made) == [[(0, 1), (1, 1), (2, 2), (3, 2)], [(0, 2), (1, 2), (2, 1), (3, 1)]]
    assert paths(correct_tracks(film(TWO), [swap, swap])) == paths(film(TWO))


def test_a_link_undone_by_a_cut_is_as_before():
    link, cut = {"kind": "link", "from": [1, 1], "to": [2, 1]}, {"kind": "cut", "at": [2, 1]}
    assert paths(correct_tracks(film(PARTED), [link, cut])) == paths(film(PARTED))


def test_by_chance_every_cell_stays_in_one_track_and_mothers_end_before_daughters():
    rng = np.random.default_rng(0)
    cells = [(frame, label) for frame in range(5) for label in range(1, 5)]
    start = film({n: [(f, n) for f in range(5)] for n in range(1, 5)}, n_frames=5)
    changes, n_done = [], 0
    for _ in range(300):
        one, two, three = (list(cells[i]) for i in rng.choice(len(cells), 3, replace=False))
        change = [
            {"kind": "link", "from": one, "to": two},
            {"kind": "cut", "at": one},
            {"kind": "divide", "mother": one, "daughters": [two, three]},
            {"kind": "swap", "first": one, "second": [one[0], two[1]]},
        ][rng.integers(4)]
        try:
            made = correct_tracks(start, [*changes, change])
        except DataError:
            continue
        changes, n_done = [*changes, change][-30:], n_done + 1
        if len(changes) == 30:
            changes = []
        assert sorted(node for path in paths(made) for node in path) == cells
        for daughter, mother in mothers(made).items():
            assert mother[0] < daughter[0]
    assert n_done > 100


def test_a_cell_that_is_not_there_is_named():
    with pytest.raises(DataError, match="frame 7 has no tracked cell 1"):
        correct_tracks(film(TWO), [{"kind": "cut", "at": [7, 1]}])
