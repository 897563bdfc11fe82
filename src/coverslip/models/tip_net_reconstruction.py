"""Tip-Net (reconstruction): what a network of that name may have been."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from coverslip.models.blocks import conv_norm, conv_norm_relu, he_normal_

WIDTHS = (32, 64, 128, 256, 512)  # U-Net's of the same work, by which the blocks are measured
ALPHA = 1.67
SHARES = (0.167, 0.333, 0.5)


class TipNetReconstruction(nn.Module):
    """Tip-Net (reconstruction). Parameters: 5,756,095.

    **Not the network of its authors.** Tip-Net (Ayanzadeh et al., TIPTEKNO 2019, IEEE Xplore
    8894978) was never published as code, nor its architecture in any text open to all. Known are
    that it came before the residual paths of Ayanzadeh et al. 2021, who score it below U-Net, and
    that a network "of multiple resolutions" based on U-Net is what it is said to be. No score of
    this network says anything about theirs.

    Assumed: MultiResUNet (Ibtehaz and Rahman 2020, its Keras definition) without its residual
    paths, for that vocabulary is MultiResUNet's, its code was public in time, and the later paper
    brings in the residual path as what is new. So

    - MultiRes blocks in the place of U-Net's double convolutions, widths 32 to 512, alpha 1.67;
    - plain skips, joined after the upsampled features;
    - 2x2 transpose convolutions with bias, without batch norm;
    - a 1x1 convolution to logits (MultiResUNet: batch norm on it, then a sigmoid);
    - every batch norm with a scale of its own (Keras code: those before a ReLU have none);
    - He normal initialisation, no pre-trained weights.

    Example:
        >>> import torch
        >>> from coverslip.models import TipNetReconstruction
        >>> network = TipNetReconstruction().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 64, 64))
        >>> tuple(logits.shape)
        (1, 1, 64, 64)
    """

    stride = 16

    def __init__(self, *, in_channels: int = 3, out_channels: int = 1) -> None:
        super().__init__()
        made = [sum(branch_widths(width)) for width in WIDTHS]
        self.encoder = nn.ModuleList(
            MultiResBlock(n, width) for n, width in zip((in_channels, *made), WIDTHS, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        coarse_to_fine = WIDTHS[-2::-1]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(n, width, 2, stride=2)
            for n, width in zip(made[:0:-1], coarse_to_fine, strict=True)
        )
        self.decoder = nn.ModuleList(
            MultiResBlock(width + skip, width)
            for width, skip in zip(coarse_to_fine, made[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(made[0], out_channels, 1)
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
            x = block(torch.cat([up(x), skips.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


class MultiResBlock(nn.Module):
    """MultiResUNet's block: three 3x3 convolutions in a row, all of them seen, and a 1x1 shortcut.

    (N, in, H, W) → (N, out, H, W), out the sum of `branch_widths` of the width.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        narrow, middle, wide = branch_widths(width)
        total = narrow + middle + wide
        self.convs = nn.ModuleList(
            [
                conv_norm_relu(in_channels, narrow),
                conv_norm_relu(narrow, middle),
                conv_norm_relu(middle, wide),
            ]
        )
        self.joined_norm = nn.BatchNorm2d(total)
        self.shortcut = conv_norm(in_channels, total, kernel=1)
        self.norm = nn.BatchNorm2d(total)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H, W)."""
        seen = []
        step = x
        for conv in self.convs:
            step = conv(step)
            seen.append(step)
        joined = self.joined_norm(torch.cat(seen, dim=1)) + self.shortcut(x)
        normed: Tensor = self.norm(torch.relu(joined))
        return normed


def branch_widths(width: int) -> tuple[int, int, int]:
    """Channels of the three convolutions, which together are about 1.67 `width`."""
    narrow, middle, wide = (int(ALPHA * width * share) for share in SHARES)
    return narrow, middle, wide
