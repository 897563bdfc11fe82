from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.draw import disk
from torch import Tensor, nn

from coverslip.checkpoints import Checkpoint
from coverslip.checkpoints.method import build_method
from coverslip.pipeline import SegmentSettings, resolve_settings, segment
from coverslip.pipeline.scale import (
    LEAST_ZOOM,
    LOOK_PX,
    MOST_ZOOM,
    scale_messages,
    spread,
    windows,
)

LEARNT = 12.0


class Bright(nn.Module):
    """Calls cell what is brighter than the middle of the range."""

    stride = 1

    def forward(self, x: Tensor) -> Tensor:
        return 10 * x[:, :1]


def drawn(diameter: float, *, n: int = 4) -> np.ndarray:
    """Bright disks on black, n x n of them."""
    step = round(3 * diameter)
    image = np.zeros((n * step, n * step), np.float32)
    for row in range(n):
        for column in range(n):
            middle = ((row + 0.5) * step, (column + 0.5) * step)
            image[disk(middle, diameter / 2, shape=image.shape)] = 1
    return image


@pytest.fixture
def model() -> Checkpoint:
    """A network that calls cell what is bright, and says that its cells had 12 px."""
    card = {"cell_size_px": LEARNT, "one_size": True}
    return Checkpoint(network=Bright(), model="bright", card=card)


OPEN = SegmentSettings(scale="auto")


@pytest.mark.parametrize("diameter", [6, 9, 12, 24, 60])
def test_cells_of_any_size_are_brought_to_the_size_that_the_model_knows(model, diameter):
    settled = resolve_settings(OPEN, drawn(diameter), model)
    assert settled.scale == pytest.approx(LEARNT / diameter, rel=0.1)
    assert settled.min_area_px == max(1, round(model.min_area_px / settled.scale**2))


def test_no_scale_goes_beyond_what_a_laptop_bears(model):
    assert resolve_settings(OPEN, drawn(5), model).scale == MOST_ZOOM
    assert resolve_settings(OPEN, drawn(200, n=2), model).scale == pytest.approx(1 / 8)


def test_an_image_without_cells_and_a_model_without_a_size_stay_as_they_are(model):
    assert resolve_settings(OPEN, np.zeros((64, 64), np.float32), model).scale == 1
    assert resolve_settings(OPEN, drawn(30), replace(model, card={})).scale == 1
    assert resolve_settings(OPEN, drawn(30), build_method("egt", {})).scale == 1


def test_what_is_set_is_not_looked_for(model):
    fixed = SegmentSettings(threshold=0.4, scale=0.5, min_area_px=7)
    assert resolve_settings(fixed, drawn(60), model) == fixed
    assert resolve_settings(replace(OPEN, min_area_px=7), drawn(24), model).min_area_px == 7


def test_segment_finds_the_size_by_itself_and_gives_labels_of_the_image_s_size(model):
    image = drawn(48)
    found = segment(image, model)
    assert found.labels.shape == image.shape and len(found.cells) == 16
    assert found.cells["area_px"].median() == pytest.approx(np.pi * 24**2, rel=0.05)


def test_of_a_large_image_four_windows_are_looked_at():
    looked = windows((2000, 3000))
    assert [(r.stop - r.start, c.stop - c.start) for r, c in looked] == [(768, 768)] * 4
    assert len({(rows.start, columns.start) for rows, columns in looked}) == 4
    assert windows((1000, 2000)) == [(slice(0, 1000), slice(0, 2000))]
    assert spread(1000) == [slice(0, 1000)]
    assert [rows for rows, _ in windows((100, 40_000))] == [slice(0, 100)] * 2


def test_the_user_is_told_what_was_found(model):
    (words,) = scale_messages(replace(OPEN, scale=0.25), model)
    assert words == "its cells have about 48 px, the model's 12: predicted at 0.25 times its size"
    assert scale_messages(replace(OPEN, scale=1.0), model) == []


class Parts(nn.Module):
    """Sees a disk as one piece where it is small; of a large one it sees bits, and is not sure."""

    stride = 1

    def forward(self, x: Tensor) -> Tensor:
        bright = x[:, :1] > 0
        inner = -nn.functional.max_pool2d(-bright.float(), 25, stride=1, padding=12)
        bits = torch.zeros_like(inner)
        for row in (0, 1, 2):
            for column in (0, 1, 2):
                bits[..., row::14, column::14] = 1
        seen = torch.where(inner.amax() > 0, inner * bits * 0.5, bright.float() * 4)
        return torch.where(seen > 0, seen, -4.0)


def test_bits_of_huge_cells_are_not_taken_for_small_ones(model):
    image = drawn(48, n=3)
    bits = replace(model, network=Parts())
    assert resolve_settings(OPEN, image, bits).scale == pytest.approx(LEARNT / 48, rel=0.15)


def test_a_search_that_ends_at_its_limit_looks_at_all_of_the_image(model, monkeypatch):
    asked = []

    def search(pieces, model, *, settings, look_px):
        asked.append(look_px)
        return LEAST_ZOOM if np.isfinite(look_px) else 0.8

    monkeypatch.setattr("coverslip.pipeline.scale.search_scale", search)
    settings = SegmentSettings(scale="auto")
    assert resolve_settings(settings, drawn(15), model).scale == 0.8
    assert asked == [LOOK_PX, np.inf]
