from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from coverslip.cli.train_plan import augment_settings
from coverslip.errors import SettingsError
from coverslip.training.augment import AugmentSettings, change_intensity
from coverslip.training.augment.colour import (
    change_colour,
    hue_matrix,
    mix_channels,
    mix_stains,
    random_weights,
    stain,
    tint,
)
from coverslip.training.augment.settings import COLOUR_CHANCES


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def coloured():
    return torch.rand(20, 3, 9, 11, generator=seeded(3))


def test_a_third_of_a_turn_of_the_hues_exchanges_the_channels(coloured):
    turned = mix_channels(coloured, hue_matrix(torch.full((20,), 120.0)))
    torch.testing.assert_close(turned, coloured[:, [2, 0, 1]])
    still = mix_channels(coloured, hue_matrix(torch.zeros(20)))
    torch.testing.assert_close(still, coloured)


def test_grey_has_no_hue():
    grey = torch.rand(4, 1, 5, 5, generator=seeded()).expand(4, 3, 5, 5)
    turned = mix_channels(grey, hue_matrix(torch.tensor([10.0, 77.0, -150.0, 180.0])))
    torch.testing.assert_close(turned, grey.contiguous())


def test_a_tint_lies_between_two_colours():
    images = torch.tensor([0.0, 0.5, 1.0]).expand(1, 3, 1, 3)
    dark, light = torch.tensor([[0.1, 0.2, 0.3]]), torch.tensor([[1.0, 0.8, 0.3]])
    found = tint(images, dark=dark, light=light)[0, :, 0]
    wanted = torch.tensor([[0.1, 0.55, 1.0], [0.2, 0.5, 0.8], [0.3, 0.3, 0.3]])
    torch.testing.assert_close(found, wanted)


def test_what_shines_absorbs_by_its_dye_and_the_ground_by_its_own():
    images = torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2)
    texture = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    dye, ground = math.log(2) * torch.tensor([[1.0, 2, 0]]), math.log(2) * torch.tensor([[0, 0, 1]])
    found = stain(images, texture=texture, dye=dye, ground=ground)[0, :, 0]
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.5], [1.0, 0.25], [0.5, 1.0]]))


def test_stains_are_mixed_in_optical_density():
    pixel = torch.tensor([0.5, 1.0, 0.25]).view(1, 3, 1, 1)
    matrix = torch.tensor([[[1.0, 0, 1], [0, 1, 0], [0.5, 0, 0]]])
    found = mix_stains(pixel, matrix).flatten()
    torch.testing.assert_close(found, torch.tensor([0.125, 1.0, math.sqrt(0.5)]))
    white = torch.ones(1, 3, 2, 2)
    torch.testing.assert_close(mix_stains(white, matrix), white)


def test_weights_of_channels_are_shares():
    drawn = random_weights(100, seeded())
    assert (drawn >= 0).all()
    torch.testing.assert_close(drawn.sum(dim=1), torch.ones(100))
    assert drawn.std() > 0.1


@pytest.mark.parametrize("name", COLOUR_CHANCES)
def test_each_change_of_colour_alone_changes_some_images_and_leaves_the_others(coloured, name):
    settings = replace(AugmentSettings(), **{name: 0.5})
    changed = change_colour(coloured, settings=settings, generator=seeded())
    same = (changed == coloured).flatten(1).all(dim=1)
    assert 0 < same.sum() < len(coloured)
    assert 0 <= changed.min() and changed.max() <= 1
    again = change_colour(coloured, settings=settings, generator=seeded())
    assert torch.equal(again, changed)


def test_colours_cost_the_other_changes_nothing(coloured):
    generator = seeded()
    change_colour(coloured, settings=replace(AugmentSettings(), tint_chance=1), generator=generator)
    assert torch.equal(generator.get_state(), seeded().get_state())
    plain = AugmentSettings()
    assert change_colour(coloured, settings=plain, generator=seeded()) is coloured
    grey = coloured.mean(dim=1, keepdim=True).expand_as(coloured).contiguous()
    both = [
        change_intensity(grey, settings=settings, generator=seeded())
        for settings in (plain, replace(plain, swap_chance=1.0))
    ]
    torch.testing.assert_close(both[0], both[1])  # grey has nothing to exchange


def test_settings_are_changed_by_their_names():
    settings = AugmentSettings(zoom=1.6)
    changed = augment_settings(settings, ["invert=0.3", "jpeg_quality=50"])
    assert changed == replace(settings, invert=0.3, jpeg_quality=50)
    assert augment_settings(settings, None) == settings
    with pytest.raises(SettingsError, match="--augment colour: wanted of blur_chance"):
        augment_settings(settings, ["colour=1"])
    with pytest.raises(SettingsError, match="--augment invert=often: wanted a number"):
        augment_settings(settings, ["invert=often"])
    with pytest.raises(SettingsError, match="--augment invert: wanted NAME=VALUE"):
        augment_settings(settings, ["invert"])
    with pytest.raises(SettingsError, match="tint_chance is 2"):
        augment_settings(settings, ["tint_chance=2"])
