"""Cells deleted, merged, split, drawn, filled and proposed, in labels small enough to see."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.errors import DataError
from coverslip.segmentation import (
    delete_cells,
    draw_cell,
    fill_cell,
    grow_cell,
    merge_cells,
    split_cell,
)


def laid(labels, window):
    """The labels after an edit; the array given must be as it was."""
    height, width = window.labels.shape
    after = labels.copy()
    after[window.top : window.top + height, window.left : window.left + width] = window.labels
    return after


def grid(text):
    return np.array(
        [[int(c) for c in line.split()] for line in text.strip().split("\n")], np.uint32
    )


def test_deleted_cells_become_background_and_others_stay():
    labels = grid("1 1 0 2\n1 3 3 2\n0 3 3 4")
    before = labels.copy()
    assert laid(labels, delete_cells(labels, [3, 4])).tolist() == [
        [1, 1, 0, 2],
        [1, 0, 0, 2],
        [0, 0, 0, 0],
    ]
    assert (labels == before).all()
    with pytest.raises(DataError, match="no cell 9"):
        delete_cells(labels, [9])


def test_merged_cells_have_the_first_number_and_the_gap_between_them():
    labels = np.zeros((7, 12), np.uint32)
    labels[2:5, 1:5], labels[2:5, 6:10], labels[0, 5] = 3, 8, 4
    after = laid(labels, merge_cells(labels, [8, 3]))
    assert (after[2:5, 1:10] == 8).all() and after[0, 5] == 4
    assert np.count_nonzero(after == 8) == 27
    with pytest.raises(DataError, match="two or more"):
        merge_cells(labels, [3, 3])


def test_a_line_that_stops_short_of_the_edge_still_cuts():
    labels = np.zeros((12, 30), np.uint32)
    labels[2:10, 2:28] = 5
    after = laid(labels, split_cell(labels, 5, [(4.0, 12.0), (7.0, 12.0)], next_label=9))
    assert np.unique(after).tolist() == [0, 5, 9]
    assert (after[2:10, 13:28] == 5).all()  # the larger piece keeps its number
    assert (after[2:10, 2:12] == 9).all() and ((after > 0) == (labels > 0)).all()


def test_a_line_beside_a_cell_cuts_nothing():
    labels = np.zeros((20, 20), np.uint32)
    labels[5:15, 5:15] = 1
    with pytest.raises(DataError, match="does not cut"):
        split_cell(labels, 1, [(0.0, 0.0), (0.0, 19.0)], next_label=2)


def test_a_crooked_line_cuts_as_well_as_a_straight_one():
    labels = np.ones((30, 30), np.uint32)
    line = [(-2.0, 10.0), (10.0, 20.0), (14.0, 4.0), (31.0, 15.0)]
    after = laid(labels, split_cell(labels, 1, line, next_label=2))
    assert after[29, 0] != after[0, 29] and (after > 0).all()


def test_a_drawn_cell_takes_no_pixels_of_others():
    labels = np.zeros((10, 10), np.uint32)
    labels[:, :3] = 1
    after = laid(labels, draw_cell(labels, [(2, 0), (2, 8), (7, 8), (7, 0)], number=2))
    assert (after[:, :3] == 1).all() and (after[2:8, 3:9] == 2).all()
    assert np.count_nonzero(after == 2) == 36
    with pytest.raises(DataError, match="no pixel that is free"):
        draw_cell(labels, [(2, 0), (2, 2), (7, 2)], number=2)


def test_a_cell_that_is_drawn_anew_leaves_where_it_was():
    labels = np.zeros((10, 10), np.uint32)
    labels[0:3, 0:3] = 4
    after = laid(labels, draw_cell(labels, [(5, 5), (5, 8), (8, 8), (8, 5)], number=4))
    assert (after[5:9, 5:9] == 4).all() and np.count_nonzero(after == 4) == 16


def test_a_hole_with_another_cell_in_it_is_filled_around_it():
    labels = np.zeros((7, 7), np.uint32)
    labels[1:6, 1:6], labels[2:5, 2:5], labels[3, 3] = 1, 0, 2
    after = laid(labels, fill_cell(labels, 1))
    assert after[3, 3] == 2 and np.count_nonzero(after == 1) == 24
    with pytest.raises(DataError, match="no holes"):
        fill_cell(after, 2)


def test_a_click_proposes_a_cell_below_the_threshold_and_no_pixel_of_its_neighbour():
    probs = np.zeros((60, 60), np.float32)
    rows, columns = np.indices(probs.shape)
    faint = (rows - 30) ** 2 + (columns - 22) ** 2 < 100
    strong = (rows - 30) ** 2 + (columns - 38) ** 2 < 64
    probs[faint], probs[strong] = 0.3, 0.9
    labels = np.where(strong, 7, 0).astype(np.uint32)
    after = laid(labels, grow_cell(labels, (30, 22), {"mask": probs}, number=8))
    assert ((after == 7) == strong).all()
    assert ((after == 8) == (faint & ~strong)).all()
    with pytest.raises(DataError, match="sees no cell"):
        grow_cell(labels, (2, 2), {"mask": probs}, number=9)
    with pytest.raises(DataError, match="a cell already"):
        grow_cell(labels, (30, 38), {"mask": probs}, number=9)


def test_a_click_does_not_flood_through_a_thin_rim_nor_beyond_its_reach():
    probs = np.zeros((120, 120), np.float32)
    rows, columns = np.indices(probs.shape)
    cell = (rows - 60) ** 2 + (columns - 60) ** 2 < 15**2
    probs[60, :], probs[:, 60] = 0.6, 0.6  # a rim of one pixel between cells
    probs[cell] = 0.7
    found = grow_cell(
        np.zeros(probs.shape, np.uint32), (62, 58), {"mask": probs}, number=1, reach_px=45
    )
    overlap = np.zeros(probs.shape, bool)
    height, width = found.labels.shape
    overlap[found.top : found.top + height, found.left : found.left + width] = found.labels == 1
    both = np.count_nonzero(overlap & cell) / np.count_nonzero(overlap | cell)
    assert both > 0.95 and max(height, width) <= 33
