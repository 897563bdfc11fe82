"""images × quality → the images as JPEG would give them back."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

SIDE = 8  # px of a block

# Steps of the luminance's coefficients at quality 50: ITU-T T.81 (1992), Table K.1.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def compress(images: Tensor, quality: Tensor) -> Tensor:
    """The blocks and ringing of JPEG: 8 × 8 cosine transforms, rounded to the quality's steps.

    Every channel is taken for a luminance (ITU-T T.81): right for grey, and for colour without
    JPEG's loss of colour.

    Args:
        images: (N, C, H, W) in [0, 1].
        quality: (N,) 1 to 100, as in the Independent JPEG Group's library and all that follow it.

    Returns:
        The same, in steps of 1/255.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import compress
        >>> flat = torch.full((1, 3, 16, 16), 0.5)
        >>> bool((compress(flat, torch.tensor([30.0])) - flat).abs().max() < 0.02)
        True
    """
    height, width = images.shape[2:]
    missing = (-width % SIDE, -height % SIDE)
    levels = pad(images, (0, missing[0], 0, missing[1]), mode="replicate") * 255
    rows, columns = (length // SIDE for length in levels.shape[2:])
    shape = (*images.shape[:2], rows, SIDE, columns, SIDE)
    blocks = (levels.round() - 128).view(shape).transpose(3, 4)
    cosines = cosine_transform().to(images)
    steps = quality_steps(quality).to(images)
    coefficients = (cosines @ blocks @ cosines.T / steps).round() * steps
    levels = (cosines.T @ coefficients @ cosines).transpose(3, 4).reshape(levels.shape) + 128
    return levels[..., :height, :width].round().clamp(0, 255) / 255


def quality_steps(quality: Tensor) -> Tensor:
    """The steps (N, 1, 1, 1, 8, 8) of a quality (N,), by the Independent JPEG Group's formula."""
    percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).floor()
    table = torch.tensor(LUMINANCE, device=quality.device)
    steps = torch.floor((percent.view(-1, 1, 1) * table + 50) / 100).clamp(1, 255)
    return steps[:, None, None, None]


@cache
def cosine_transform() -> Tensor:
    """The 8 cosines (8, 8) of a block's side, a row each; orthonormal."""
    place = torch.arange(SIDE)
    cosines = torch.cos(math.pi / SIDE * (place + 0.5) * place[:, None]) * math.sqrt(2 / SIDE)
    cosines[0] /= math.sqrt(2)
    return cosines
