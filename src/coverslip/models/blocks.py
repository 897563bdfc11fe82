"""Layers that more than one network uses."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


def conv_norm(
    in_channels: int,
    out_channels: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    bias: bool = False,
) -> nn.Sequential:
    """Convolution (same padding) and batch norm: (N, in, H, W) → (N, out, H/s, W/s)."""
    padding = kernel // 2 * dilation
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, bias=bias),
        nn.BatchNorm2d(out_channels),
    )


def conv_norm_relu(
    in_channels: int, out_channels: int, *, kernel: int = 3, dilation: int = 1, bias: bool = False
) -> nn.Sequential:
    """Convolution, batch norm, ReLU: (N, in, H, W) → (N, out, H, W)."""
    return nn.Sequential(
        *conv_norm(in_channels, out_channels, kernel=kernel, dilation=dilation, bias=bias),
        nn.ReLU(inplace=True),
    )


def double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions, each with batch norm and ReLU: (N, in, H, W) → (N, out, H, W)."""
    return nn.Sequential(
        conv_norm_relu(in_channels, out_channels),
        conv_norm_relu(out_channels, out_channels),
    )


def double_conv_without_norm(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions with bias, each with ReLU: (N, in, H, W) → (N, out, H, W)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2016): (N, in, H, W) → (N, out, H, W).

    The shortcut is the identity, or a 1x1 convolution where the channels change.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = conv_norm_relu(in_channels, out_channels)
        self.conv2 = conv_norm(out_channels, out_channels)
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else conv_norm(in_channels, out_channels, kernel=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H, W)."""
        return torch.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


class ResidualDecoderStage(nn.Module):
    """One upsampling of the paper's decoder, from (N, in, H, W) and a skip to (N, out, 2H, 2W).

    A 4x4 transpose convolution doubles the size; then the skip is concatenated and either two plain
    3x3 convolutions (``n_blocks=0``) or `n_blocks` residual blocks follow.
    """

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, *, n_blocks: int = 1
    ) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )
        joined = out_channels + skip_channels
        if n_blocks == 0:
            self.blocks = double_conv(joined, out_channels)
        else:
            widths = [joined] + [out_channels] * n_blocks
            self.blocks = nn.Sequential(*(ResidualBlock(n, k) for n, k in pairwise(widths)))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Upsample x, join the skip, refine."""
        refined: Tensor = self.blocks(torch.cat([skip, self.up(x)], dim=1))
        return refined


class SqueezeExcite(nn.Module):
    """Each channel scaled by what all of them say of the whole image (Hu, Shen and Sun 2018).

    Mean over the pixels, dense to channels / `ratio`, ReLU, dense back, sigmoid, both without bias:
    (N, C, H, W) → (N, C, H, W).
    """

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // ratio, bias=False)
        self.excite = nn.Linear(channels // ratio, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, H, W)."""
        gates = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean(dim=(2, 3))))))
        scaled: Tensor = x * gates[:, :, None, None]
        return scaled


def he_normal_(network: nn.Module) -> None:
    """Draw the weights of convolutions and dense layers from He's normal distribution, in place.

    Their biases become 0.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
