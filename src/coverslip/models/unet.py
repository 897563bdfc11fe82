"""U-Net: the network that all the others vary."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from coverslip.models.blocks import double_conv, double_conv_without_norm, he_normal_

WIDTHS = (64, 128, 256, 512, 1024)


class UNet(nn.Module):
    """U-Net (Ronneberger, Fischer and Brox 2015, arXiv 1505.04597).

    Parameters: 31,037,633 with batch norm, 31,031,745 without (3 channels in, 1 out).

    Choices where the paper leaves one, or where its own would not fit the common protocol:
    same padding, so that the mask has the image's size (the paper: valid); batch norm (the paper
    has none; ``norm=False`` gives it); one logit (the paper: two classes); no dropout.

    Example:
        >>> import torch
        >>> from coverslip.models import UNet
        >>> network = UNet(in_channels=1).eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 1, 32, 32))
        >>> tuple(logits.shape), network.stride
        ((1, 1, 32, 32), 16)
    """

    stride = 16

    def __init__(self, *, in_channels: int = 3, out_channels: int = 1, norm: bool = True) -> None:
        super().__init__()
        block = double_conv if norm else double_conv_without_norm
        inputs = (in_channels, *WIDTHS)
        self.encoder = nn.ModuleList(block(n, k) for n, k in zip(inputs, WIDTHS, strict=False))
        self.pool = nn.MaxPool2d(2)
        coarse_to_fine = tuple(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(n, k, 2, stride=2) for n, k in coarse_to_fine)
        self.decoder = nn.ModuleList(block(n, k) for n, k in coarse_to_fine)
        self.head = nn.Conv2d(WIDTHS[0], out_channels, 1)
        he_normal_(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        skips = []
        for block in self.encoder[:-1]:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.encoder[-1](x)
        for up, block in zip(self.up, self.decoder, strict=True):
            x = block(torch.cat([skips.pop(), up(x)], dim=1))
        logits: Tensor = self.head(x)
        return logits
