"""images → the same cells in other colours: stained, tinted, turned grey, channels exchanged.

Stain and colour augmentation of histology, for models that meet stains which they never learnt.
Every function takes a batch (N, 3, H, W) in [0, 1] and returns a new one in [0, 1].
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import interpolate

from coverslip.training.augment.random import sometimes

if TYPE_CHECKING:
    from torch import Tensor

    from coverslip.training.augment.settings import AugmentSettings

DARKEST = 1 / 255  # of a pixel whose optical density is taken
TEXTURE_PX = 8  # between the random points of an uneven ground


def change_colour(
    images: Tensor, *, settings: AugmentSettings, generator: torch.Generator
) -> Tensor:
    """Some images in other colours, drawn for each kind of change by itself.

    The random numbers are its own and follow from the generator's state, which stays as it is: a
    training without these changes is the same as before there were any.
    """
    state = generator.get_state().numpy().tobytes()
    own = torch.Generator().manual_seed(zlib.crc32(state + b"colour"))

    def grey(some: Tensor) -> Tensor:
        return mix_channels(some, random_weights(len(some), own)[:, None].expand(-1, 3, -1))

    def swapped(some: Tensor) -> Tensor:
        orders = torch.rand(len(some), 3, generator=own).argsort(dim=1)
        return mix_channels(some, torch.eye(3)[orders])

    def turned(some: Tensor) -> Tensor:
        angle = settings.hue_deg * (torch.rand(len(some), generator=own) * 2 - 1)
        return mix_channels(some, hue_matrix(angle))

    def restained(some: Tensor) -> Tensor:
        mixed = torch.stack([random_weights(3, own) for _ in some])
        share = settings.restain * torch.rand(len(some), 1, 1, generator=own)
        strength = torch.exp(torch.rand(len(some), 3, 1, generator=own) - 0.5)
        return mix_stains(some, strength * (torch.eye(3) * (1 - share) + mixed * share))

    def tinted(some: Tensor) -> Tensor:
        dark, light = torch.rand(2, len(some), 3, generator=own)
        return tint(some, dark=0.3 * dark, light=1 - 0.6 * light)

    def stained(some: Tensor) -> Tensor:
        n, _, height, width = some.shape
        points = torch.rand(n, 1, *(2 + s // TEXTURE_PX for s in (height, width)), generator=own)
        texture = interpolate(points, (height, width), mode="bilinear").to(some)
        dye = 3 * torch.rand(n, 3, generator=own) ** 1.5
        ground = 0.5 * torch.rand(n, 3, generator=own) ** 2
        return stain(some, texture=texture, dye=dye, ground=ground)

    changes = (
        (restained, settings.restain_chance),
        (turned, settings.hue_chance),
        (swapped, settings.swap_chance),
        (grey, settings.grey_chance),
        (tinted, settings.tint_chance),
        (stained, settings.stain_chance),
    )
    for change, chance in changes:
        images = sometimes(images, change, chance=chance, host=own)
    return images


def random_weights(n: int, generator: torch.Generator) -> Tensor:
    """(n, 3) shares of the channels, each row's sum 1: a flat Dirichlet distribution."""
    drawn = -torch.log(torch.rand(n, 3, generator=generator).clamp(min=1e-6))
    return drawn / drawn.sum(dim=1, keepdim=True)


def mix_channels(images: Tensor, matrix: Tensor) -> Tensor:
    """New channels from the old ones, by a matrix (N, 3, 3) for each image: row = new channel."""
    return torch.einsum("nij,njhw->nihw", matrix.to(images), images).clamp(0, 1)


def hue_matrix(angle_deg: Tensor) -> Tensor:
    """(N,) angles → (N, 3, 3): turns about the grey axis; grey stays grey, 120° swaps channels."""
    cos, sin = (f(angle_deg * (math.pi / 180)) for f in (torch.cos, torch.sin))
    same = (1 + 2 * cos) / 3
    after, before = ((1 - cos) / 3 + sign * sin / math.sqrt(3) for sign in (1, -1))
    rows = [same, before, after, after, same, before, before, after, same]
    return torch.stack(rows, dim=1).view(-1, 3, 3)


def mix_stains(images: Tensor, matrix: Tensor) -> Tensor:
    """New optical densities from the old ones (Beer and Lambert): what absorbs gets other colours.

    White stays white, since it has no density.
    """
    density = -torch.log(images.clamp(DARKEST, 1))
    return torch.exp(-torch.einsum("nij,njhw->nihw", matrix.to(images), density)).clamp(0, 1)


def tint(images: Tensor, *, dark: Tensor, light: Tensor) -> Tensor:
    """Grey values between two colours (N, 3): 0 becomes the dark one, 1 the light one."""
    grey = images.mean(dim=1, keepdim=True)
    low, high = (colour.to(images)[:, :, None, None] for colour in (dark, light))
    return low + (high - low) * grey


def stain(images: Tensor, *, texture: Tensor, dye: Tensor, ground: Tensor) -> Tensor:
    """Bright field of what shines: light goes through a stained ground, and through the cells' dye.

    Args:
        images: (N, 3, H, W); their grey value is how much of the dye there is.
        texture: (N, 1, H, W) in [0, 1]: how much of the ground's stain there is.
        dye: (N, 3) optical density of each channel where the image is 1.
        ground: (N, 3) optical density of each channel where the texture is 1.
    """
    grey = images.mean(dim=1, keepdim=True)
    density = dye.to(images)[:, :, None, None] * grey
    density = density + ground.to(images)[:, :, None, None] * texture
    return torch.exp(-density)
