import numpy as np
import pytest

from coverslip.errors import DataError
from coverslip.metrics import Counts, count_pixels, dice, jaccard, pool, precision, recall, scores

# Six pixels of ten found, and two claimed that are none.
SOME = Counts(tp=6, fp=2, fn=4, tn=88)


def test_count_pixels_by_eye():
    truth = np.array([[1, 1, 1], [1, 0, 0]], dtype=bool)
    pred = np.array([[0, 0, 1], [1, 1, 0]], dtype=bool)
    assert count_pixels(truth, pred) == Counts(tp=2, fp=1, fn=2, tn=1)


def test_counts_are_plain_integers():
    counts = count_pixels(np.ones((2, 2), dtype=bool), np.eye(2, dtype=bool))
    assert type(counts.tp) is type(counts.tn) is int


def test_the_four_scores_by_hand():
    assert precision(SOME) == 6 / 8
    assert recall(SOME) == 6 / 10
    assert jaccard(SOME) == 6 / 12
    assert dice(SOME) == 12 / 18


def test_scores_are_all_four_in_the_order_of_the_tables():
    assert scores(SOME) == {"precision": 0.75, "recall": 0.6, "jaccard": 0.5, "dice": 12 / 18}
    assert list(scores(SOME)) == ["precision", "recall", "jaccard", "dice"]


def test_dice_follows_from_jaccard_and_from_precision_and_recall():
    j, p, r = jaccard(SOME), precision(SOME), recall(SOME)
    assert dice(SOME) == pytest.approx(2 * j / (1 + j))
    assert dice(SOME) == pytest.approx(2 * p * r / (p + r))


def test_true_negatives_change_no_score():
    assert scores(SOME) == scores(Counts(tp=6, fp=2, fn=4, tn=0))


def test_two_empty_masks_are_perfect():
    empty = np.zeros((3, 3), dtype=bool)
    assert set(scores(count_pixels(empty, empty)).values()) == {1.0}


def test_nothing_predicted_of_a_real_truth_scores_zero():
    assert set(scores(Counts(tp=0, fp=0, fn=5, tn=4)).values()) == {0.0}


def test_cells_predicted_where_there_are_none_score_zero():
    assert set(scores(Counts(tp=0, fp=5, fn=0, tn=4)).values()) == {0.0}


def test_swapping_truth_and_prediction_swaps_precision_and_recall():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 20, 20)) > [[[0.3]], [[0.6]]]
    there, back = scores(count_pixels(a, b)), scores(count_pixels(b, a))
    assert (there["precision"], there["recall"]) == (back["recall"], back["precision"])
    assert there["precision"] != there["recall"]
    assert (there["jaccard"], there["dice"]) == (back["jaccard"], back["dice"])


def test_pooled_counts_are_those_of_one_large_image():
    rng = np.random.default_rng(1)
    truth, pred = rng.random((2, 8, 8)) > 0.5
    halves = [count_pixels(truth[:4], pred[:4]), count_pixels(truth[4:], pred[4:])]
    assert pool(halves) == count_pixels(truth, pred)
    assert pool([]) == Counts(0, 0, 0, 0)


def test_labels_are_not_taken_for_masks():
    mask = np.zeros((2, 2), dtype=bool)
    with pytest.raises(TypeError, match=r"pred has type uint8.*labels > 0"):
        count_pixels(mask, mask.astype(np.uint8))


def test_different_shapes_are_named():
    with pytest.raises(DataError, match=r"\(2, 3\).*\(3, 2\)"):
        count_pixels(np.zeros((2, 3), dtype=bool), np.zeros((3, 2), dtype=bool))
