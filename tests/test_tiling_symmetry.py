"""The eight symmetries, against arrays turned by hand and by numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from coverslip.tiling import TTA
from coverslip.tiling.symmetry import SYMMETRIES

IMAGE = torch.tensor([[1, 2, 3], [4, 5, 6]])

TURNED_BY_HAND = {
    "identity": [[1, 2, 3], [4, 5, 6]],
    "rot90": [[3, 6], [2, 5], [1, 4]],
    "rot180": [[6, 5, 4], [3, 2, 1]],
    "rot270": [[4, 1], [5, 2], [6, 3]],
    "flip_rows": [[4, 5, 6], [1, 2, 3]],
    "flip_columns": [[3, 2, 1], [6, 5, 4]],
    "transpose": [[1, 4], [2, 5], [3, 6]],
    "antitranspose": [[6, 3], [5, 2], [4, 1]],
}


def test_there_are_these_eight() -> None:
    assert list(SYMMETRIES) == list(TURNED_BY_HAND)


@pytest.mark.parametrize("name", SYMMETRIES)
def test_forward_is_what_its_name_says(name: str) -> None:
    assert SYMMETRIES[name].forward(IMAGE).tolist() == TURNED_BY_HAND[name]


@pytest.mark.parametrize("name", SYMMETRIES)
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (3, 5), (2, 3, 7, 4)])
def test_inverse_undoes_forward_and_forward_inverse(name: str, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    symmetry = SYMMETRIES[name]
    assert torch.equal(symmetry.inverse(symmetry.forward(x)), x)
    assert torch.equal(symmetry.forward(symmetry.inverse(x)), x)


def test_leading_axes_are_turned_alike() -> None:
    batch = torch.arange(24).reshape(2, 2, 2, 3)
    turned = SYMMETRIES["rot90"].forward(batch)
    assert turned.shape == (2, 2, 3, 2)
    for n in range(2):
        for c in range(2):
            assert torch.equal(turned[n, c], SYMMETRIES["rot90"].forward(batch[n, c]))


def test_the_input_is_left_alone() -> None:
    x = IMAGE.clone()
    for symmetry in SYMMETRIES.values():
        symmetry.forward(x)
        symmetry.inverse(x)
    assert torch.equal(x, IMAGE)


def test_paper_is_identity_quarter_turn_and_three_flips() -> None:
    image = IMAGE.numpy()
    expected = [image, np.rot90(image), np.flipud(image), np.fliplr(image), image.T]
    views = [symmetry.forward(IMAGE).numpy() for symmetry in TTA["paper"]]
    assert [v.tolist() for v in views] == [e.tolist() for e in expected]


def test_none_is_the_identity_and_d4_is_all_eight() -> None:
    assert TTA["none"] == (SYMMETRIES["identity"],)
    assert TTA["d4"] == tuple(SYMMETRIES.values())
    assert TTA["pair"] == (SYMMETRIES["identity"], SYMMETRIES["rot90"])
    assert list(TTA) == ["none", "pair", "paper", "d4"]
