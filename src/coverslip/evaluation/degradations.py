"""image × degradation × strength → the image made worse, the same each time.

Blur, noise, illumination, gamma, compression and others, as bad microscopy has them.

What a fault does is told once, in `coverslip.training.augment`; here is how strong it gets.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from coverslip.training.augment import (
    add_noise,
    add_shot_noise,
    blur,
    compress,
    illuminate,
    lose_resolution,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    Change = Callable[[Tensor, float, torch.Generator], Tensor]

UNDISTURBED = "none"  # what stands in place of a degradation where there is none


@dataclass(frozen=True)
class Degradation:
    """One way of making images worse.

    Attributes:
        title: what it is called in a figure.
        unit: what its strengths are.
        strengths: from mild to severe, or from too little to too much.
        change: (1, C, H, W) in [0, 1], a strength, random numbers → (1, C, H, W) in [0, 1]; None
            for the size of cells, which is a setting of the prediction.
        both_ways: whether what is usual lies in the middle of the strengths.

    Example:
        >>> from coverslip.evaluation import DEGRADATIONS
        >>> DEGRADATIONS["blur"].unit, DEGRADATIONS["blur"].title
        ('sigma, px', 'Blur')
    """

    title: str
    unit: str
    strengths: tuple[float, ...]
    change: Change | None
    both_ways: bool = False

    @property
    def by_severity(self) -> list[float]:
        """The strengths, mild ones first."""
        middle = (len(self.strengths) - 1) / 2 if self.both_ways else 0.0
        order = sorted(range(len(self.strengths)), key=lambda place: abs(place - middle))
        return [self.strengths[place] for place in order]


def invert(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Dark cells on light ground become light ones on dark."""
    return image + strength * (1 - 2 * image)


def add_brightness(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Over- or underexposed: what leaves the range is lost."""
    return (image + strength).clamp(0, 1)


def raise_gamma(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Dark tones drawn apart (below 1) or pressed together (above 1)."""
    return image**strength


def tilt_light(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Light that falls off evenly across the image, in a random direction."""
    angle = 2 * math.pi * torch.rand(1, generator=generator).item()
    y, x = (torch.linspace(-1, 1, length) for length in image.shape[2:])
    ramp = math.sin(angle) * y[:, None] + math.cos(angle) * x
    falling = -(ramp - ramp.min()) / (ramp.max() - ramp.min()).clamp(min=1e-6)
    return illuminate(image, falling[None], gain=torch.tensor([strength]), offset=torch.zeros(1))


def add_gaussian(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Noise of the electronics."""
    return add_noise(image, one_noise(image, generator), sd=torch.tensor([strength]))


def count_photons(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Poisson noise of so many photons at full brightness."""
    return add_shot_noise(image, one_noise(image, generator), sd=torch.tensor([strength**-0.5]))


def one_noise(image: Tensor, generator: torch.Generator) -> Tensor:
    """Normal numbers (1, 1, H, W)."""
    return torch.randn(1, 1, *image.shape[2:], generator=generator)


DEGRADATIONS: dict[str, Degradation] = {
    # Only one: an image is stretched to its own range, which undoes a contrast that is just lower.
    "inversion": Degradation("Inverted contrast", "1: inverted", (1.0,), invert),
    "illumination": Degradation(
        "Uneven light", "share lost across the image", (0.2, 0.4, 0.6, 0.8, 0.95), tilt_light
    ),
    "noise": Degradation(
        "Gaussian noise", "SD, share of the range", (0.02, 0.05, 0.1, 0.2, 0.4), add_gaussian
    ),
    "photons": Degradation(
        "Poisson noise", "photons at full light", (1000, 300, 100, 30, 10), count_photons
    ),
    "blur": Degradation(
        "Blur", "sigma, px", (0.5, 1, 2, 4, 8), lambda image, s, _: blur(image, torch.tensor([s]))
    ),
    "resolution": Degradation(
        "Coarser pixels",
        "side, px of before",
        (1.5, 2, 3, 4, 6),
        lambda image, s, _: lose_resolution(image, torch.tensor([s])),
    ),
    "jpeg": Degradation(
        "JPEG",
        "quality",
        (80, 50, 30, 20, 10, 5),
        lambda image, s, _: compress(image, torch.tensor([s])),
    ),
    "scale": Degradation(
        "Size of cells", "times that of before", (0.25, 0.5, 0.7, 1.4, 2, 4), None, both_ways=True
    ),
    "brightness": Degradation(
        "Exposure",
        "added, share of the range",
        (-0.6, -0.4, -0.2, 0.2, 0.4, 0.6),
        add_brightness,
        both_ways=True,
    ),
    "gamma": Degradation(
        "Gamma", "exponent", (0.25, 0.4, 0.6, 1.7, 2.5, 4), raise_gamma, both_ways=True
    ),
}


def degrade(
    image: NDArray[np.float32], change: Change, strength: float, *, name: str
) -> NDArray[np.float32]:
    """Make an image worse.

    Args:
        image: (H, W) or (H, W, 3) in [0, 1].
        change: of a `Degradation`.
        strength: in its unit.
        name: the image's: the same name has the same noise, at every strength.

    Returns:
        The same shape, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from coverslip.evaluation import DEGRADATIONS, degrade
        >>> image = np.array([[0.0, 0.25, 1.0]], np.float32)
        >>> degrade(image, DEGRADATIONS["inversion"].change, 1.0, name="a").tolist()
        [[1.0, 0.75, 0.0]]
    """
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    planes = np.ascontiguousarray(np.atleast_3d(image).transpose(2, 0, 1))
    with torch.inference_mode():
        worse = change(torch.from_numpy(planes)[None], float(strength), generator)[0]
    return np.ascontiguousarray(worse.numpy().transpose(1, 2, 0)).reshape(image.shape)
