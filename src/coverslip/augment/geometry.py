"""settings → where each pixel of a batch comes from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from coverslip.augment.draw import normal, uniform

if TYPE_CHECKING:
    from coverslip.augment.settings import AugmentSettings


def warp(images: Tensor, maps: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Move images (N, C, H, W) and maps (N, K, H, W) alike; the first, the mask, stays 0 or 1."""
    both = torch.cat([images, maps], dim=1)
    warped = grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    images, mask, others = torch.split(warped, [images.shape[1], 1, maps.shape[1] - 1], dim=1)
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
