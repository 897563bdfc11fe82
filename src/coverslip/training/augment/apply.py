"""(images, maps) → (images, maps): moved together, then the images changed, in this order.

What an image goes through on its way to a file: the stain (colour) → the optics (focus, resolution)
→ the light (illumination, then contrast, brightness and gamma, which stand for all that sets the
tones) → the camera (shot noise, then that of its electronics) → software (sharpening, compression).
Inversion comes last: it stands for another contrast, whose file has the same faults.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from coverslip.training.augment.colour import change_colour
from coverslip.training.augment.faults import (
    add_noise,
    add_shot_noise,
    blur,
    illuminate,
    lose_resolution,
    polynomial_field,
    sharpen,
)
from coverslip.training.augment.jpeg import compress
from coverslip.training.augment.random import normal, on_host, sometimes, uniform

if TYPE_CHECKING:
    from coverslip.training.augment.settings import AugmentSettings

BEST_QUALITY = 90  # of JPEG: nothing of it shows


def augment(
    images: Tensor, maps: Tensor, *, settings: AugmentSettings, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Warp images and maps together, then change the images' intensities.

    Rotation, elastic transform, horizontal and vertical flip (Ayanzadeh et al. 2021, section 3.3)
    and zoom are composed into one grid, so that every pixel is interpolated once.

    Args:
        images: (N, C, H, W) float in [0, 1].
        maps: (N, K, H, W) float in [0, 1], the mask first.
        settings: ranges of every change.
        generator: on the images' device; the same state gives the same changes on that device.

    Returns:
        New images in [0, 1] and new maps; the mask is 0 or 1 again.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import AugmentSettings, augment
        >>> images, maps = torch.rand(2, 3, 32, 32), torch.zeros(2, 1, 32, 32)
        >>> maps[..., :16] = 1
        >>> generator = torch.Generator().manual_seed(0)
        >>> images, maps = augment(images, maps, settings=AugmentSettings(), generator=generator)
        >>> tuple(images.shape), 0 <= float(images.min()), float(images.max()) <= 1
        ((2, 3, 32, 32), True, True)
        >>> maps.unique().tolist()  # a mask is a mask when it is turned and warped, too
        [0.0, 1.0]
    """
    grid = random_grid(images.shape, settings=settings, generator=generator)
    images, maps = warp(images, maps, grid)
    return change_intensity(images, settings=settings, generator=generator), maps


def change_intensity(
    images: Tensor, *, settings: AugmentSettings, generator: torch.Generator
) -> Tensor:
    """All that happens to an image but its geometry, drawn for each; stays in [0, 1].

    Example:
        >>> import torch
        >>> from coverslip.training.augment import AugmentSettings, change_intensity
        >>> images = torch.full((1, 3, 16, 16), 0.5)
        >>> generator = torch.Generator().manual_seed(0)
        >>> changed = change_intensity(images, settings=AugmentSettings(), generator=generator)
        >>> bool((changed != images).any()), 0 <= float(changed.min()), float(changed.max()) <= 1
        (True, True, True)
    """
    host = on_host(generator)
    images = change_colour(images, settings=settings, generator=generator)
    images = change_optics(images, settings=settings, host=host)
    images = sometimes(
        images,
        lambda some: light_unevenly(some, settings.illumination, host=host),
        chance=settings.illumination_chance,
        host=host,
    )
    images = change_tones(images, settings=settings, generator=generator)
    images = change_noise(images, settings=settings, generator=generator, host=host)
    images = change_file(images, settings=settings, host=host)
    inverted = uniform(len(images), generator) * 0.5 + 0.5 < settings.invert
    return torch.where(inverted.view(-1, 1, 1, 1), 1 - images, images)


def change_optics(images: Tensor, *, settings: AugmentSettings, host: torch.Generator) -> Tensor:
    """Some images out of focus, some of coarser pixels."""

    def out_of_focus(some: Tensor) -> Tensor:
        return blur(some, settings.blur_px * share(some, host))

    def coarser(some: Tensor) -> Tensor:
        return lose_resolution(some, settings.resolution ** share(some, host))

    images = sometimes(images, out_of_focus, chance=settings.blur_chance, host=host)
    return sometimes(images, coarser, chance=settings.resolution_chance, host=host)


def light_unevenly(images: Tensor, strongest: float, *, host: torch.Generator) -> Tensor:
    """A field of light for each image, which multiplies one half of them and is added to the other.

    The added one has half the strength: it changes dark places as much as light ones.
    """
    n, _, height, width = images.shape
    field = polynomial_field(normal(n, 5, generator=host).to(images), height=height, width=width)
    strength = strongest * share(images, host)
    adds = uniform(n, host) < 0
    gain = torch.where(adds, 0.0, strength)
    return illuminate(images, field, gain=gain, offset=(strength - gain) / 2)


def change_tones(
    images: Tensor, *, settings: AugmentSettings, generator: torch.Generator
) -> Tensor:
    """Contrast around the mean, brightness and gamma of every image."""
    n = len(images)

    def draw(scale: float) -> Tensor:
        return (scale * uniform(n, generator)).view(n, 1, 1, 1)

    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + (images - mean) * torch.exp(draw(math.log1p(settings.contrast)))
    images = (images + draw(settings.brightness)).clamp(0, 1)
    return images ** torch.exp(draw(settings.gamma))


def change_noise(
    images: Tensor,
    *,
    settings: AugmentSettings,
    generator: torch.Generator,
    host: torch.Generator,
) -> Tensor:
    """Shot noise in some images, and noise of the electronics in every one."""

    def of_photons(some: Tensor) -> Tensor:
        noise = normal(len(some), 1, *some.shape[2:], generator=generator)
        return add_shot_noise(some, noise, sd=settings.shot_noise * share(some, host))

    images = sometimes(images, of_photons, chance=settings.shot_noise_chance, host=host)
    noise = normal(len(images), 1, *images.shape[2:], generator=generator)
    return add_noise(images, noise, sd=(settings.noise * uniform(len(images), generator)).abs())


def change_file(images: Tensor, *, settings: AugmentSettings, host: torch.Generator) -> Tensor:
    """Some images sharpened, some compressed."""

    def sharper(some: Tensor) -> Tensor:
        return sharpen(some, settings.sharpen * share(some, host))

    def smaller(some: Tensor) -> Tensor:
        worse = (BEST_QUALITY - settings.jpeg_quality) * share(some, host)
        return compress(some, (BEST_QUALITY - worse).round())

    images = sometimes(images, sharper, chance=settings.sharpen_chance, host=host)
    return sometimes(images, smaller, chance=settings.jpeg_chance, host=host)


def share(images: Tensor, host: torch.Generator) -> Tensor:
    """A number in [0, 1) for each image: how much of the most it gets."""
    return torch.rand(len(images), generator=host)


def warp(images: Tensor, maps: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Move images (N, C, H, W) and maps (N, K, H, W) alike; the first, the mask, stays 0 or 1."""
    both = torch.cat([images, maps], dim=1)
    warped = grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    images, mask, others = torch.split(warped, [images.shape[1], 1, maps.shape[1] - 1], dim=1)
    return images, torch.cat([(mask > 0.5).float(), others], dim=1)


def random_grid(
    shape: torch.Size, *, settings: AugmentSettings, generator: torch.Generator
) -> Tensor:
    """Where each output pixel comes from: (N, H, W, 2) in [-1, 1], for `grid_sample`.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import AugmentSettings, random_grid
        >>> still = AugmentSettings(rotation_deg=0, zoom=1, elastic_px=0)
        >>> generator = torch.Generator().manual_seed(0)
        >>> tuple(random_grid(torch.Size([2, 3, 8, 8]), settings=still, generator=generator).shape)
        (2, 8, 8, 2)
    """
    n, _, height, width = shape
    angle = math.radians(settings.rotation_deg) * uniform(n, generator)
    zoom = torch.exp(math.log(settings.zoom) * uniform(n, generator))
    flip_x, flip_y = (torch.where(uniform(n, generator) < 0, -1.0, 1.0) for _ in range(2))
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    aspect = height / width  # grid coordinates span [-1, 1] on both axes; keep circles round
    turn = torch.stack(
        [
            torch.stack([flip_x * cos, -flip_x * sin * aspect], dim=1),
            torch.stack([flip_y * sin / aspect, flip_y * cos], dim=1),
        ],
        dim=1,
    )
    upright = torch.eye(2, 3, device=generator.device)[None]
    still = affine_grid(upright, [1, 1, height, width], align_corners=False)
    # bent first, so that enlarging enlarges the bends too and cannot make them fold
    bent = still + random_displacement(shape, settings=settings, generator=generator)
    return torch.einsum("nij,nhwj->nhwi", turn, bent)


def random_displacement(
    shape: torch.Size, *, settings: AugmentSettings, generator: torch.Generator
) -> Tensor:
    """A smooth random field (N, H, W, 2), in grid units: bicubic between random control points.

    The points lie at multiples of the spacing, the last beyond the image: squeezed into a small
    image they would fold it.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import AugmentSettings, random_displacement
        >>> generator = torch.Generator().manual_seed(0)
        >>> shape = torch.Size([2, 3, 64, 64])
        >>> field = random_displacement(shape, settings=AugmentSettings(), generator=generator)
        >>> tuple(field.shape)
        (2, 64, 64, 2)
    """
    n, _, height, width = shape
    spacing = settings.elastic_spacing_px
    gaps = [math.ceil(length / spacing) for length in (height, width)]
    points = normal(n, 2, *(gap + 1 for gap in gaps), generator=generator)
    size = [gap * spacing + 1 for gap in gaps]
    field = interpolate(points * settings.elastic_px, size, mode="bicubic", align_corners=True)
    x, y = field[:, 0, :height, :width], field[:, 1, :height, :width]
    return torch.stack([x * (2 / width), y * (2 / height)], dim=-1)
