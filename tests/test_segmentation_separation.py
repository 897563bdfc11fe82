"""Touching cells told apart, and labels put in order."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import reconstruction

from coverslip.segmentation import (
    UNSEEN_PX,
    drop_cells,
    fill_cells,
    labels_to_maps,
    number_cells,
    separate,
    separate_part,
)
from coverslip.segmentation.separation import flood, peaks

KINDS = [("mask", "boundary"), ("mask", "distance"), ("mask", "boundary", "distance")]


def disks(*places, size=64):
    """Labels of disks (row, column, radius); where two overlap, the nearer centre has the pixel."""
    rows, columns = np.indices((size, size))
    away = np.stack([np.hypot(rows - y, columns - x) / r for y, x, r in places])
    return np.where(away.min(axis=0) <= 1, away.argmin(axis=0) + 1, 0).astype(np.int32)


def maps_of(labels, names):
    return dict(zip(names, labels_to_maps(labels, names), strict=True))


def same_cells(one, other):
    """Whether two label images have the same cells, by whatever numbers."""
    return np.array_equal(number_cells(one), number_cells(other))


@pytest.mark.parametrize("names", KINDS, ids="+".join)
def test_true_maps_give_back_touching_cells(names):
    labels = disks((20, 16, 10), (20, 35, 10), (39, 26, 11), (55, 56, 6))
    assert ndimage.label(labels > 0)[1] == 2
    found = separate(labels > 0, maps_of(labels, names))
    assert found.dtype == np.uint32 and found.max() == 4
    assert np.mean(found[labels > 0] == number_cells(labels)[labels > 0]) > 0.97
    assert np.array_equal(found > 0, labels > 0)


def test_a_branched_cell_stays_whole():
    labels = np.zeros((60, 60), dtype=np.int32)
    labels[10:50, 10:18] = labels[42:50, 10:50] = 1  # an L
    assert separate(labels > 0, maps_of(labels, ["mask", "distance"])).max() == 1
    assert separate(labels > 0, {}).max() == 1


def test_a_mask_s_own_shape_parts_two_disks():
    labels = disks((30, 18, 12), (30, 40, 12))
    found = separate(labels > 0, {})
    assert found.max() == 2
    assert found[30, 18] != found[30, 40]
    assert same_cells(found, labels) or np.mean(found[labels > 0] == labels[labels > 0]) > 0.97


def test_a_dent_does_not_part_a_large_cell():
    labels = disks((30, 30, 25))
    labels[:8, 29:32] = 0
    assert separate(labels > 0, {}).max() == 1


def test_a_peak_rises_above_the_saddle_to_the_next():
    valley = np.array([[1, 5, 10, 5, 8, 10, 9, 10, 1]], dtype=np.float32)
    assert peaks(valley, rise=3).tolist() == [[0, 0, 1, 0, 1, 1, 1, 1, 0]]
    assert peaks(valley, rise=5.5).tolist() == [[0, 1, 1, 1, 1, 1, 1, 1, 0]]


def test_flooding_is_what_scikit_image_makes_of_it():
    draws = np.random.default_rng(0)
    for seed in range(60):
        shape = tuple(draws.integers(1, 40, 2))
        high = draws.random(shape, dtype=np.float32)
        high = ndimage.gaussian_filter(high, seed % 3).astype(np.float32)
        high = np.round(high, 2) if seed % 2 else high  # with plateaus
        low = high - np.float32(0.1)
        np.testing.assert_array_equal(flood(low, high), reconstruction(low, high).astype("f4"))


def test_a_way_of_many_turns_is_flooded_to_its_end():
    high = np.zeros((41, 41), dtype=np.float32)
    for row in range(0, 41, 2):
        high[row] = 1  # a snake: row after row, joined at alternate ends
        high[row + 1 : row + 2, -1 if row % 4 == 0 else 0] = 1
    low = np.zeros_like(high)
    low[0, 0] = 1
    assert np.array_equal(flood(low, high), high)


@pytest.mark.parametrize("names", KINDS, ids="+".join)
def test_what_is_no_number_is_no_cell(names):
    labels = disks((20, 16, 10), (20, 35, 10))
    maps = {name: one.copy() for name, one in maps_of(labels, names).items()}
    for one in maps.values():
        one[:5], one[40:] = np.nan, np.inf
    assert np.array_equal(separate(labels > 0, maps) > 0, labels > 0)


def test_numbers_may_be_huge():
    labels = np.array([[0, 4_000_000_000, 7], [0, 7, 7]], dtype=np.uint32)
    assert number_cells(labels).tolist() == [[0, 1, 2], [0, 2, 2]]
    assert number_cells(labels[:, 1:]).tolist() == [[1, 2], [2, 2]]


def test_a_pinhole_does_not_part_a_cell():
    labels = disks((30, 30, 12))
    labels[29:31, 29:31] = 0
    assert separate(labels > 0, {}).max() == 1


@pytest.mark.parametrize("names", [*KINDS, ()], ids="+".join)
def test_nothing_is_nothing(names):
    empty = np.zeros((8, 8), dtype=bool)
    maps = {name: np.zeros((8, 8), dtype=np.float32) for name in names}
    assert not separate(empty, maps).any()


def test_a_piece_without_a_core_is_a_cell():
    mask = disks((20, 20, 8), (50, 50, 4)) > 0
    assert separate(mask, {"distance": np.zeros(mask.shape, dtype=np.float32)}).max() == 2


def test_every_cell_lies_in_the_mask_and_all_of_the_mask_is_cell():
    draws = np.random.default_rng(0)
    for number in range(12):
        mask = ndimage.gaussian_filter(draws.random((50, 60)), 2) > 0.5
        maps = {
            name: ndimage.gaussian_filter(draws.random(mask.shape), 2).astype(np.float32) * 1.2
            for name in ("mask", "boundary", "distance")[: 1 + number % 3]
        }
        found = separate(mask, maps)
        assert np.array_equal(found > 0, mask)
        assert np.array_equal(np.unique(found[mask]), np.arange(1, found.max() + 1))


def test_cells_are_numbered_as_they_are_read():
    labels = np.array([[0, 9, 9, 0], [70_000, 0, 9, 3], [70_000, 0, 0, 3]])
    assert number_cells(labels).tolist() == [[0, 1, 1, 0], [2, 0, 1, 3], [2, 0, 0, 3]]
    assert number_cells(labels).dtype == np.uint32


def test_small_cells_go_and_those_of_just_the_area_stay():
    labels = np.array([[1, 1, 0, 2, 0, 3, 3, 3]])
    assert drop_cells(labels, min_area_px=2).tolist() == [[1, 1, 0, 0, 0, 2, 2, 2]]
    assert drop_cells(labels, min_area_px=3).tolist() == [[0, 0, 0, 0, 0, 1, 1, 1]]
    assert not drop_cells(labels, min_area_px=4).any()
    assert np.array_equal(drop_cells(labels), labels)


def test_cells_at_the_edge_go_on_demand():
    labels = np.array([[1, 0, 0, 0], [0, 0, 2, 0], [0, 0, 2, 0], [0, 0, 0, 0]])
    assert drop_cells(labels, touching_border=True).tolist() == [
        [0, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
    ]


def test_a_hole_in_one_cell_is_filled_and_one_between_two_is_not():
    one = np.array([[0, 5, 5, 5, 0], [0, 5, 0, 5, 0], [0, 5, 5, 5, 0]])
    assert fill_cells(one)[1, 2] == 5
    two = one.copy()
    two[:, 3] = 6
    assert np.array_equal(fill_cells(two), two)


def test_a_bay_and_what_reaches_the_edge_are_no_holes():
    bay = np.array([[5, 5, 5], [5, 0, 0], [5, 5, 5]])
    edge = np.array([[5, 0, 5], [5, 0, 5], [5, 5, 5]])
    for labels in (bay, edge):
        assert np.array_equal(fill_cells(labels), labels)


def test_a_corner_does_not_open_a_hole():
    ring = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0] * 5])
    assert fill_cells(ring)[2, 2] == 1


def test_a_boundary_map_alone_parts_a_mask():
    labels = disks((20, 16, 10), (20, 35, 10))
    (boundary,) = labels_to_maps(labels, ["boundary"])
    found = separate(labels > 0, {"boundary": boundary})
    assert same_cells(found, separate(labels > 0, maps_of(labels, ("mask", "boundary"))))
    assert found.max() == 2


@pytest.mark.parametrize("names", [("mask",), *KINDS], ids="+".join)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_in_a_window_a_cell_that_is_clear_of_the_edge_is_that_of_the_whole(names, seed):
    rng = np.random.default_rng(seed)
    places = [(*rng.uniform(0, 220, 2), rng.uniform(5, 13)) for _ in range(110)]
    labels = disks(*places, size=220)
    maps = maps_of(labels, names) if len(names) > 1 else {}
    whole = separate(labels > 0, maps)
    rows, columns = slice(30, 200), slice(0, 150)  # the frame ends at the left
    inside = {name: one[rows, columns] for name, one in maps.items()}
    found, edge = separate_part(labels[rows, columns] > 0, inside, beyond=(True, True, False, True))
    unsure = np.append(found[edge], 0)
    cut = ndimage.binary_dilation(np.isin(found, unsure[unsure > 0]), iterations=3)
    # Beside a cell that is cut, a pixel at equal height may go to either.
    sure = np.setdiff1d(np.unique(found), np.append(found[cut], 0))
    assert len(sure) >= 3
    part = whole[rows, columns]
    for cell in sure:
        number = part[found == cell][0]
        np.testing.assert_array_equal(found == cell, part == number)
        assert np.count_nonzero(whole == number) == np.count_nonzero(found == cell)
    assert not found[:UNSEEN_PX].any() and found[:, 0].any()


def test_without_a_side_beyond_everything_is_sure():
    labels = disks((20, 16, 10), (20, 35, 10), (1, 60, 6))
    found, edge = separate_part(labels > 0, {})
    assert not edge.any()
    assert np.array_equal(found, separate(labels > 0, {}))


def test_what_lies_deeper_than_it_is_far_from_the_edge_is_not_sure():
    mask = np.zeros((80, 60), bool)
    mask[30:, 10:50] = True  # 40 wide, and goes on below
    found, edge = separate_part(mask, {}, beyond=(False, True, False, False))
    assert found[63, 30] == 1 and found[64, 30] == 0  # the last 16 rows are unseen
    assert edge[63, 30] and edge[50, 30] and not edge[35, 30]
