from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from coverslip.training.augment import (
    NO_FAULTS,
    AugmentSettings,
    augment,
    change_intensity,
    random_displacement,
    random_grid,
)

STILL = AugmentSettings(
    rotation_deg=0,
    zoom=1,
    elastic_px=0,
    brightness=0,
    contrast=0,
    gamma=0,
    noise=0,
    invert=0,
    **NO_FAULTS,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def draw(monkeypatch):
    """Set what every draw of `uniform` gives from here on."""

    def fix(value: float) -> None:
        for module in ("apply",):
            monkeypatch.setattr(
                f"coverslip.training.augment.{module}.uniform",
                lambda n, generator: torch.full((n,), value),
            )

    return fix


def grid_in_px(height: int, width: int, settings: AugmentSettings, n: int = 1) -> torch.Tensor:
    """(x, y) of the pixel that each output pixel comes from, counted from 0."""
    shape = torch.Size((n, 3, height, width))
    grid = random_grid(shape, settings=settings, generator=seeded())
    return ((grid + 1) * torch.tensor([width, height]) - 1) / 2


def two_squares(n: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    masks = torch.zeros(n, 1, 64, 64)
    masks[:, :, 10:30, 8:40] = 1
    return masks.expand(n, 3, 64, 64).clone(), masks


def test_without_ranges_only_flips_remain():
    images, masks = two_squares(16)
    images = torch.rand(1, 3, 64, 64).expand(16, 3, 64, 64)
    new_images, _ = augment(images, masks, settings=STILL, generator=seeded())
    flips = [images[0].flip(dims) for dims in ([], [1], [2], [1, 2])]
    kinds = set()
    for image in new_images:
        errors = [float((image - flip).abs().max()) for flip in flips]
        assert min(errors) < 1e-4
        kinds.add(errors.index(min(errors)))
    assert kinds == {0, 1, 2, 3}


def test_image_and_mask_move_together():
    images, masks = two_squares()
    settings = AugmentSettings(brightness=0, contrast=0, gamma=0, noise=0, invert=0, **NO_FAULTS)
    new_images, new_masks = augment(images, masks, settings=settings, generator=seeded())
    assert not torch.equal(new_masks, masks)
    torch.testing.assert_close((new_images[:, :1] > 0.5).float(), new_masks)


def test_rotation_keeps_the_areas_of_an_image_that_is_not_square():
    masks = torch.zeros(8, 1, 96, 128)
    masks[:, :, 33:63, 54:74] = 1
    settings = AugmentSettings(zoom=1, elastic_px=0)
    _, turned = augment(masks.expand(8, 3, 96, 128), masks, settings=settings, generator=seeded())
    torch.testing.assert_close(
        turned.sum(dim=(1, 2, 3)), torch.full((8,), 600.0), rtol=0.05, atol=0
    )
    assert not torch.equal(turned[0], turned[1])


def test_a_quarter_turn_of_an_image_that_is_not_square(draw):
    draw(1.0)
    source = grid_in_px(96, 128, replace(STILL, rotation_deg=90))[0]
    # about the centre, x 63.5 and y 47.5: what lies dx right and dy below comes from
    # -dy right and dx below
    for (row, column), (x, y) in {
        (0, 0): (111, -16),
        (0, 127): (111, 111),
        (95, 0): (16, -16),
        (95, 127): (16, 111),
        (47, 63): (64, 47),
        (40, 70): (71, 54),
    }.items():
        torch.testing.assert_close(source[row, column], torch.tensor([x, y]).float())


@pytest.mark.parametrize(("drawn", "side"), [(1.0, 32), (-1.0, 50)])
def test_zoom_alone_changes_an_area_by_its_square(draw, drawn, side):
    draw(drawn)
    masks = torch.zeros(1, 1, 96, 128)
    masks[:, :, 28:68, 44:84] = 1  # 40 x 40; 40 / 1.25 = 32, 40 * 1.25 = 50
    settings = replace(STILL, zoom=1.25)
    _, zoomed = augment(masks.expand(1, 3, 96, 128), masks, settings=settings, generator=seeded())
    assert zoomed.sum() == side * side


def test_a_draw_of_exactly_0_does_not_collapse_the_image(draw):
    draw(0.0)
    images = torch.rand(2, 3, 16, 24)
    same, _ = augment(images, images[:, :1], settings=STILL, generator=seeded())
    torch.testing.assert_close(same, images, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (40, 66)])
def test_control_points_move_by_the_pixels_asked_for(height, width):
    settings = AugmentSettings(elastic_px=5, elastic_spacing_px=16)
    shape = torch.Size((300, 3, height, width))
    field = random_displacement(shape, settings=settings, generator=seeded())
    points = field[:, ::16, ::16] * torch.tensor([width / 2, height / 2])
    torch.testing.assert_close(
        points.std(dim=(0, 1, 2)), torch.tensor([5.0, 5.0]), rtol=0.05, atol=0
    )
    neighbours = torch.stack([points[:, 0, 0, 0], points[:, 0, 1, 0], points[:, 1, 0, 0]])
    assert (torch.corrcoef(neighbours) - torch.eye(3)).abs().max() < 0.2


def test_elastic_alone_moves_the_pixels_of_an_image(draw):
    draw(0.0)
    images = torch.rand(1, 3, 64, 64)
    settings = replace(STILL, elastic_px=4)
    bent, _ = augment(images, images[:, :1], settings=settings, generator=seeded())
    assert (bent - images).abs().mean() > 0.1


@pytest.mark.parametrize("size", [40, 66])
def test_images_bend_but_never_fold(draw, size):
    draw(-1.0)  # enlarged the most
    x, y = grid_in_px(size, size, AugmentSettings(rotation_deg=0), n=500).unbind(-1)
    right, down = (slice(None), slice(-1), slice(1, None)), (slice(None), slice(1, None), slice(-1))
    here = (slice(None), slice(-1), slice(-1))
    area = (x[right] - x[here]) * (y[down] - y[here]) - (y[right] - y[here]) * (x[down] - x[here])
    assert area.min() > 0  # mirrored on both axes, so not turned inside out


def test_masks_stay_masks_and_images_stay_in_range():
    images, masks = two_squares()
    images, masks = augment(images, masks, settings=AugmentSettings(), generator=seeded(3))
    assert set(masks.unique().tolist()) <= {0.0, 1.0}
    assert 0 <= float(images.min()) and float(images.max()) <= 1


def test_same_seed_same_result_and_inputs_stay_untouched():
    images, masks = two_squares()
    before = images.clone()
    first = augment(images, masks, settings=AugmentSettings(), generator=seeded(5))
    second = augment(images, masks, settings=AugmentSettings(), generator=seeded(5))
    other = augment(images, masks, settings=AugmentSettings(), generator=seeded(6))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])
    assert torch.equal(images, before)


def test_inversion_turns_light_into_dark():
    images, masks = two_squares()
    settings = AugmentSettings(**{**vars(STILL), "invert": 1.0})
    new_images, new_masks = augment(images, masks, settings=settings, generator=seeded())
    torch.testing.assert_close(new_images[:, :1], 1 - new_masks, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "drawn", "changed"),
    [
        ("contrast", 1.0, [0.11, 0.5, 0.89]),  # 0.5 ± 0.3 * 1.3
        ("contrast", -1.0, [0.5 - 0.3 / 1.3, 0.5, 0.5 + 0.3 / 1.3]),
        ("brightness", 1.0, [0.5, 0.8, 1.0]),
        ("brightness", -1.0, [0.0, 0.2, 0.5]),
        ("gamma", 1.0, [value ** math.exp(0.3) for value in (0.2, 0.5, 0.8)]),
        ("gamma", -1.0, [value ** math.exp(-0.3) for value in (0.2, 0.5, 0.8)]),
    ],
)
def test_each_change_of_intensity_alone(draw, name, drawn, changed):
    draw(drawn)
    images = torch.tensor([0.2, 0.5, 0.8]).expand(2, 3, 4, 3)
    new = change_intensity(images, settings=replace(STILL, **{name: 0.3}), generator=seeded())
    torch.testing.assert_close(new, torch.tensor(changed).expand(2, 3, 4, 3))


def test_noise_has_the_deviation_asked_for_and_grey_stays_grey(draw):
    draw(1.0)
    grey = torch.full((2, 3, 64, 64), 0.5)
    noisy = change_intensity(grey, settings=replace(STILL, noise=0.1), generator=seeded())
    assert float(noisy[:, 0].std()) == pytest.approx(0.1, rel=0.03)
    assert float(noisy.mean()) == pytest.approx(0.5, abs=0.01)
    assert torch.equal(noisy[:, 0], noisy[:, 1]) and torch.equal(noisy[:, 0], noisy[:, 2])
    assert not torch.equal(noisy[0], noisy[1])


@pytest.mark.parametrize("shape", [(1, 1), (5, 70)])
def test_any_size(shape):
    images, masks = torch.rand(2, 3, *shape), torch.zeros(2, 1, *shape)
    new_images, _ = augment(images, masks, settings=AugmentSettings(), generator=seeded())
    assert new_images.shape == images.shape
    assert torch.isfinite(new_images).all()
