"""Scores of cells, by hand and by the slowest way there is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from coverslip.errors import DataError
from coverslip.metrics import (
    THRESHOLDS,
    CellCounts,
    Outlines,
    aggregated_jaccard,
    average_precision,
    cell_f1,
    cell_precision,
    cell_recall,
    cell_scores,
    count_cells,
    count_overlaps,
    match_cells,
    mean_average_precision,
    panoptic_quality,
    pool_cells,
    segmentation_quality,
)
from coverslip.metrics.objects import count_splits, swap
from labelled import random_pair

# Four cells. 1 is found to the pixel; 2 of 5 px has 4 found and none invented; of 3 nothing is
# found; 4 of 4 px has 2 found. One cell is invented.
TRUTH = np.array(
    [
        [1, 1, 1, 0, 2, 2, 2, 2, 2, 0],
        [1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 3, 3, 0, 4, 4, 0],
        [0, 0, 0, 0, 3, 3, 0, 4, 4, 0],
    ]
)
PRED = np.array(
    [
        [9, 9, 9, 0, 5, 5, 5, 5, 0, 0],
        [9, 9, 9, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 7, 7, 7],
        [8, 8, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
)
EMPTY = np.zeros_like(TRUTH)


def row(text: str) -> np.ndarray:
    """One row of pixels: "aab." → [[1, 1, 2, 0]]; letters are cells, a point is background."""
    return np.array([[".abcdefgh".index(letter) for letter in text]])


def splits(truth: str, pred: str) -> int:
    return count_splits(count_overlaps(row(truth), row(pred)))


def merges(truth: str, pred: str) -> int:
    return count_splits(swap(count_overlaps(row(truth), row(pred))))


# --- pairs


def test_overlaps_by_eye():
    overlaps = count_overlaps(TRUTH, PRED)
    assert overlaps.true_area_px.tolist() == [6, 5, 4, 4]
    assert overlaps.pred_area_px.tolist() == [4, 3, 2, 6]  # of 5, 7, 8 and 9
    pairs = zip(overlaps.true, overlaps.pred, overlaps.shared_px, overlaps.union_px, strict=True)
    assert list(pairs) == [(0, 3, 6, 6), (1, 0, 4, 5), (3, 1, 2, 5)]
    assert overlaps.iou.tolist() == [1, 4 / 5, 2 / 5]


def test_numbers_may_be_any_and_of_any_type():
    large = np.where(TRUTH, TRUTH.astype(np.uint64) + 2**62, 0).astype(np.uint64)
    assert count_cells(large, PRED.astype(np.int8)) == count_cells(TRUTH, PRED)


def test_what_is_below_zero_is_background():
    assert count_cells(np.where(TRUTH == 3, -1, TRUTH), PRED).n_true == 3


def test_stacks_are_matched_too():
    stack = np.stack([TRUTH, TRUTH]), np.stack([PRED, PRED])
    counts = count_cells(*stack)
    assert (counts.n_true, counts.n_pred, counts.tp[0]) == (4, 4, 2)
    assert counts.iou_sum == 1.8


@pytest.mark.parametrize(("threshold", "n"), [(0.5, 2), (0.8, 2), (0.81, 1), (1, 1)])
def test_a_match_reaches_its_threshold(threshold, n):
    assert len(match_cells(count_overlaps(TRUTH, PRED), threshold=threshold)) == n


def test_two_halves_are_one_match():
    for truth, pred in (("aabb", "cccc"), ("aaaa", "ccdd")):
        overlaps = count_overlaps(row(truth), row(pred))
        assert overlaps.iou.tolist() == [0.5, 0.5]
        assert match_cells(overlaps).tolist() == [0]


@pytest.mark.parametrize("threshold", [0.49, 1.01, float("nan")])
def test_thresholds_without_a_unique_match_are_refused(threshold):
    with pytest.raises(ValueError, match=r"0\.5 to 1"):
        match_cells(count_overlaps(TRUTH, PRED), threshold=threshold)


def test_a_mask_is_not_taken_for_one_cell():
    with pytest.raises(TypeError, match=r"truth is a bool mask.*mask_to_labels"):
        count_cells(TRUTH > 0, PRED)
    with pytest.raises(TypeError, match="pred has type float64"):
        count_cells(TRUTH, PRED * 1.0)


def test_different_shapes_are_named():
    with pytest.raises(DataError, match=r"\(4, 10\).*\(4, 5\)"):
        count_cells(TRUTH, PRED[:, :5])


# --- scores by hand


def test_thresholds_are_those_of_the_field():
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@pytest.mark.parametrize("percent", range(50, 100, 5))
def test_an_iou_of_just_the_threshold_is_enough(percent):
    truth = np.ones((1, 100), int)
    pred = (np.arange(100)[None] < percent).astype(int)
    assert sum(count_cells(truth, pred).tp) == (percent - 50) / 5 + 1


def test_scores_by_hand():
    counts = count_cells(TRUTH, PRED)
    assert counts.tp == (2,) * 7 + (1,) * 3  # an IoU of 1, and one of 0.8
    assert counts.iou_sum == 1.8
    assert cell_precision(counts) == cell_recall(counts) == cell_f1(counts) == 2 / 4
    assert cell_precision(counts, threshold=0.85) == 1 / 4
    assert average_precision(counts) == average_precision(counts, threshold=0.75) == 2 / 6
    assert average_precision(counts, threshold=0.95) == 1 / 7
    assert mean_average_precision(counts) == pytest.approx((7 * 2 / 6 + 3 / 7) / 10)
    assert segmentation_quality(counts) == 0.9
    assert panoptic_quality(counts) == 0.9 * 0.5
    # 1, 2 and 4 take one each, 3 is missed, 8 is invented
    assert (counts.aji_shared_px, counts.aji_union_px) == (6 + 4 + 2, 6 + 5 + 5 + 4 + 2)
    assert aggregated_jaccard(counts) == 12 / 22


def test_precision_is_of_the_predicted_and_recall_of_the_true():
    counts = count_cells(TRUTH, np.where(PRED == 9, 9, 0))
    assert (cell_precision(counts), cell_recall(counts)) == (1, 1 / 4)


def test_the_scores_of_the_tables_in_their_order():
    scores = cell_scores(count_cells(TRUTH, PRED))
    assert list(scores) == [
        "ap50", "ap75", "mean_ap", "cell_precision", "cell_recall", "cell_f1", "sq", "pq", "aji",
        "boundary_f",
    ]  # fmt: skip
    assert scores["pq"] == 0.45 and scores["sq"] == 0.9 and scores["aji"] == 12 / 22


def test_an_unknown_threshold_is_named():
    with pytest.raises(ValueError, match=r"0\.52; wanted one of \(0\.5,"):
        average_precision(CellCounts(), threshold=0.52)


# --- nothing to find


def test_nothing_to_find_and_nothing_claimed_is_perfect():
    assert set(cell_scores(count_cells(EMPTY, EMPTY)).values()) == {1}
    assert set(cell_scores(CellCounts()).values()) == {1}


@pytest.mark.parametrize("pair", [(TRUTH, EMPTY), (EMPTY, TRUTH)])
def test_nothing_found_or_all_invented_scores_zero(pair):
    assert set(cell_scores(count_cells(*pair)).values()) == {0}


def test_cells_that_share_no_pixel_score_zero():
    apart = cell_scores(count_cells(row("aaa......"), row("......bbb")))
    assert set(apart.values()) == {0}


def test_no_pixel_at_all_is_nothing_to_find():
    nothing = np.zeros((0, 5), int)
    assert count_cells(nothing, nothing) == CellCounts()


# --- aggregated Jaccard


def test_a_predicted_cell_may_be_taken_twice():
    counts = count_cells(row("aaabb"), row("ccccc"))  # both take c
    assert (counts.aji_shared_px, counts.aji_union_px) == (3 + 2, 5 + 5)


def test_the_highest_iou_is_taken_not_the_largest_overlap():
    counts = count_cells(row("aaaaa........"), row("ccdddddddddd."))  # 2 of 5 against 3 of 12
    assert (counts.aji_shared_px, counts.aji_union_px) == (2, 5 + 10)


def test_among_equals_the_lowest_number_is_taken():
    # the IoU is 1 of 3 px with the one and 2 of 6 px with the other
    truth = row("ccc...")
    for pred, wanted in ((row("abbbbb"), (1, 3 + 5)), (row("baaaaa"), (2, 6 + 1))):
        assert count_overlaps(truth, pred).iou.tolist() == [1 / 3, 1 / 3]
        counts = count_cells(truth, pred)
        assert (counts.aji_shared_px, counts.aji_union_px) == wanted


# --- splits and merges


@pytest.mark.parametrize(
    ("truth", "pred", "n"),
    [
        ("aaaaaaaa", "bbbbcccc", 1),  # halves
        ("aaaaaaaa", "bbbccccd", 1),  # thirds
        ("aaaaaaaa", "bbbbbccc", 0),  # b is 5 of 8: found, and c invented
        ("aaaaaaaa", "bb....cc", 0),  # two specks that cover no more than half
        ("aaaaaaaa", "bbb...cc", 1),  # 5 of 8 covered
        ("aaaaaaaa", "bbbb....", 0),  # one piece alone
        ("aaaa......", "bbccccccc.", 0),  # c lies elsewhere for the most part
        ("aaaaaabbbbbb", "ccccddddeeee", 0),  # d lies in none by more than half
        ("aaaaaabbbbbb", "cccdddeeefff", 2),
        ("aaaaaa...", "bbbcccccc", 0),  # one half of c lies in a, which is not most of it
        ("aaaaaaaa....", "...bbbbbbbbb", 0),  # b lies in a and covers it, but is alone
        ("aaaaaaaa", "........", 0),
    ],
)
def test_splits_and_merges_by_eye(truth, pred, n):
    assert splits(truth, pred) == n
    assert merges(pred, truth) == n
    assert merges(truth, pred) == 0


def test_splits_and_merges_are_counted_in_their_places():
    split = count_cells(row("aaaaaa.bbb"), row("ccceee.ddd"))
    assert (split.splits, split.merges) == (1, 0)
    merge = count_cells(row("ccceee.ddd"), row("aaaaaa.bbb"))
    assert (merge.splits, merge.merges) == (0, 1)


# --- the slowest way there is


def iou_of(truth: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """(n_true, n_pred), cell by cell."""
    true_cells = [truth == number for number in np.unique(truth[truth > 0])]
    pred_cells = [pred == number for number in np.unique(pred[pred > 0])]
    iou = np.zeros((len(true_cells), len(pred_cells)))
    for i, t in enumerate(true_cells):
        for j, p in enumerate(pred_cells):
            iou[i, j] = np.count_nonzero(t & p) / np.count_nonzero(t | p)
    return iou


@pytest.mark.parametrize("seed", range(0, 60))
def test_matches_are_the_optimal_ones(seed):
    truth, pred = random_pair(seed)
    iou, counts = iou_of(truth, pred), count_cells(truth, pred)
    for threshold, tp in zip(THRESHOLDS, counts.tp, strict=True):
        gain = np.where(iou >= threshold, 1 + iou, 0)
        best = gain[linear_sum_assignment(gain, maximize=True)]
        assert tp == np.count_nonzero(best)
        if threshold == 0.5:
            assert counts.iou_sum == pytest.approx(best.sum() - tp)


@pytest.mark.parametrize("seed", range(0, 60))
def test_aji_is_that_of_the_published_algorithm(seed):
    truth, pred = random_pair(seed)
    iou, used = iou_of(truth, pred), set()
    numbers = np.unique(pred[pred > 0])
    shared = union = 0
    for i, number in enumerate(np.unique(truth[truth > 0])):
        cell = truth == number
        if not iou.size or iou[i].max() == 0:
            union += np.count_nonzero(cell)
            continue
        taken = numbers[iou[i].argmax()]
        used.add(taken)
        shared += np.count_nonzero(cell & (pred == taken))
        union += np.count_nonzero(cell | (pred == taken))
    union += sum(np.count_nonzero(pred == number) for number in numbers if number not in used)
    counts = count_cells(truth, pred)
    assert (counts.aji_shared_px, counts.aji_union_px) == (shared, union)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_swapping_truth_and_prediction_swaps_what_it_should(seed):
    truth, pred = random_pair(seed)
    there, back = count_cells(truth, pred), count_cells(pred, truth)
    assert (there.n_true, there.splits) == (back.n_pred, back.merges)
    assert (there.n_pred, there.merges) == (back.n_true, back.splits)
    assert there.tp == back.tp
    assert there.iou_sum == pytest.approx(back.iou_sum)
    assert cell_precision(there) == cell_recall(back)


# --- many images


def test_pooled_counts_are_those_of_one_large_image():
    pairs = [random_pair(seed) for seed in range(20)]
    truth, pred = (np.zeros((20 * 52, 48), np.int32) for _ in range(2))  # each is 48 x 48 or less
    for number, (t, p) in enumerate(pairs):
        window = np.s_[52 * number : 52 * number + t.shape[0], : t.shape[1]]
        truth[window] = np.where(t, t + 1000 * number, 0)
        pred[window] = np.where(p, p + 1000 * number, 0)
    pooled, large = pool_cells(count_cells(*pair) for pair in pairs), count_cells(truth, pred)
    assert large.iou_sum == pytest.approx(pooled.iou_sum)
    for name in ("n_true", "n_pred", "tp", "aji_shared_px", "aji_union_px", "splits", "merges"):
        assert getattr(large, name) == getattr(pooled, name) != 0


def test_no_image_pools_to_nothing():
    assert pool_cells([]) == CellCounts()


def test_counts_are_plain_numbers():
    counts = count_cells(TRUTH, PRED)
    whole = [counts.n_true, *counts.tp, counts.aji_shared_px, counts.aji_union_px, counts.splits]
    assert {type(number) for number in whole} == {int}
    assert type(counts.iou_sum) is float and isinstance(counts.outlines, Outlines)


def test_many_cells_take_little_time_and_memory():
    """A table of all pairs would be 10,000 × 10,000; this test is quick because there is none."""
    side, step = 100, 8
    truth = np.kron(np.arange(1, side * side + 1).reshape(side, side), np.ones((step, step), int))
    pred = np.roll(truth, 2, axis=1)  # 6 of 8 columns: an IoU of 6 / 10
    counts = count_cells(truth, pred)
    assert counts.n_true == counts.n_pred == 10_000
    assert counts.tp == (10_000,) * 3 + (0,) * 7
