"""Masks and cells, drawn small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.errors import SettingsError
from coverslip.segmentation import check_limits, mask_to_labels, probs_to_mask


def draw(*rows: str) -> np.ndarray:
    """A mask from text: # is cell, . is background."""
    return np.array([[character == "#" for character in row] for row in rows])


def test_cells_are_above_the_threshold_not_at_it() -> None:
    probs = np.array([[0.0, 0.4, 0.5, 0.51, 1.0]], dtype=np.float32)
    assert probs_to_mask(probs).tolist() == [[False, False, False, True, True]]
    assert probs_to_mask(probs, threshold=0.3).tolist() == [[False, True, True, True, True]]
    assert probs_to_mask(probs).dtype == np.bool_


def test_the_probabilities_are_left_alone() -> None:
    probs = np.random.default_rng(0).random((8, 8))
    before = probs.copy()
    probs_to_mask(probs)
    assert np.array_equal(probs, before)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_of_0_to_1_is_refused(threshold: float) -> None:
    with pytest.raises(SettingsError, match="must lie in 0 to 1"):
        probs_to_mask(np.zeros((2, 2)), threshold=threshold)


def test_a_negative_area_is_refused() -> None:
    with pytest.raises(SettingsError, match="must be 0 or more"):
        check_limits(threshold=0.5, min_area_px=-1)


def test_labels_run_from_one_in_reading_order_and_join_at_corners() -> None:
    mask = draw(
        "..#..#",
        ".#....",
        "....##",
        "#...##",
    )
    labels = mask_to_labels(mask)
    assert labels.dtype == np.uint32
    assert labels.tolist() == [
        [0, 0, 1, 0, 0, 2],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 3, 3],
        [4, 0, 0, 0, 3, 3],
    ]


@pytest.mark.parametrize(("mask", "label"), [(draw("..", ".."), 0), (draw("#"), 1)])
def test_labels_of_nothing_and_of_a_single_pixel(mask: np.ndarray, label: int) -> None:
    assert (mask_to_labels(mask) == label).all()


def test_labels_are_no_mask() -> None:
    with pytest.raises(TypeError, match="labels > 0"):
        mask_to_labels(np.array([[0, 1, 2]]))
