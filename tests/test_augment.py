from __future__ import annotations

import pytest
import torch

from coverslip.augment import AugmentSettings, augment

STILL = AugmentSettings(
    rotation_deg=0, zoom=1, elastic_px=0, brightness=0, contrast=0, gamma=0, noise=0, invert=0
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
    settings = AugmentSettings(brightness=0, contrast=0, gamma=0, noise=0, invert=0)
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


@pytest.mark.parametrize("shape", [(1, 1), (5, 70)])
def test_any_size(shape):
    images, masks = torch.rand(2, 3, *shape), torch.zeros(2, 1, *shape)
    new_images, _ = augment(images, masks, settings=AugmentSettings(), generator=seeded())
    assert new_images.shape == images.shape
    assert torch.isfinite(new_images).all()
