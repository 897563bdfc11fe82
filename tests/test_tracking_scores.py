"""Scores of tracks: our own on films drawn by hand, the challenge's against py-ctcmetrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile

from coverslip.errors import DataError
from coverslip.tracking.ctc import CtcFilm, read_ctc
from coverslip.tracking.ctc_writer import write_ctc
from coverslip.tracking.frame_match import match_frame
from coverslip.tracking.link_scores import score_links
from coverslip.tracking.scores import CTC_SCORES, score_film
from films import division, draw, linked


def film(frames, rows, name="film"):
    return CtcFilm(name, frames, np.array(rows, dtype=np.int64).reshape(-1, 4))


def scored(result, truth, **options):
    return score_film(film(*result, "result"), film(*truth, "truth"), **options)


TRUTH = division()[0], [(1, 0, 1, 0), (2, 2, 3, 1), (3, 2, 3, 1), (4, 0, 3, 0), (5, 0, 0, 0)]


# --- who covers whom


def test_a_cell_is_found_where_more_than_half_of_it_is_covered():
    truth = np.zeros((1, 10), int)
    truth[0, :4], truth[0, 6:10] = 1, 2
    half, more = np.zeros_like(truth), np.zeros_like(truth)
    half[0, 2:4], more[0, 1:6] = 9, 9
    assert match_frame(truth, half).true_matched.tolist() == []
    found = match_frame(truth, more)
    assert (found.true_matched.tolist(), found.matched.tolist()) == ([1], [9])
    assert found.iou.tolist() == [3 / 6]


def test_numbers_beyond_16_bits_and_frames_without_background_count_in_full():
    truth = np.array([[70_000, 70_000, 4_000_000_000, 4_000_000_000]], dtype=np.uint32)
    found = match_frame(truth, truth.astype(np.int64) - 69_999)
    assert found.truth.tolist() == [70_000, 4_000_000_000]
    assert found.result.tolist() == [1, 3_999_930_001]
    assert found.iou.tolist() == [1, 1]


# --- links and divisions, ours


def links_of(result, truth, tolerance=0):
    (frames, tracks), (true_frames, true_tracks) = result, truth
    matches = [match_frame(*pair) for pair in zip(true_frames, frames, strict=True)]
    return score_links(tracks, true_tracks, matches=matches, tolerance=tolerance)


def test_the_truth_scores_one():
    scores = links_of(division(), division())
    # links: 1, 2, 3 once each, 4 twice, one of them over its gap, and two to the daughters
    assert scores.edges == (7 - 1 + 1, 0, 0)
    assert scores.divisions == (1, 0, 0)
    assert (scores.edges_f1, scores.divisions_f1) == (1, 1)
    assert (scores.n_cells, scores.n_found) == (10, 10)


def test_daughters_without_a_mother_cost_two_links_and_the_division():
    scores = links_of(linked(division()[0], {}), division())
    assert scores.edges == (5, 0, 2)
    assert scores.edges_f1 == 10 / 12
    assert scores.divisions == (0, 0, 1)


def test_two_cells_that_change_places_cost_both_links():
    truth = linked([draw({1: 4, 2: 30}), draw({1: 5, 2: 31}), draw({1: 6, 2: 32})], {})
    swapped = linked([draw({1: 4, 2: 30}), draw({1: 5, 2: 31}), draw({2: 6, 1: 32})], {})
    scores = links_of(swapped, truth)
    assert scores.edges == (2, 2, 2)
    assert scores.edges_f1 == 0.5
    assert math.isnan(scores.divisions_f1)


def test_a_missed_cell_costs_the_links_to_it_and_a_bridge_over_it_is_one_too_many():
    truth = linked([draw({1: 4}), draw({1: 5}), draw({1: 6})], {})
    gap = linked([draw({1: 4}), draw({}), draw({1: 6})], {})
    scores = links_of(gap, truth)
    assert scores.edges == (0, 1, 2)
    assert (scores.n_cells, scores.n_found) == (3, 2)


def test_a_cell_over_two_true_ones_is_neither():
    truth = linked([draw({1: 4, 2: 10}), draw({1: 4, 2: 10})], {})
    merged = np.where(draw({1: 4, 2: 10}) > 0, 1, 0)
    scores = links_of(linked([merged, merged], {}), truth)
    assert scores.n_found == 0
    assert scores.edges == (0, 1, 2)


def test_a_late_division_is_one_with_tolerance_alone():
    """The mother stands for one of her daughters for a frame more, and 9 for the other."""
    begin, end = [draw({1: 10}), draw({1: 10})], draw({2: 4, 3: 16})
    truth = linked([*begin, draw({2: 6, 3: 14}), end], {2: 1, 3: 1})
    late = linked([*begin, draw({1: 6, 9: 14}), end], {2: 1, 3: 1})
    assert links_of(late, truth).divisions == (0, 1, 1)
    assert links_of(late, truth, tolerance=1).divisions == (1, 0, 0)
    assert links_of(truth, late, tolerance=1).divisions == (1, 0, 0)


def test_daughters_of_another_mother_are_no_division():
    frames = [draw({1: 10, 5: 40}), draw({1: 10, 5: 40}), draw({2: 6, 3: 14}), draw({2: 4, 3: 16})]
    truth, wrong = linked(frames, {2: 1, 3: 1}), linked(frames, {2: 5, 3: 5})
    assert links_of(wrong, truth, tolerance=3).divisions == (0, 1, 1)


def test_three_daughters_for_two_are_no_division():
    frames = [draw({1: 10}), draw({2: 6, 3: 14, 4: 40})]
    scores = links_of(linked(frames, {2: 1, 3: 1, 4: 1}), linked(frames, {2: 1, 3: 1}))
    assert scores.divisions == (0, 1, 1)
    assert scores.edges == (2, 1, 0)


# --- those of the challenge


def save(folder, frames, rows, *, truth=False):
    masks = folder / "TRA" if truth else folder
    masks.mkdir(parents=True)
    for frame, labels in enumerate(frames):
        name = f"man_track{frame:03}.tif" if truth else f"mask{frame:03}.tif"
        tifffile.imwrite(masks / name, labels.astype(np.uint16))
    lines = "".join(" ".join(map(str, row)) + "\n" for row in rows)
    (masks / ("man_track.txt" if truth else "res_track.txt")).write_text(lines)
    return folder


def worse():
    """A result with a miss, a wrong daughter, a cell too many, and a track that breaks."""
    frames = [
        draw({1: 10, 4: 40}),
        draw({1: 11}),
        draw({2: 6, 3: 15, 4: 40}),
        draw({2: 4, 6: 16, 4: 42, 7: (14, 20)}),
    ]
    return frames, [
        (1, 0, 1, 0),
        (2, 2, 3, 1),
        (3, 2, 2, 1),
        (4, 0, 0, 0),
        (6, 3, 3, 0),
        (7, 3, 3, 0),
    ]


def test_scores_are_those_of_py_ctcmetrics(tmp_path, capsys):
    metrics = pytest.importorskip("ctc_metrics")
    frames, rows = worse()
    frames = [frames[0], frames[1], np.where(frames[2] == 4, 8, frames[2]), frames[3]]
    frames[3] = np.where(frames[3] == 4, 8, frames[3])
    rows = [*rows, (8, 2, 3, 4)]
    truth = [*TRUTH[0]], [*TRUTH[1][:3], (4, 0, 0, 0), (6, 2, 3, 4), TRUTH[1][4]]
    truth[0][2:] = [np.where(labels == 4, 6, labels) for labels in truth[0][2:]]
    save(tmp_path / "RES", frames, rows)
    save(tmp_path / "GT", *truth, truth=True)
    wanted = ["DET", "TRA", "LNK", "CT", "TF", "BC", "CCA", "BIO"]
    theirs = metrics.evaluate_sequence(
        str(tmp_path / "RES"), str(tmp_path / "GT"), metrics=wanted, threads=1
    )
    for tolerance in (0, 2):
        film_scores = score_film(
            read_ctc(tmp_path / "RES"), read_ctc(tmp_path / "GT"), tolerance=tolerance
        )
        ours = film_scores.ctc
        assert {name: ours[name] for name in ("DET", "TRA", "LNK", "CT", "TF")} == {
            name: pytest.approx(theirs[name]) for name in ("DET", "TRA", "LNK", "CT", "TF")
        }
        assert ours["BC"] == theirs[f"BC({tolerance})"]
        assert ours["BIO"] == pytest.approx(theirs[f"BIO({tolerance})"])
        assert ours["CCA"] is None
        assert 0 < ours["TRA"] < 1
        assert ours["SEG"] is None
        assert "SEG needs masks" in film_scores.notes[0]


def draw_lineages(rng, n_frames=9, n=4):
    """Cells in a row that move, vanish, are renumbered, divide and divide again; their table."""
    alive = [(number, 16 * number, 14) for number in range(1, n + 1)]
    rows = {number: [number, 0, 0, 0] for number, *_ in alive}
    frames = []
    for t in range(n_frames):
        now, labels = [], np.zeros((4, 16 * (n + 2)), int)
        for number, left, wide in alive:
            chance = rng.random()
            kinds = 2 if chance < 0.2 and wide > 3 and t else int(chance < 0.35 and t > 0)
            if kinds == 0:
                now.append((number, left, wide))
            for kind in range(kinds):
                new = len(rows) + 1
                rows[new] = [new, t, t, number if kinds == 2 or chance < 0.27 else 0]
                now.append((new, left + kind * wide // 2, wide // kinds))
        alive = [one for one in now if rng.random() > 0.03]
        for number, left, wide in alive:
            start = left + rng.integers(0, 2)
            labels[:, start : start + wide - rng.integers(0, 2)] = number
            rows[number][2] = t
        frames.append(labels)
    there = {number for labels in frames for number in np.unique(labels).tolist()}
    kept = [row for row in rows.values() if row[0] in there]
    return frames, [(*row[:3], row[3] if row[3] in there else 0) for row in kept]


def as_theirs(matches):
    names = ("truth", "result", "true_matched", "matched")
    keys = ("labels_ref", "labels_comp", "mapped_ref", "mapped_comp")
    lists = {key: [getattr(match, name).tolist() for match in matches]
             for key, name in zip(keys, names, strict=True)}  # fmt: skip
    return lists | {"ious": [match.iou for match in matches]}


def test_scores_of_lineages_drawn_by_chance_are_theirs_to_the_last_digit():
    evaluate = pytest.importorskip("ctc_metrics.scripts.evaluate")
    cycles = 0
    for seed in range(40):
        truth = draw_lineages(np.random.default_rng(seed))
        result = draw_lineages(np.random.default_rng(seed + 20 * (seed % 3)))
        frames = zip(truth[0], result[0], strict=True)
        matches = [match_frame(true, labels) for true, labels in frames]
        tables = [np.array(rows, dtype=np.int64) for _, rows in (result, truth)]
        n = seed % 4
        wanted = ["DET", "SEG", "TRA", "LNK", "CT", "TF", "BC", f"BC({n})", "CCA", "BIO"]
        theirs = evaluate.calculate_metrics(
            *tables, as_theirs(matches), as_theirs(matches), wanted, is_valid=True
        )
        ours = scored(result, truth, seg_truth=dict(enumerate(truth[0])), tolerance=n)
        assert not ours.notes
        theirs |= {"BC": theirs[f"BC({n})"], "BIO": theirs[f"BIO({n})"]}
        assert ours.ctc == {name: theirs[name] for name in CTC_SCORES}
        cycles += ours.ctc["CCA"] is not None
    assert cycles > 10


def split_gap(frames, rows):
    """The truth as the challenge wants it: a cell that was missed goes on as another number."""
    frames = [*frames[:2], *(np.where(labels == 4, 6, labels) for labels in frames[2:])]
    return frames, [*rows[:3], (4, 0, 0, 0), rows[4], (6, 2, 3, 4)]


def test_the_truth_scores_one_by_every_measure():
    truth = split_gap(*TRUTH)
    scores = scored(truth, truth, seg_truth=dict(enumerate(truth[0])))
    assert scores.notes == ()
    values = {name: value for name, value in scores.ctc.items() if name != "CCA"}
    assert values == dict.fromkeys(values, pytest.approx(1.0, abs=1e-4))
    assert scores.ctc["CCA"] is None  # no cell is seen from birth to division


def test_numbers_beyond_16_bits_score_as_small_ones():
    """py-ctcmetrics adds them up in 16 bits, where they wrap round: the score would be 0."""
    frames, rows = split_gap(*TRUTH)
    large = [np.where(labels > 0, labels + 65_530, 0) for labels in frames]
    more = [(a + 65_530, b, c, d + 65_530 * (d > 0)) for a, b, c, d in rows]
    scores = scored((large, more), (large, more))
    assert scores.ctc["TRA"] == scores.ctc["DET"] == scores.links.edges_f1 == 1
    assert scored((frames, rows), (large, more)).ctc["TRA"] == 1


def test_a_frame_wholly_covered_keeps_all_of_its_cells():
    """py-ctcmetrics takes the smallest number for the background, and loses a cell."""
    whole = np.repeat([[1, 2, 3]], 9, axis=0).repeat(9, axis=1)
    rows = [(1, 0, 1, 0), (2, 0, 1, 0), (3, 0, 1, 0)]
    missing = [np.where(labels == 1, 0, labels) for labels in (whole, whole)]
    assert scored(([whole, whole], rows), ([whole, whole], rows)).ctc["DET"] == 1
    scores = scored((missing, rows[1:]), ([whole, whole], rows))
    assert scores.ctc["DET"] == pytest.approx(1 - 20 / 60)  # two of six nodes, 10 each
    assert scores.ctc["LNK"] == pytest.approx(1 - 1.5 / 4.5)  # one of three edges


def test_masks_of_some_frames_score_seg(tmp_path):
    truth = split_gap(*TRUTH)
    half = np.zeros_like(truth[0][1])
    half[4:10, 10:22] = 1  # the true cell is twice as wide as the one found
    both = truth[0][0].copy()
    both[20:23, 50:56] = 9  # one more cell, which the result does not have
    scores = scored(truth, truth, seg_truth={0: both, 1: half})
    # frame 0: three cells of IoU 1 and one that is missed; frame 1: half of it is no match
    assert scores.ctc["SEG"] == pytest.approx(3 / 5)
    assert scores.ctc["OP_CTB"] == pytest.approx((3 / 5 + 1) / 2)


def test_a_result_without_a_cell_scores_nothing():
    """py-ctcmetrics fails on it."""
    frames, rows = split_gap(*TRUTH)
    scores = scored(([labels * 0 for labels in frames], []), (frames, rows))
    assert scores.ctc == {
        "DET": 0.0, "SEG": None, "TRA": 0.0, "LNK": 0.0, "OP_CTB": None,
        "BIO": 0.0, "CT": 0.0, "TF": 0.0, "BC": 0.0, "CCA": None,
    }  # fmt: skip
    assert scores.links.edges_f1 == 0
    assert scores.links.n_found == 0
    assert "no cell in any frame" in scores.notes[-1]


def test_a_film_of_one_frame_has_no_links_to_score():
    """py-ctcmetrics divides by the number of links."""
    frames, rows = [draw({1: 10, 2: 30})], [(1, 0, 0, 0), (2, 0, 0, 0)]
    scores = scored((frames, rows), (frames, rows))
    assert scores.ctc["DET"] == scores.ctc["TRA"] == 1
    assert scores.ctc["LNK"] is None
    assert math.isnan(scores.links.edges_f1)


def test_an_invalid_result_is_named_and_has_our_scores_alone():
    truth = split_gap(*TRUTH)
    scores = scored((truth[0], truth[1][:4]), truth)
    assert set(scores.ctc.values()) == {None}
    assert "number 5 is in the mask, and not in the table" in scores.notes[-1]
    # what the table lacks are tracks without a mother
    assert scores.links.edges == (6, 0, 1)


def test_a_number_that_is_missing_in_between_makes_a_result_invalid():
    scores = scored(TRUTH, split_gap(*TRUTH))
    assert "frame 1: number 4 is in the table, and not in the mask" in scores.notes[-1]
    assert scores.links.edges == (7, 0, 0)


def test_what_cannot_be_scored_is_refused():
    frames, rows = TRUTH
    with pytest.raises(DataError, match="result: 3 frames, and 4 of the truth truth"):
        scored((frames[:3], rows), TRUTH)
    with pytest.raises(DataError, match="truth: no cell in any frame"):
        scored(TRUTH, ([labels * 0 for labels in frames], []))
    with pytest.raises(DataError, match="result: frame 0: the result has 24 × 30 pixels, and the"):
        scored(([labels[:, :30] for labels in frames], rows), TRUTH)
    with pytest.raises(DataError, match="truth: frame 0: number 5 is in the mask"):
        scored(TRUTH, (frames, rows[:4]))


def test_what_we_write_is_valid_by_their_rules(tmp_path, recwarn):
    metrics = pytest.importorskip("ctc_metrics")
    frames, tracks = division()
    write_ctc(tmp_path / "RES", frames, tracks=tracks)
    save(tmp_path / "GT", *TRUTH, truth=True)
    found = metrics.evaluate_sequence(
        str(tmp_path / "RES"), str(tmp_path / "GT"), metrics=["Valid", "DET"], threads=1
    )
    assert found == {"Valid": 1, "DET": 1.0}
