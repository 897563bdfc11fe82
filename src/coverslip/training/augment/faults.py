"""images × how much → the images with a fault of optics, light, camera or software.

Every function takes a batch (N, C, H, W) in [0, 1] and how much for each image (N,), anywhere, and
returns a new batch in [0, 1]. All channels of an image suffer the same: grey stays grey.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import conv2d, interpolate, pad

if TYPE_CHECKING:
    from torch import Tensor


def blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Out of focus: a Gaussian, the edges repeated beyond the image.

    Args:
        images: (N, C, H, W) in [0, 1].
        sigma_px: (N,) the Gaussian's standard deviation; 0 is no change.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import blur
        >>> image = torch.zeros(1, 1, 9, 9)
        >>> image[0, 0, 4, 4] = 1
        >>> spread = blur(image, torch.tensor([1.0]))
        >>> round(float(spread.sum()), 4), bool(spread[0, 0, 4, 4] < 0.2)
        (1.0, True)
    """
    n, channels, height, width = images.shape
    radius = max(1, math.ceil(3 * float(sigma_px.max())))  # beyond, 0.3 % of it
    steps = torch.arange(-radius, radius + 1, device=sigma_px.device)
    kernel = torch.exp(-0.5 * (steps / sigma_px.clamp(min=1e-2)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).to(images)
    # Every channel of every image is a group of its own, with its image's kernel.
    kernel = kernel.repeat_interleave(channels, dim=0)[:, None]
    planes = pad(images.reshape(1, -1, height, width), [radius] * 4, mode="replicate")
    planes = conv2d(planes, kernel[:, :, None], groups=n * channels)
    planes = conv2d(planes, kernel[..., None], groups=n * channels)
    return planes.view(images.shape).clamp(0, 1)


def sharpen(images: Tensor, amount: Tensor) -> Tensor:
    """Unsharp masking: what a blur of 1 px takes away is added once more, so many times.

    Args:
        images: (N, C, H, W) in [0, 1].
        amount: (N,); 0 is no change.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import sharpen
        >>> image = torch.full((1, 1, 9, 9), 0.4)
        >>> image[..., 5:] = 0.6
        >>> sharper = sharpen(image, torch.tensor([1.0]))
        >>> bool(sharper[0, 0, 4, 4] < 0.4), bool(sharper[0, 0, 4, 5] > 0.6)
        (True, True)
    """
    fine = images - blur(images, torch.ones(len(images)))
    return (images + per_image(amount, images) * fine).clamp(0, 1)


def lose_resolution(images: Tensor, factor: Tensor) -> Tensor:
    """Larger pixels: made smaller, each pixel the mean of those it covers, and large again.

    Args:
        images: (N, C, H, W) in [0, 1].
        factor: (N,) side of the pixels that are left, in pixels of before; 1 is no change.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import lose_resolution
        >>> image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> coarse = lose_resolution(image, torch.tensor([4.0]))
        >>> bool(coarse.std() < image.std())
        True
    """
    size = images.shape[2:]
    coarse = []
    for image, share in zip(torch.split(images, 1), factor.tolist(), strict=True):
        small = [max(1, round(length / share)) for length in size]
        shrunk = interpolate(image, small, mode="bilinear", antialias=True)
        coarse.append(interpolate(shrunk, size, mode="bilinear"))
    return torch.cat(coarse).clamp(0, 1)


def illuminate(images: Tensor, field: Tensor, *, gain: Tensor, offset: Tensor) -> Tensor:
    """Uneven light, which multiplies what is seen, or light that is added to it.

    Args:
        images: (N, C, H, W) in [0, 1].
        field: (N, H, W), smooth, in [-1, 1].
        gain: (N,) the image is multiplied by 1 + gain × field; 0 is no change.
        offset: (N,) offset × field is added: stray light, a meniscus in phase contrast.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import illuminate
        >>> image, field = torch.full((1, 1, 1, 2), 0.5), torch.tensor([[[-1.0, 1.0]]])
        >>> gain, offset = torch.tensor([0.5]), torch.tensor([0.0])
        >>> illuminate(image, field, gain=gain, offset=offset).tolist()
        [[[[0.25, 0.75]]]]
    """
    light = field[:, None].to(images)
    lit = images * (1 + per_image(gain, images) * light)
    return (lit + per_image(offset, images) * light).clamp(0, 1)


def polynomial_field(weights: Tensor, *, height: int, width: int) -> Tensor:
    """A ramp, saddle, bowl or vignette: a polynomial of second order whose greatest value is ±1.

    Args:
        weights: (N, 5) of x, y, xy, x² and y², each from -1 to 1 over the image.
        height: of the field.
        width: of the field.

    Returns:
        (N, H, W), where the weights are.
    """
    y = torch.linspace(-1, 1, height, device=weights.device)[:, None].expand(height, width)
    x = torch.linspace(-1, 1, width, device=weights.device)[None].expand(height, width)
    # less their means, so that light is lost here and gained there
    terms = torch.stack([x, y, x * y, x**2 - 1 / 3, y**2 - 1 / 3])
    field = torch.einsum("nk,khw->nhw", weights, terms)
    return field / field.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)


def add_noise(images: Tensor, noise: Tensor, *, sd: Tensor) -> Tensor:
    """The noise of a camera's electronics, the same in dark and light.

    Args:
        images: (N, C, H, W) in [0, 1].
        noise: (N, 1, H, W) normal numbers, one noise for all channels.
        sd: (N,) the noise's standard deviation.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import add_noise
        >>> image, noise = torch.full((1, 1, 1, 2), 0.5), torch.tensor([[[[-1.0, 1.0]]]])
        >>> add_noise(image, noise, sd=torch.tensor([0.25])).tolist()
        [[[[0.25, 0.75]]]]
    """
    return (images + noise * per_image(sd, images)).clamp(0, 1)


def add_shot_noise(images: Tensor, noise: Tensor, *, sd: Tensor) -> Tensor:
    """The noise of counted photons: its variance grows with the light.

    A Poisson distribution by the normal one of its mean and variance, which from ten photons on is
    near to it. So many photons at full brightness have a standard deviation of 1/√photons.

    Args:
        images: (N, C, H, W) in [0, 1].
        noise: (N, 1, H, W) normal numbers.
        sd: (N,) the noise's standard deviation where the image is 1.

    Example:
        >>> import torch
        >>> from coverslip.training.augment import add_shot_noise
        >>> image, noise = torch.tensor([[[[0.0, 0.25]]]]), torch.ones(1, 1, 1, 2)
        >>> add_shot_noise(image, noise, sd=torch.tensor([0.5])).tolist()  # none in the dark
        [[[[0.0, 0.5]]]]
    """
    return (images + noise * images.sqrt() * per_image(sd, images)).clamp(0, 1)


def per_image(numbers: Tensor, images: Tensor) -> Tensor:
    """(N,) → (N, 1, 1, 1), where the images are."""
    return numbers.to(images).view(-1, 1, 1, 1)
