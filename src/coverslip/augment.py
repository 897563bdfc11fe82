"""(images, maps) → (images, maps), at random, seeded, on the batch's own device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from coverslip.errors import SettingsError


@dataclass(frozen=True)
class AugmentSettings:
    """How far a training image may be moved and changed.

    Intensities are those of `coverslip.images.stretch`: [0, 1] over the image's own range.

    Raises:
        SettingsError: a zoom below 1.
    """

    rotation_deg: float = 180.0  # cells have no up and down
    zoom: float = 1.3  # sizes from 1/1.3 to 1.3 of the original, log-uniform
    elastic_px: float = 4.0  # displacement's standard deviation at the control points
    elastic_spacing_px: int = 32  # of the control points: at 8 x the displacement, few of 1000 fold
    brightness: float = 0.15  # added, uniform within ±
    contrast: float = 0.3  # multiplied around the mean, log-uniform within 1/1.3 … 1.3
    gamma: float = 0.4  # exponent, log-uniform within e^-0.4 … e^0.4
    noise: float = 0.03  # largest standard deviation of added Gaussian noise
    invert: float = 0.1  # chance of dark cells on light turning into light cells on dark

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        if not 1 <= self.zoom < math.inf:
            raise SettingsError(f"zoom is {self.zoom}; it must be at least 1, which is no change.")


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
    """
    grid = random_grid(images.shape, settings=settings, generator=generator)
    both = torch.cat([images, maps], dim=1)
    warped = grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    images, mask, others = torch.split(warped, [images.shape[1], 1, maps.shape[1] - 1], dim=1)
    images = change_intensity(images, settings=settings, generator=generator)
    return images, torch.cat([(mask > 0.5).float(), others], dim=1)


def random_grid(
    shape: torch.Size, *, settings: AugmentSettings, generator: torch.Generator
) -> Tensor:
    """Where each output pixel comes from: (N, H, W, 2) in [-1, 1], for `grid_sample`."""
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
    """
    n, _, height, width = shape
    spacing = settings.elastic_spacing_px
    gaps = [math.ceil(length / spacing) for length in (height, width)]
    points = normal(n, 2, *(gap + 1 for gap in gaps), generator=generator)
    size = [gap * spacing + 1 for gap in gaps]
    field = interpolate(points * settings.elastic_px, size, mode="bicubic", align_corners=True)
    x, y = field[:, 0, :height, :width], field[:, 1, :height, :width]
    return torch.stack([x * (2 / width), y * (2 / height)], dim=-1)


def change_intensity(
    images: Tensor, *, settings: AugmentSettings, generator: torch.Generator
) -> Tensor:
    """Contrast, brightness, gamma, noise and inversion, drawn for each image; stays in [0, 1]."""
    n = len(images)

    def draw(scale: float) -> Tensor:
        return (scale * uniform(n, generator)).view(n, 1, 1, 1)

    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + (images - mean) * torch.exp(draw(math.log1p(settings.contrast)))
    images = (images + draw(settings.brightness)).clamp(0, 1)
    images = images ** torch.exp(draw(settings.gamma))
    # one noise for all channels: grey stays grey
    noise = normal(n, 1, *images.shape[2:], generator=generator)
    images = (images + noise * draw(settings.noise).abs()).clamp(0, 1)
    inverted = uniform(n, generator) * 0.5 + 0.5 < settings.invert
    return torch.where(inverted.view(n, 1, 1, 1), 1 - images, images)


def uniform(n: int, generator: torch.Generator) -> Tensor:
    """Draw n numbers, uniform in [-1, 1), on the generator's device."""
    return torch.rand(n, generator=generator, device=generator.device) * 2 - 1


def normal(*shape: int, generator: torch.Generator) -> Tensor:
    """Draw numbers of mean 0 and standard deviation 1, on the generator's device."""
    return torch.randn(*shape, generator=generator, device=generator.device)
