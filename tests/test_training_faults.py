"""Faults of optics, light, camera and software: each alone, by numbers that can be checked."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from coverslip.errors import SettingsError
from coverslip.reproduction import BUDGETS, Task, open_dataset
from coverslip.reproduction.train_at_lr import task_to_settings
from coverslip.training import TrainSettings
from coverslip.training.augment import (
    NO_FAULTS,
    AugmentSettings,
    add_noise,
    add_shot_noise,
    augment,
    blur,
    change_intensity,
    compress,
    illuminate,
    lose_resolution,
    scale_faults,
    sharpen,
)
from coverslip.training.augment.faults import polynomial_field
from coverslip.training.augment.random import on_host, sometimes
from coverslip.training.settings import dict_to_settings, settings_to_dict
from drawn import write_dataset
from test_training_augment import STILL, seeded

ALWAYS = dict.fromkeys(NO_FAULTS, 1.0)


def smooth(n: int = 2, *, height: int = 40, width: int = 48) -> torch.Tensor:
    """Grey images (n, 3, H, W) in [0.2, 0.8], an odd number of blocks in size, each another."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    planes = [0.5 + 0.3 * torch.sin(x / (3 + i)) * torch.cos(y / 4) for i in range(n)]
    return torch.stack(planes)[:, None].expand(n, 3, height, width).clone()


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values)


# --- each fault, by its truth


def test_blur_is_the_gaussian_of_scipy_and_each_image_has_its_own():
    images = torch.rand(2, 3, 30, 50)
    blurred = blur(images, numbers(1.0, 2.5)).numpy()
    for image, sigma, got in zip(images.numpy(), (1.0, 2.5), blurred, strict=True):
        wanted = ndimage.gaussian_filter(image, (0, sigma, sigma), mode="nearest", truncate=4)
        np.testing.assert_allclose(got, wanted, atol=0.005)


def test_sharpening_adds_what_a_blur_takes_away():
    images = smooth()
    taken = images - blur(images, numbers(1, 1))
    torch.testing.assert_close(sharpen(images, numbers(0, 0.5))[0], images[0])
    torch.testing.assert_close(sharpen(images, numbers(0, 0.5))[1], (images + 0.5 * taken)[1])
    edge = torch.tensor([0.2] * 8 + [0.8] * 8).expand(1, 1, 4, 16)
    sharp = sharpen(edge, numbers(1.0))
    assert sharp.min() < 0.15 and sharp.max() > 0.85


def test_pixels_twice_as_large_are_the_means_of_four():
    checks = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(16, 16)[None, None]
    grey = lose_resolution(checks, numbers(8.0))
    torch.testing.assert_close(grey, torch.full_like(grey, 0.5), atol=0.06, rtol=0)
    images = torch.rand(2, 1, 20, 20)
    same, coarse = lose_resolution(images, numbers(1.0, 2.0))
    torch.testing.assert_close(same, images[0])
    assert coarse.std() < 0.6 * images[1].std()
    assert abs(float(coarse.mean() - images[1].mean())) < 0.01


def test_light_multiplies_or_is_added():
    ramp = torch.tensor([[-1.0, 0.0, 1.0]]).expand(2, 1, 3)
    images = torch.tensor([0.5, 0.4, 0.6]).expand(2, 1, 1, 3)
    lit = illuminate(images, ramp, gain=numbers(0.2, 0), offset=numbers(0, 0.3))
    torch.testing.assert_close(lit[0, 0, 0], numbers(0.4, 0.4, 0.72))
    torch.testing.assert_close(lit[1, 0, 0], numbers(0.2, 0.4, 0.9))


def test_a_field_of_light_is_the_polynomial_up_to_its_greatest_value():
    ramp, bowl = polynomial_field(
        torch.tensor([[2.0, 0, 0, 0, 0], [0, 0, 0, 1, 1]]), height=5, width=5
    )
    torch.testing.assert_close(ramp, torch.linspace(-1, 1, 5).expand(5, 5))
    assert bowl[0, 0] == bowl[4, 4] == 1  # 1 + 1 - 2/3, the greatest
    assert float(bowl[2, 2]) == pytest.approx(-0.5)  # -2/3 of 4/3


def test_shot_noise_grows_with_the_root_of_the_light_and_that_of_a_camera_does_not():
    images = torch.tensor([0.0, 0.16, 0.64]).repeat_interleave(4000).expand(1, 3, 1, 12000)
    noise = torch.randn(1, 1, 1, 12000, generator=seeded())
    shot = add_shot_noise(images, noise, sd=numbers(0.1))[0].view(3, 3, 4000)
    assert (shot[:, 0] == 0).all()
    torch.testing.assert_close(shot[0, 1:].std(dim=1), numbers(0.04, 0.08), rtol=0.05, atol=0)
    assert torch.equal(shot[0], shot[1]) and torch.equal(shot[0], shot[2])
    plain = add_noise(images, noise, sd=numbers(0.03))[0].view(3, 3, 4000)
    torch.testing.assert_close(plain[0, 1:].std(dim=1), numbers(0.03, 0.03), rtol=0.05, atol=0)


@pytest.mark.parametrize("quality", [5, 20, 50, 75, 90, 100])
@pytest.mark.parametrize("size", [(64, 80), (61, 77)])
def test_jpeg_is_that_of_the_usual_library(quality, size):
    rng = np.random.default_rng(quality)
    grey = ndimage.gaussian_filter(rng.random(size), 1.5)
    grey = ((grey - grey.min()) / np.ptp(grey) * 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="jpeg", quality=quality)
    wanted = np.asarray(Image.open(file)).astype(float)
    images = torch.from_numpy(grey / 255.0).float()[None, None].repeat(2, 3, 1, 1)
    got = compress(images, numbers(quality, 100))
    # its integers round otherwise, and so do coefficients halfway between two steps, in few blocks
    off = np.abs(got[0, 0].numpy() * 255 - wanted)
    assert np.mean(off <= 2.01) > 0.95
    assert off.mean() < 0.3
    assert float((got[1] - images[1]).abs().max()) * 255 <= 2.01
    assert torch.equal(got[0, 0], got[0, 2])


# --- drawn at random


def test_nothing_is_changed_where_all_settings_are_zero():
    images = torch.rand(4, 3, 24, 40)
    same = change_intensity(images, settings=STILL, generator=seeded())
    torch.testing.assert_close(same, images, rtol=0, atol=1e-6)  # around the mean and back


def test_nothing_is_changed_by_faults_of_no_strength():
    images = smooth(4)
    none = replace(STILL, **ALWAYS, blur_px=0, resolution=1, illumination=0, shot_noise=0)
    none = replace(none, sharpen=0, jpeg_chance=0)  # the best of JPEG is still in steps of 1/255
    torch.testing.assert_close(change_intensity(images, settings=none, generator=seeded()), images)


@pytest.mark.parametrize("name", list(NO_FAULTS))
def test_each_fault_alone_changes_some_images_and_leaves_the_others(name):
    images = smooth(64)
    settings = replace(STILL, **{name: 0.25})
    new = change_intensity(images, settings=settings, generator=seeded(4))
    changed = (new != images).flatten(1).any(dim=1)
    assert 8 <= int(changed.sum()) <= 24  # 16 of 64 are to be expected
    assert 0 <= float(new.min()) and float(new.max()) <= 1
    assert torch.equal(new[:, 0], new[:, 1])  # grey stays grey
    assert (new - images).abs().mean(dim=(1, 2, 3)).max() < 0.2


def test_more_than_half_of_the_images_have_no_fault():
    none = np.prod([1 - getattr(AugmentSettings(), name) for name in NO_FAULTS])
    assert 0.5 < none < 0.7


@pytest.mark.parametrize("shape", [(1, 1), (5, 70)])
def test_any_size_and_the_same_seed_gives_the_same(shape):
    images, masks = torch.rand(3, 3, *shape), torch.zeros(3, 1, *shape)
    settings = AugmentSettings(**ALWAYS)
    first, _ = augment(images, masks, settings=settings, generator=seeded(1))
    again, _ = augment(images, masks, settings=settings, generator=seeded(1))
    other, _ = augment(images, masks, settings=settings, generator=seeded(2))
    assert first.shape == images.shape and torch.isfinite(first).all()
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_batches_of_one_generator_have_other_faults():
    images, generator = smooth(32), seeded()
    settings = replace(STILL, jpeg_chance=0.5)
    batches = [change_intensity(images, settings=settings, generator=generator) for _ in range(2)]
    assert not torch.equal(*batches)


def test_which_images_are_drawn_costs_the_generator_nothing():
    generator = seeded(9)
    before = generator.get_state()
    host = on_host(generator)
    assert torch.equal(generator.get_state(), before)
    shares = [
        sometimes(torch.zeros(1000, 1, 1, 1), lambda some: some + 1, chance=chance, host=host)
        for chance in (0.0, 0.3, 1.0)
    ]
    assert [float(share.mean()) for share in shares] == pytest.approx([0, 0.3, 1], abs=0.05)


# --- settings


@pytest.mark.parametrize(
    "senseless",
    [
        {"jpeg_chance": 1.5},
        {"blur_chance": -0.1},
        {"invert": float("nan")},
        {"illumination": 1.2},
        {"shot_noise": -1},
        {"resolution": 0.5},
        {"jpeg_quality": 0},
        {"jpeg_quality": 95},
        {"elastic_spacing_px": 0},
    ],
)
def test_senseless_ranges_are_refused(senseless):
    with pytest.raises(SettingsError, match=next(iter(senseless))):
        AugmentSettings(**senseless)


def test_faults_twice_as_often_and_never():
    usual = AugmentSettings()
    assert scale_faults(usual, 1) == usual
    assert scale_faults(usual, 0) == AugmentSettings(**NO_FAULTS)
    assert scale_faults(usual, 2).jpeg_chance == 2 * usual.jpeg_chance
    assert scale_faults(usual, 100).jpeg_chance == 1
    with pytest.raises(SettingsError, match="-1"):
        scale_faults(usual, -1)


# --- what was there before


RUNS = sorted((Path(__file__).parent / "runs").glob("*.swift.json"))


@pytest.fixture
def before():
    """The augmentation of a run that was finished when there were no faults."""
    return json.loads(RUNS[0].read_text(encoding="utf-8"))["settings"]["augment"]


def test_a_training_that_was_begun_without_faults_goes_on_without(before):
    settings = settings_to_dict(TrainSettings()) | {"augment": before}
    assert dict_to_settings(settings).augment == AugmentSettings(**NO_FAULTS)
    new = TrainSettings(augment=AugmentSettings(jpeg_chance=0.5))
    assert dict_to_settings(settings_to_dict(new)) == new


def test_the_paper_s_protocol_has_the_augmentation_of_the_runs_that_are_finished(before, tmp_path):
    dataset = open_dataset(write_dataset(tmp_path / "cells", n=9))
    task = Task(dataset, dataset.splits[0], "swift", BUDGETS["trial"])
    now = asdict(task_to_settings(task, lr=1e-3, device="cpu").augment)
    assert before.items() <= now.items() and NO_FAULTS.items() <= now.items()
