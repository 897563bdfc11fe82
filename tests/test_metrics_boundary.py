"""Outlines of cells, and how near one is to the other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries

from coverslip.metrics import (
    TOLERANCE_PX,
    CellCounts,
    Outlines,
    boundary_f,
    boundary_precision,
    boundary_recall,
    count_cells,
    count_outlines,
    outline,
)
from labelled import random_pair


def boxes(*lefts: int, width: int = 4) -> np.ndarray:
    """Boxes of 4 rows in an image of 8 x 24, each with its number, from these columns on."""
    labels = np.zeros((8, 24), int)
    for number, left in enumerate(lefts, start=1):
        labels[2:6, left : left + width] = number
    return labels


def test_an_outline_is_drawn_inside_the_cell():
    expected = np.zeros((8, 24), bool)
    expected[2:6, 3:7] = True
    expected[3:5, 4:6] = False
    np.testing.assert_array_equal(outline(boxes(3)), expected)


def test_where_cells_touch_both_have_their_outline():
    between = outline(boxes(3, 7))[:, 6:8]
    assert between[2:6].all() and not between[:2].any() and not between[6:].any()
    merged = outline(boxes(3, width=8))[:, 6:8]
    assert merged[2].all() and not merged[3:5].any()


def test_the_edge_of_the_image_is_no_outline():
    assert not outline(np.full((5, 5), 3)).any()
    assert outline(boxes(0))[3:5].tolist() == [[False] * 3 + [True] + [False] * 20] * 2


@pytest.mark.parametrize("seed", range(20))
def test_outlines_are_those_of_scikit_image(seed):
    for labels in random_pair(seed):
        expected = find_boundaries(labels, connectivity=1, mode="inner")
        np.testing.assert_array_equal(outline(labels), expected)


def test_labels_are_left_as_they_are_and_below_zero_is_background():
    labels = boxes(3)
    labels[labels == 0] = -1
    before = labels.copy()
    np.testing.assert_array_equal(outline(labels), outline(boxes(3)))
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize(
    ("tolerance", "near"),
    # One box is in the columns 3 to 6, the other in 6 to 9. Column 6 of both is outline; then the
    # upper and lower side follow, two pixels with every column; and at last the far column.
    [(0, 4), (1, 6), (2, 8), (2.9, 8), (3, 12)],
)
def test_near_is_counted_by_distance(tolerance, near):
    found = count_outlines(boxes(3), boxes(6), tolerance_px=tolerance)
    assert found == Outlines(true_px=12, pred_px=12, true_near_px=near, pred_near_px=near)


def test_the_tolerance_is_round():
    dot, other = np.zeros((2, 9, 9), int)
    dot[2, 2] = other[5, 6] = 1  # 3 down and 4 to the right: 5 px
    assert count_outlines(dot, other, tolerance_px=4.99).true_near_px == 0
    assert count_outlines(dot, other, tolerance_px=5).true_near_px == 1


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 2, 5])
def test_near_is_that_of_a_distance_map(tolerance):
    for seed in range(20):
        truth, pred = random_pair(seed)
        edges = outline(truth), outline(pred)
        if not (edges[0].any() and edges[1].any()):
            continue
        to_true, to_pred = (distance_transform_edt(~edge) <= tolerance for edge in edges)
        found = count_outlines(truth, pred, tolerance_px=tolerance)
        assert found.true_near_px == np.count_nonzero(edges[0] & to_pred)
        assert found.pred_near_px == np.count_nonzero(edges[1] & to_true)


def test_boundary_scores_by_hand():
    counts = CellCounts(n_true=2, n_pred=1, outlines=Outlines(40, 20, 10, 15))
    assert boundary_precision(counts) == 15 / 20
    assert boundary_recall(counts) == 10 / 40
    assert boundary_f(counts) == pytest.approx(2 * 0.75 * 0.25 / (0.75 + 0.25))


def test_a_missing_line_between_two_cells_costs_recall_alone():
    """Where pixels agree altogether: the mask of two cells that touch, and of one."""
    two, one = boxes(3, 9, width=6), boxes(3, width=12)
    assert np.array_equal(two > 0, one > 0)
    counts = count_cells(two, one, tolerance_px=0)
    assert boundary_precision(counts) == 1
    assert boundary_recall(counts) == 1 - 4 / 32  # 2 x 2 px of the line; its ends are outline too
    assert boundary_f(count_cells(two, two)) == 1


def test_the_tolerance_is_2_px_if_none_is_given():
    assert TOLERANCE_PX == 2
    assert count_cells(boxes(3), boxes(5)) == count_cells(boxes(3), boxes(5), tolerance_px=2)
    assert boundary_f(count_cells(boxes(3), boxes(5))) == 1
    assert boundary_f(count_cells(boxes(3), boxes(6))) < 1


@pytest.mark.parametrize("tolerance", [-1, float("nan")])
def test_a_tolerance_that_cannot_be_is_refused(tolerance):
    with pytest.raises(ValueError, match="0 or more"):
        count_outlines(boxes(3), boxes(3), tolerance_px=tolerance)


def test_an_endless_tolerance_makes_everything_near():
    assert boundary_f(count_cells(boxes(0), boxes(20), tolerance_px=float("inf"))) == 1


def test_a_cell_that_fills_the_image_has_no_outline_and_is_yet_found_or_not():
    full, empty = np.ones((4, 4), int), np.zeros((4, 4), int)
    assert boundary_f(count_cells(full, full)) == 1
    assert boundary_f(count_cells(empty, empty)) == 1
    assert boundary_f(count_cells(full, empty)) == boundary_f(count_cells(empty, full)) == 0
    dot = np.pad([[1]], ((1, 2), (1, 2)))
    assert boundary_f(count_cells(full, dot)) == boundary_f(count_cells(dot, full)) == 0


def test_outlines_pool():
    one, other = Outlines(10, 8, 6, 4), Outlines(1, 2, 1, 0)
    assert one + other == Outlines(11, 10, 7, 4)
