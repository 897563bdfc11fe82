import numpy as np
import pytest

from coverslip.figures import labels_to_outlines


def filled(outlines, shape):
    """Fill rings by the even-odd rule, along each row."""
    labels = np.zeros(shape, dtype=int)
    for label, rings in outlines.items():
        crossings = np.zeros((shape[0], shape[1] + 1), dtype=int)
        for ring in rings:
            for (y, x), (to_y, to_x) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                assert (y == to_y) != (x == to_x)
                if x == to_x:
                    crossings[min(y, to_y) : max(y, to_y), x] += 1
        labels[np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1] = label
    return labels


def test_a_pixel_has_four_corners_clockwise():
    (ring,) = labels_to_outlines(np.array([[0, 0], [0, 7]]))[7]
    assert ring.tolist() == [[1, 2], [2, 2], [2, 1], [1, 1]]


def test_a_hole_is_a_ring_the_other_way_round():
    labels = np.ones((3, 3), dtype=int)
    labels[1, 1] = 0
    outer, hole = labels_to_outlines(labels)[1]
    assert outer.tolist() == [[0, 3], [3, 3], [3, 0], [0, 0]]
    assert hole.tolist() == [[2, 2], [1, 2], [1, 1], [2, 1]]


def test_pixels_that_touch_at_a_corner_share_a_ring():
    assert len(labels_to_outlines(np.eye(3, dtype=int))[1]) == 1
    two = labels_to_outlines(np.array([[1, 2], [2, 1]]))
    assert [len(two[label]) for label in (1, 2)] == [1, 1]


def test_pieces_of_one_id_have_a_ring_each():
    assert len(labels_to_outlines(np.array([[5, 0, 5]]))[5]) == 2


def test_nothing_has_no_outline():
    assert labels_to_outlines(np.zeros((3, 4), dtype=int)) == {}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.int64])
def test_filled_rings_are_the_labels_again(dtype):
    labels = np.random.default_rng(0).integers(0, 4, (30, 40)).astype(dtype)
    labels[labels == 3] = 200
    np.testing.assert_array_equal(filled(labels_to_outlines(labels), labels.shape), labels)
