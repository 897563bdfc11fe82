from __future__ import annotations

import numpy as np
import pytest

from coverslip.segmentation import trim_cells
from coverslip.segmentation.trim import plateaus


def test_the_plateau_is_the_quantile_of_each_cell_alone():
    labels = np.array([[1] * 10 + [0] * 3 + [3] * 2])
    probs = np.linspace(0, 1, 15, dtype=np.float32)[None]
    found = plateaus(labels, probs)
    assert found[1] == np.sort(probs[0, :10])[8] and found[3] == probs[0, 14]
    assert found[0] == found[2] == 0


def test_each_cell_is_cut_at_its_own_share_and_a_weak_one_is_none():
    probs = np.zeros((12, 40), np.float32)
    labels = np.zeros((12, 40), np.uint32)
    for number, (left, reached) in enumerate([(1, 0.9), (14, 0.62), (27, 0.5)], start=1):
        labels[1:11, left : left + 10] = number
        probs[1:11, left : left + 10] = reached
        probs[1:11, left] = 0.4  # a rim of one column: ten of a hundred pixels
    found = trim_cells(labels, probs, share=0.5, least=0.6)
    assert found.dtype == np.uint32 and found.max() == 2
    assert (found[1:11, 2:11] == 1).all() and not found[:, 1].any()  # 0.4 is below half of 0.9
    assert (found[1:11, 14:24] == 2).all()  # and above half of 0.62
    assert not found[:, 26:].any()


@pytest.mark.parametrize("shape", [(0, 5), (4, 4)])
def test_where_there_is_no_cell_there_is_none(shape):
    found = trim_cells(np.zeros(shape, int), np.ones(shape, np.float32), share=0.5, least=0.6)
    assert found.shape == shape and not found.any()
