"""Outlines lie on the pixels' edges: filled again, they are the labels."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

from coverslip.contours import Outline, find_outlines, labels_to_rings
from rasterise import fill


def filled(outlines: list[Outline], shape: tuple[int, int]) -> np.ndarray:
    """The label image, by the rings alone; no pixel may have two cells, or two parts of one."""
    labels = np.zeros(shape, np.int64)
    for outline in outlines:
        for rings in outline.parts:
            inside = fill([ring[:, ::-1] for ring in rings], shape)
            assert not labels[inside].any()
            labels[inside] = outline.label
    return labels


def signed_area(ring: np.ndarray) -> float:
    """Above 0 for clockwise, as seen with y downwards."""
    y, x = ring.astype(float).T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


def check_rings(outline: Outline) -> None:
    for outer, *holes in outline.parts:
        assert signed_area(outer) > 0
        assert all(signed_area(hole) < 0 for hole in holes)
        for ring in (outer, *holes):
            assert ring.dtype == np.int32
            assert len(np.unique(ring, axis=0)) == len(ring), "it meets itself"
            ahead = np.sign(np.roll(ring, -1, 0) - ring)
            assert (np.abs(ahead).sum(1) == 1).all(), "a side that is not level or upright"
            assert (ahead != np.roll(ahead, 1, 0)).any(1).all(), "a corner on a straight line"


def check(labels: np.ndarray) -> list[Outline]:
    """All that is promised of outlines."""
    outlines = find_outlines(labels)
    np.testing.assert_array_equal(filled(outlines, labels.shape), labels)
    assert [it.label for it in outlines] == [int(n) for n in np.unique(labels) if n]
    for outline in outlines:
        check_rings(outline)
        assert len(outline.parts) == ndimage.label(labels == outline.label)[1]
    return outlines


def test_one_pixel_is_a_square():
    labels = np.zeros((3, 4), np.uint8)
    labels[1, 2] = 7
    (outline,) = check(labels)
    assert outline.label == 7
    ((ring,),) = outline.parts
    assert ring.tolist() == [[1, 2], [1, 3], [2, 3], [2, 2]]


def test_a_ring_has_a_hole_and_another_cell_in_it():
    labels = np.array([[1, 1, 1], [1, 2, 1], [1, 1, 1]])
    one, two = check(labels)
    ((outer, hole),) = one.parts
    assert outer.tolist() == [[0, 0], [0, 3], [3, 3], [3, 0]]
    assert hole.tolist() == [[2, 1], [2, 2], [1, 2], [1, 1]]
    assert two.parts[0][0].tolist() == [[1, 1], [1, 2], [2, 2], [2, 1]]


def test_pixels_that_touch_at_a_corner_are_two_parts():
    (outline,) = check(np.array([[1, 0], [0, 1]]))
    assert [part[0][0].tolist() for part in outline.parts] == [[0, 0], [1, 1]]


def test_a_hole_that_leaks_at_a_corner_is_a_hole_all_the_same():
    """Its ring meets the outer one at a corner; both stay without a corner twice."""
    labels = np.ones((4, 4), np.uint8)
    labels[0, 0] = labels[1, 1] = 0
    (outline,) = check(labels)
    ((outer, hole),) = outline.parts
    assert [1, 1] in outer.tolist() and [1, 1] in hole.tolist() and len(hole) == 4


def test_no_cell_has_no_outline():
    assert find_outlines(np.zeros((5, 4), np.uint16)) == []
    assert find_outlines(np.zeros((0, 4), np.uint16)) == []


def test_the_whole_image_can_be_one_cell():
    ((ring,),) = check(np.ones((2, 3), np.int64))[0].parts
    assert ring.tolist() == [[0, 0], [0, 3], [2, 3], [2, 0]]


def test_numbers_beyond_16_bits_and_with_gaps():
    labels = np.zeros((4, 9), np.uint32)
    labels[0, 0], labels[1:3, 4:6], labels[3, 8] = 65_536, 4_294_967_295, 70_001
    assert [it.label for it in check(labels)] == [65_536, 70_001, 4_294_967_295]


@pytest.mark.parametrize("seed", range(12))
def test_noise_of_few_numbers_comes_back(seed):
    """Every kind of corner, at every border: cells of one pixel, diagonals, rings within rings."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 24, 2))
    check(rng.integers(0, rng.integers(2, 5), shape).astype(np.uint16))


@pytest.mark.parametrize("seed", range(6))
def test_blobs_come_back(seed):
    rng = np.random.default_rng(100 + seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(70, 90)), 3)
    labels, _ = ndimage.label(smooth > 0, structure=np.ones((3, 3)))
    numbers = np.append(0, rng.choice(2**32 - 2, labels.max(), replace=False) + 1)
    check(numbers[labels].astype(np.uint32))


def test_every_pattern_of_three_by_three():
    for bits in range(1, 512):
        check(np.array([bits >> n & 1 for n in range(9)]).reshape(3, 3))


@pytest.mark.parametrize("labels", [np.zeros((2, 2, 2), int), np.zeros((2, 2)), np.eye(2) > 0])
def test_what_is_no_label_image_is_refused(labels):
    for function in (find_outlines, labels_to_rings):
        with pytest.raises(ValueError, match="wanted integers"):
            function(labels)


def test_thousands_of_cells_take_no_time():
    """1,000 cells in 1,800²; a walk over all pixels for each cell would take a minute."""
    labels = np.zeros((1800, 1800), np.uint16)
    y, x = np.mgrid[:50, :50]
    disc = (y - 25) ** 2 + (x - 25) ** 2 < 400
    for number in range(1000):
        top, left = (50 * place for place in divmod(number, 36))
        labels[top : top + 50, left : left + 50][disc] = number + 1
    begin = time.perf_counter()
    assert len(find_outlines(labels)) == 1000
    assert time.perf_counter() - begin < 10


# --- rings


def check_lines(labels: np.ndarray) -> dict[int, list[np.ndarray]]:
    """All that is promised of rings: filled by the even-odd rule they are the labels again."""
    cells = labels_to_rings(labels)
    again = np.zeros(labels.shape, np.int64)
    for number, rings in cells.items():
        assert signed_area(rings[0]) > 0
        again[fill([ring[:, ::-1] for ring in rings], labels.shape)] = number
    np.testing.assert_array_equal(again, labels)
    return cells


def test_a_pixel_has_four_corners_clockwise():
    (ring,) = check_lines(np.array([[0, 0], [0, 7]]))[7]
    assert ring.tolist() == [[1, 1], [1, 2], [2, 2], [2, 1]]


def test_a_hole_is_a_ring_the_other_way_round():
    labels = np.ones((3, 3), dtype=int)
    labels[1, 1] = 0
    outer, hole = check_lines(labels)[1]
    assert outer.tolist() == [[0, 0], [0, 3], [3, 3], [3, 0]]
    assert hole.tolist() == [[2, 1], [2, 2], [1, 2], [1, 1]]


def test_pixels_that_touch_at_a_corner_share_a_ring():
    assert len(check_lines(np.eye(3, dtype=int))[1]) == 1
    two = check_lines(np.array([[1, 2], [2, 1]]))
    assert [len(two[label]) for label in (1, 2)] == [1, 1]


def test_pieces_of_one_number_have_a_ring_each():
    assert len(check_lines(np.array([[5, 0, 5]]))[5]) == 2


def test_nothing_has_no_ring():
    assert check_lines(np.zeros((3, 4), dtype=int)) == {}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.int64])
def test_filled_rings_are_the_labels_again(dtype):
    labels = np.random.default_rng(0).integers(0, 4, (30, 40)).astype(dtype)
    labels[labels == 3] = 200
    check_lines(labels)


def test_rings_of_every_pattern_of_three_by_three():
    for bits in range(1, 512):
        check_lines(np.array([bits >> n & 1 for n in range(9)]).reshape(3, 3))
