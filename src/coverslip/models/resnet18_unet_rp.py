"""ResNet18-UNet+RP: the paper's network, residual paths in its skips."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from coverslip.models.blocks import ResidualBlock, ResidualDecoderStage, conv_norm, he_normal_
from coverslip.models.encoders import ResNet18Encoder
from coverslip.models.resnet18_unet import DECODER_WIDTHS

if TYPE_CHECKING:
    from collections.abc import Sequence

TAP_WIDTHS = (64, 64, 128, 256)  # conv1, layer1, layer2, layer3: fine to coarse
PATH_WIDTHS = (32, 64, 128, 256)


class ResNet18UNetRP(nn.Module):
    """ResNet18-UNet+RP (Ayanzadeh et al. 2021, doi 10.3906/elk-2105-244).

    Parameters: 17,651,937, of which the residual paths are 1,162,112.

    What the paper leaves open, and the choice made:

    - Units per path, 4 to 1 or 1 to 4: two of its three statements, and MultiResUNet, from which
      the path descends, have 4 at full resolution and 1 at the coarsest. ``path_units``.
    - The unit: one 3x3 convolution with a 1x1 shortcut, as in MultiResUNet's Res path; it explains
      how 32 filters follow a stage of 64 channels. ``unit="basic"``: two 3x3 convolutions around an
      identity (18,568,865 parameters).
    - The decoder: one residual block of two 3x3 convolutions a stage fits both the abstract
      ("residual blocks in the decoder") and section 2. ``decoder_blocks=0``: two plain convolutions
      (17,476,897); ``2``: two residual blocks (19,220,577).
    - Decoder widths 256, 128, 64, 32; batch norm and ReLU after each transpose convolution.
    - conv1 keeps its 7x7 kernel and its pre-trained weights at stride 1; the max-pool stays, since
      four upsamplings answer four halvings. Skips leave after the ReLU of conv1 and layers 1 to 3.
    - "Standard Gaussian" initialisation of the rest would blow up: He normal.

    Example:
        >>> import torch
        >>> from coverslip.models import ResNet18UNetRP
        >>> network = ResNet18UNetRP().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 16

    def __init__(
        self,
        *,
        in_channels: int = 3,
        out_channels: int = 1,
        path_units: Sequence[int] = (4, 3, 2, 1),
        unit: Literal["multires", "basic"] = "multires",
        decoder_blocks: int = 1,
    ) -> None:
        super().__init__()
        make_unit = {"multires": MultiResUnit, "basic": ResidualBlock}[unit]
        self.paths = nn.ModuleList()
        for n, k, n_units in zip(TAP_WIDTHS, PATH_WIDTHS, path_units, strict=True):
            widths = [n] + [k] * n_units
            units = (make_unit(a, b) for a, b in pairwise(widths))
            self.paths.append(nn.Sequential(*units))
        inputs = (512, *DECODER_WIDTHS)
        self.decoder = nn.ModuleList(
            ResidualDecoderStage(n, skip, k, n_blocks=decoder_blocks)
            for n, skip, k in zip(inputs, reversed(PATH_WIDTHS), DECODER_WIDTHS, strict=False)
        )
        self.head = nn.Conv2d(DECODER_WIDTHS[-1], out_channels, 1)
        he_normal_(self)
        self.encoder = ResNet18Encoder(in_channels=in_channels, stem_stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        *taps, x = self.encoder(x)
        skips = [path(tap) for path, tap in zip(self.paths, taps, strict=True)]
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip)
        logits: Tensor = self.head(x)
        return logits


class MultiResUnit(nn.Module):
    """One unit of MultiResUNet's Res path (Ibtehaz and Rahman 2020, its Keras definition).

    A 3x3 convolution and a 1x1 shortcut, added; ReLU; batch norm: (N, in, H, W) → (N, out, H, W).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = conv_norm(in_channels, out_channels)
        self.shortcut = conv_norm(in_channels, out_channels, kernel=1)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H, W)."""
        x = torch.relu(self.conv(x)) + self.shortcut(x)
        x = self.norm(torch.relu(x))
        return x
