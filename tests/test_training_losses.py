from __future__ import annotations

import math

import pytest
import torch

from coverslip.training.losses import (
    LOSSES,
    MOST_WEIGHT,
    bce_dice_loss,
    dice_loss,
    jaccard_bce_loss,
    jaccard_loss,
    maps_loss,
)


def logits_of(probs: list[list[float]]) -> torch.Tensor:
    return torch.logit(torch.tensor(probs))[None, None]


def test_dice_loss_squares_its_denominator():
    # 2·(0.8·1 + 0.5·0) / (0.8² + 0.5² + 1²) = 1.6 / 1.89
    loss = dice_loss(logits_of([[0.8, 0.5]]), torch.tensor([[[[1.0, 0.0]]]]))
    assert loss.item() == pytest.approx(1 - 1.6 / 1.89, abs=1e-5)


def test_loss_is_the_sum_of_both():
    truth = torch.tensor([[[[1.0, 0.0]]]])
    bce = -(math.log(0.8) + math.log(0.5)) / 2
    loss = bce_dice_loss(logits_of([[0.8, 0.5]]), truth)
    assert loss.item() == pytest.approx(bce + 1 - 1.6 / 1.89, abs=1e-5)


def test_each_image_counts_the_same():
    logits = torch.cat([torch.full((1, 1, 4, 4), 20.0), torch.full((1, 1, 4, 4), -20.0)])
    truth = torch.ones(2, 1, 4, 4)
    assert dice_loss(logits, truth).item() == pytest.approx(0.5, abs=1e-4)


def test_nothing_there_and_nothing_found_costs_nothing():
    logits, truth = torch.full((1, 1, 8, 8), -30.0), torch.zeros(1, 1, 8, 8)
    assert bce_dice_loss(logits, truth).item() == pytest.approx(0, abs=1e-6)


def test_jaccard_loss_has_the_union_below():
    # 0.8 / (0.8² + 0.5² + 1² - 0.8)
    truth = torch.tensor([[[[1.0, 0.0]]]])
    loss = jaccard_loss(logits_of([[0.8, 0.5]]), truth)
    assert loss.item() == pytest.approx(1 - 0.8 / 1.09, abs=1e-5)
    bce = -(math.log(0.8) + math.log(0.5)) / 2
    both = jaccard_bce_loss(logits_of([[0.8, 0.5]]), truth)
    assert both.item() == pytest.approx(bce + 1 - 0.8 / 1.09, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_falls_towards_the_truth(name):
    truth = (torch.arange(16.0).view(1, 1, 4, 4) > 7).float()
    towards = [LOSSES[name](scale * (2 * truth - 1), truth).item() for scale in (-2, 0, 2, 20)]
    assert towards == sorted(towards, reverse=True)
    assert towards[-1] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_pixels_without_weight_say_nothing_and_twice_the_weight_is_the_pixel_twice(name):
    def loss(probs: list[float], truth: list[float], weights: list[float] | None = None) -> float:
        given = None if weights is None else torch.tensor([[[weights]]])
        return LOSSES[name](logits_of([probs]), torch.tensor([[[truth]]]), weights=given).item()

    probs, truth = [0.8, 0.5, 0.3], [1.0, 0.0, 1.0]
    assert loss(probs, truth, [1, 1, 1]) == pytest.approx(loss(probs, truth))
    blind = [loss([0.8, 0.5, p], [1.0, 0.0, t], [1, 1, 0]) for p in (0.1, 0.9) for t in (0.0, 1.0)]
    assert blind == pytest.approx([blind[0]] * 4)
    if name == "dice":  # a ratio of sums; the cross-entropy is a mean over all pixels
        assert loss([0.8, 0.5], [1.0, 0.0], [2, 1]) == pytest.approx(
            loss([0.8, 0.8, 0.5], [1.0, 1.0, 0.0]), abs=1e-5
        )


def test_a_channel_more_than_logits_is_how_much_each_pixel_counts():
    logits, maps = torch.randn(2, 2, 4, 4), torch.rand(2, 2, 4, 4)
    even = torch.full((2, 1, 4, 4), 1 / MOST_WEIGHT)
    whole = maps_loss(logits, maps, criterion=bce_dice_loss)
    weighted = maps_loss(logits, torch.cat([maps, even], dim=1), criterion=bce_dice_loss)
    assert weighted.item() == pytest.approx(whole.item(), rel=1e-5)
    even[:, :, 2:] = 0
    half = maps_loss(logits, torch.cat([maps, even], dim=1), criterion=bce_dice_loss)
    maps[:, :, 2:] = 1 - maps[:, :, 2:]
    other = maps_loss(logits, torch.cat([maps, even], dim=1), criterion=bce_dice_loss)
    assert half.item() == pytest.approx(other.item(), rel=1e-5)
