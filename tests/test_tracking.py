"""Tracking: films small enough to check by eye, and a crowd whose truth is known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from coverslip.errors import DataError, SettingsError
from coverslip.tracking import TrackSettings, find_cells, track, track_labels
from damaged_masks import Damage, damage_film
from swimming import crowd, draw, film, links_of


def fates(tracks):
    return dict(zip(tracks.lineage["track_id"], tracks.lineage["fate"], strict=True))


def test_the_place_size_and_shape_of_a_cell():
    cells = find_cells(np.array([[0, 5, 5, 5], [0, 0, 0, 0], [9, 0, 0, 0]]))
    assert cells.label.tolist() == [5, 9]
    assert cells.area.tolist() == [3, 1]
    assert cells.place.tolist() == [[0, 2], [2, 0]]
    assert cells.spread[0] == pytest.approx(np.array([[1 / 12, 0], [0, 2 / 3 + 1 / 12]]))
    assert cells.rim.tolist() == [0, 0]


def test_a_cell_keeps_its_number_whatever_its_label():
    moving = film(*([(40, 30 + 4 * t, 6), (80, 120 - 4 * t, 6)] for t in range(6)))
    swapped = moving.copy()
    swapped[1::2] = np.array([0, 2, 1])[moving[1::2]]
    tracks = track(swapped)
    assert len(tracks.lineage) == 2
    truth = moving if tracks.rows_of(0)["track_id"].tolist() == [1, 2] else 3 - moving
    for frame in range(6):
        assert np.array_equal(track_labels(tracks, swapped[frame], frame), truth[frame])


def test_a_division_has_a_mother_and_two_daughters():
    one = [(60, 60, 10)]
    two = [(60, 53, 7), (60, 67, 7)]
    tracks = track(film(one, one, two, two))
    assert tracks.lineage["parent_track_id"].tolist() == [0, 1, 1]
    assert tracks.lineage["generation"].tolist() == [0, 1, 1]
    assert tracks.lineage["lineage_id"].tolist() == [1, 1, 1]
    assert fates(tracks) == {1: "divides", 2: "end", 3: "end"}
    assert tracks.lineage["end_frame"].tolist() == [1, 3, 3]


def test_without_divisions_a_daughter_is_the_mother_and_the_other_is_new():
    one, two = [(60, 60, 10)], [(60, 53, 7), (60, 67, 7)]
    tracks = track(film(one, one, two, two), settings=TrackSettings(divisions=False))
    assert tracks.lineage["parent_track_id"].tolist() == [0, 0]


def test_a_cell_that_comes_in_at_the_rim_beside_another_is_no_daughter():
    stays = (60, 20, 8)
    tracks = track(film([stays], [stays], [stays, (60, 1, 5)], [stays, (60, 3, 6)]))
    assert tracks.lineage["parent_track_id"].tolist() == [0, 0]


def test_a_cell_that_goes_out_leaves_and_one_that_vanishes_is_lost():
    other = [(100, 100, 8)]
    tracks = track(
        film(
            [(60, 20, 8), (30, 80, 8), *other],
            [(60, 12, 8), (30, 80, 8), *other],
            [(60, 4, 8), *other],
            other,
            other,
        ),
        settings=TrackSettings(max_gap=0),
    )
    assert fates(tracks) == {1: "leaves", 2: "lost", 3: "end"}


@pytest.mark.parametrize("missed", [1, 2])
def test_a_cell_that_is_missed_is_the_same_cell_afterwards(missed):
    here, other = (30, 40, 8), (90, 120, 8)
    frames = [[here, other]] * 3 + [[other]] * missed + [[here, other]] * 3
    tracks = track(film(*frames))
    assert len(tracks.lineage) == 2
    tracks = track(film(*frames), settings=TrackSettings(max_gap=missed - 1))
    assert len(tracks.lineage) == 3


def test_daughters_are_found_though_the_mother_was_missed_before():
    mother, daughters, other = (60, 60, 10), [(60, 53, 7), (60, 67, 7)], (20, 130, 10)
    frames = [[mother, other]] * 3 + [[other]] + [[*daughters, other]] * 2
    tracks = track(film(*frames))
    assert sorted(tracks.lineage["parent_track_id"]) == [0, 0, 1, 1]


def test_the_drift_of_the_stage_is_taken_out():
    rng = np.random.default_rng(0)
    places = [(y, x) for y in range(100, 300, 40) for x in range(100, 400, 40)]
    size, shift = (400, 500), np.array([0, 0])
    frames = []
    for _ in range(5):
        frames.append([(y + shift[0], x + shift[1], 7) for y, x in places])
        shift = shift + rng.integers(-35, 36, 2)
    tracks = track(film(*frames, size=size))
    assert len(tracks.lineage) == len(places)
    assert tracks.cells["displacement_px"].max() < 1
    assert "drifts" in " ".join(tracks.notes)


def test_a_mask_parted_in_one_frame_is_put_together():
    whole, other = (60, 60, 10), (20, 130, 10)
    labels = film(*[[other, whole]] * 5)
    labels[2][60:][labels[2][60:] == 2] = 3
    labels[2][59] = 0
    tracks = track(labels)
    assert len(tracks.lineage) == 2
    assert len(np.unique(track_labels(tracks, labels[2], 2))) == 3
    assert "1 masks that were parted" in tracks.notes[-1]
    kept = track(labels, settings=TrackSettings(keep_labels=True))
    assert len(np.unique(track_labels(kept, labels[2], 2))) == 4


def broken_disc(frame, *, cut):
    """A disc that breaks in two, unlike in size, along a gap of a pixel that wanders a little."""
    labels = draw([(20, 130, 9), (60, 60 + frame, 12)])
    if cut:
        column = np.arange(160)
        at = 63 + frame + frame % 2
        labels[:, column == at] = np.where(labels[:, [at]] == 2, 0, labels[:, [at]])
        labels[:, column > at] = np.where(labels[:, column > at] == 2, 3, labels[:, column > at])
    return labels


@pytest.mark.parametrize("frames", [2, 4])
def test_a_mask_parted_for_some_frames_is_put_together(frames):
    labels = np.stack([broken_disc(t, cut=4 <= t < 4 + frames) for t in range(14)])
    tracks = track(labels)
    assert len(tracks.lineage) == 2
    assert tracks.lineage["end_frame"].tolist() == [13, 13]
    for t in range(4, 4 + frames):
        assert (track_labels(tracks, labels[t], t) == 2).sum() == (labels[t] > 1).sum()
    kept = track(labels, settings=TrackSettings(keep_labels=True))
    assert len(kept.lineage) > 2


def test_a_piece_that_stays_apart_for_long_or_lies_apart_is_a_cell():
    long = np.stack([broken_disc(t, cut=4 <= t < 12) for t in range(16)])
    assert len(track(long).lineage) > 2
    away = [(60, 60, 12), (60, 84, 6)]
    frames = [away[:1]] * 4 + [away] * 3 + [away[:1]] * 4
    assert len(track(film(*frames)).lineage) == 2


def test_masks_that_are_wrong_by_chance_are_followed_better_when_mended():
    labels, links, _ = crowd(16, seed=5, size=260)
    true = follow_truth(labels, links)
    worse, _ = damage_film(true, damage=Damage(missed=0, joined=0.02, parted=0.1), seed=1)
    found = {keep: track(worse, settings=TrackSettings(keep_labels=keep)) for keep in (True, False)}
    lost = {keep: (one.lineage["fate"] == "lost").sum() for keep, one in found.items()}
    assert lost[False] < 0.6 * lost[True]
    mended = [track_labels(found[False], one, t) for t, one in enumerate(worse)]
    wrong = [abs(len(np.unique(a)) - len(np.unique(b))) for a, b in zip(true, mended, strict=True)]
    before = [abs(len(np.unique(a)) - len(np.unique(b))) for a, b in zip(true, worse, strict=True)]
    assert sum(wrong) < 0.6 * sum(before)


def follow_truth(labels, links):
    """The same labels in which a cell has one number in all frames."""
    number, drawn = {}, []
    onward = {(a, b): (c, d) for a, b, c, d in sorted(links)}
    single = Counter((a, b) for a, b, _, _ in links)
    past = {there: here for here, there in onward.items() if single[here] == 1}
    for t, one in enumerate(labels):
        numbers = np.zeros(one.max() + 1, int)
        for k in np.unique(one[one > 0]).tolist():
            number[t, k] = number.get(past.get((t, k)), len(number) + 1)
            numbers[k] = number[t, k]
        drawn.append(numbers[one])
    return drawn


def test_masks_joined_in_one_frame_are_parted():
    one, two, other = (60, 50, 9), (60, 70, 9), (20, 130, 9)
    labels = film(*[[other, one, two]] * 5)
    labels[2][60, 55:65] = 2
    labels[2][labels[2] == 3] = 2
    tracks = track(labels)
    assert len(tracks.lineage) == 3
    mended = track_labels(tracks, labels[2], 2)
    assert [np.sum(mended == n) for n in (2, 3)] == pytest.approx([254, 254], abs=20)
    assert (mended > 0).sum() == (labels[2] > 0).sum()


def test_a_cell_that_ends_in_another_merges():
    one, two = (60, 50, 9), (60, 70, 9)
    frames = [[one, two]] * 3 + [[(60, 60, 12.7)]] * 3
    tracks = track(film(*frames), settings=TrackSettings(merges=True))
    merged = tracks.lineage[tracks.lineage["fate"] == "merges"]
    assert len(merged) == 1
    assert merged["merges_into_track_id"].item() in (1, 2)


@pytest.mark.parametrize("seed", range(3))
def test_links_and_divisions_of_a_crowd(seed):
    labels, links, divisions = crowd(12, seed=seed)
    tracks = track(labels)
    found = links_of(tracks)
    assert 2 * len(found & links) / (len(found) + len(links)) > 0.99
    ends = tracks.cells.groupby("track_id").tail(1).set_index("track_id")
    mothers = ends.loc[tracks.lineage.query("fate == 'divides'")["track_id"]]
    called = set(zip(mothers["frame"].tolist(), mothers["label"].tolist(), strict=True))
    assert 2 * len(called & divisions) / (len(called) + len(divisions)) > 0.95


def test_speeds_ways_and_times_in_units():
    labels = film(*([(40, 30 + 3 * t, 6)] for t in range(4)), [(40, 30, 6)])
    tracks = track(labels, pixel_size_um=(0.5, 0.5), frame_interval_s=1800)
    rows = tracks.cells
    assert rows["time_h"].tolist() == [0, 0.5, 1, 1.5, 2]
    # one cell alone: its way is the view's, as far as anyone can tell
    assert rows["displacement_um"].to_numpy()[1:] == pytest.approx(rows["displacement_px"][1:] / 2)
    assert rows["speed_um_per_h"].to_numpy()[1:] == pytest.approx(rows["displacement_px"][1:])
    assert rows["area_um2"].to_numpy() == pytest.approx(rows["area_px"] / 4)


def test_directedness_is_one_on_a_straight_way_and_less_on_a_turn():
    still = [(y, x, 6) for y in (20, 100) for x in (20, 50, 80, 110, 140)]
    ways = [(60, 40), (60, 44), (60, 48), (64, 48), (68, 48)]
    tracks = track(film(*([*still, (*one, 6)] for one in ways)))
    mover = tracks.cells[tracks.cells["label"] == 11]
    assert mover["path_px"].iloc[-1] == pytest.approx(16, abs=0.5)
    assert mover["directedness"].iloc[2] == pytest.approx(1, abs=0.01)
    assert mover["directedness"].iloc[-1] == pytest.approx(np.hypot(8, 8) / 16, abs=0.02)


def test_no_cell_moves_farther_than_the_limit():
    labels = film([(40, 40, 6)], [(40, 60, 6)], [(40, 80, 6)], size=(120, 160))
    labels[:, 90:100, 90:100] = 2
    assert len(track(labels, settings=TrackSettings(max_distance_px=30)).lineage) == 2
    assert len(track(labels, settings=TrackSettings(max_distance_px=10, max_gap=0)).lineage) > 2


def test_empty_frames_and_a_single_frame_are_said():
    empty = np.zeros((120, 160), dtype=int)
    tracks = track([draw([(60, 60, 9)]), empty, draw([(60, 60, 9)])])
    assert len(tracks.lineage) == 1
    assert "no cell in 1 of 3 frames: 1" in tracks.notes
    assert track([draw([(60, 60, 9)])]).notes == ("one frame alone: there is nothing to link",)
    assert len(track([empty, empty]).cells) == 0


def test_what_is_no_labels_is_refused():
    with pytest.raises(DataError, match="float64"):
        track(np.zeros((3, 8, 8)))
    with pytest.raises(DataError, match="8 × 8 pixels, where frame 0 has 9 × 8"):
        track([np.zeros((9, 8), int), np.zeros((8, 8), int)])
    with pytest.raises(SettingsError, match="max_distance_px"):
        TrackSettings(max_distance_px=0)
    with pytest.raises(SettingsError, match="max_gap"):
        TrackSettings(max_gap=-1)


def test_the_labels_given_stay_as_they_are():
    labels, *_ = crowd(4, seed=5, n=9)
    before = labels.copy()
    track(labels)
    assert np.array_equal(labels, before)


def test_a_piece_that_splits_off_and_vanishes_is_no_daughter():
    whole, other = (60, 60, 12), (20, 130, 10)
    parted = [(60, 58, 9), (60, 72, 6)]
    frames = [[other, whole]] * 3 + [[other, *parted]] * 2 + [[other, (60, 58, 9)]] * 4
    tracks = track(film(*frames), settings=TrackSettings(max_gap=0, keep_labels=True))
    assert not (tracks.lineage["fate"] == "divides").any()
    assert sorted(tracks.lineage["end_frame"]) == [4, 8, 8]
    assert "1 division was not believed" in tracks.notes[-1]
