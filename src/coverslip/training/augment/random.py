"""generator → random numbers, and the images that they fall on."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def uniform(n: int, generator: torch.Generator) -> Tensor:
    """Draw n numbers, uniform in [-1, 1), on the generator's device."""
    return torch.rand(n, generator=generator, device=generator.device) * 2 - 1


def normal(*shape: int, generator: torch.Generator) -> Tensor:
    """Draw numbers of mean 0 and standard deviation 1, on the generator's device."""
    return torch.randn(*shape, generator=generator, device=generator.device)


def on_host(generator: torch.Generator) -> torch.Generator:
    """A generator on the CPU that follows from the state of another, which stays as it is.

    Which images are changed must be known on the CPU: to ask a GPU is to wait for it.
    """
    return torch.Generator().manual_seed(zlib.crc32(generator.get_state().numpy().tobytes()))


def sometimes(
    images: Tensor, change: Callable[[Tensor], Tensor], *, chance: float, host: torch.Generator
) -> Tensor:
    """Change some images of a batch, each with a chance, and leave the others as they are.

    Args:
        images: (N, C, H, W).
        change: is given those that are drawn, (n, C, H, W), if there are any.
        chance: from 0, none, to 1, all.
        host: on the CPU.
    """
    drawn = torch.nonzero(torch.rand(len(images), generator=host) < chance).flatten()
    if len(drawn) == 0:
        return images
    places = drawn.to(images.device)
    return images.index_copy(0, places, change(images[places]))
