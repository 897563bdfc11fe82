"""swift: our network for people without a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

from coverslip.models.blocks import conv_norm_relu, he_normal_
from coverslip.models.encoder_catalogue import find_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence


class Swift(nn.Module):
    """An encoder up to 1/16, ResNet-18 up to layer3 if no other, and a decoder mostly coarse.

    Parameters: 3,219,105. Work: 6.2 GFLOP for 256x256, a ninth of `ResNet18UNetRP`.

    A convolution at full resolution costs four times one at half; so the decoder stops at half, and
    hands a few channels up by pixel shuffle (Shi et al. 2016), where one narrow convolution sets
    them against the image itself. That last step is what draws sharp edges: without it the network
    is as slow and loses a point of Jaccard (docs/results/swift.md says what else was tried).

    Args:
        in_channels: channels of the image.
        out_channels: logits for each pixel.
        widths: channels of the decoder at 1/8, 1/4 and 1/2 of the resolution.
        shuffled: channels handed up to the full resolution.
        fine: channels of the convolution there.
        encoder: a name of `ENCODERS`, or ``timm:`` and a name of timm's.

    Example:
        >>> import torch
        >>> from coverslip.models import Swift
        >>> network = Swift(out_channels=2).eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape), network.stride
        ((1, 2, 32, 32), 16)
    """

    stride = 16

    def __init__(
        self,
        *,
        in_channels: int = 3,
        out_channels: int = 1,
        widths: Sequence[int] = (96, 48, 32),
        shuffled: int = 8,
        fine: int = 16,
        encoder: str = "resnet18",
    ) -> None:
        super().__init__()
        made = find_encoder(encoder)
        *skips, deepest = made.channels
        inputs = (deepest, *widths)
        self.decoder = nn.ModuleList(
            conv_norm_relu(n + skip, k)
            for n, skip, k in zip(inputs, reversed(skips), widths, strict=False)
        )
        self.lift = nn.Conv2d(widths[-1], 4 * shuffled, 1)
        self.fine = conv_norm_relu(shuffled + in_channels, fine)
        self.head = nn.Conv2d(fine, out_channels, 3, padding=1)
        he_normal_(self)
        self.encoder = made.make(in_channels=in_channels)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        *skips, x = self.encoder(image)
        for block, skip in zip(self.decoder, reversed(skips), strict=True):
            x = block(torch.cat([skip, interpolate(x, scale_factor=2.0)], dim=1))
        x = self.fine(torch.cat([image, pixel_shuffle(self.lift(x), 2)], dim=1))
        logits: Tensor = self.head(x)
        return logits
