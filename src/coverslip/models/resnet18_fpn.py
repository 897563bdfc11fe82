"""ResNet18-FPN: a feature pyramid on a ResNet-18."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from coverslip.models.blocks import conv_norm_relu, double_conv, he_normal_
from coverslip.models.encoders import PreactResNet18Encoder, ResNet18Encoder

PYRAMID_WIDTH = 256
BRANCH_WIDTH = 128
LATERAL_WIDTHS = (256, 128, 64, 64)  # 1/16, 1/8, 1/4, 1/2: coarse to fine


class ResNet18FPN(nn.Module):
    """ResNet18-FPN (Ayanzadeh et al. 2020), after segmentation_models 1.0 (Yakubovskiy 2019).

    Parameters: 13,805,124; 13,802,689 with ``preactivation=False``.

    No code was published. The papers of its authors were written with Keras, for which
    segmentation_models is where a ResNet-18 with a pyramid (Lin et al. 2017; Kirillov et al. 2019)
    was to be had; its version 1.0 gives the pyramid here, with its defaults: 256 channels, nearest
    upsampling between levels, two convolutions of 128 channels on each of four levels, which are
    joined side by side at half the resolution, one more convolution, bilinear upsampling to the
    full size and a 3x3 convolution to logits.

    Choices made:

    - The encoder is that library's ResNet-18, with pre-activation. No ImageNet weights for it are
      public in PyTorch; ``preactivation=False`` takes the other kind, for which they are.
    - The first convolution keeps its stride 2; the 2021 paper's stride 1 is its own network's.
    - He normal for He uniform initialisation (the head: Glorot uniform); batch norm's momentum and
      epsilon are PyTorch's; bilinear upsampling as torch has it, pixel centres at halves.

    Example:
        >>> import torch
        >>> from coverslip.models import ResNet18FPN
        >>> network = ResNet18FPN().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 32

    def __init__(
        self, *, in_channels: int = 3, out_channels: int = 1, preactivation: bool = True
    ) -> None:
        super().__init__()
        self.top = nn.Conv2d(512, PYRAMID_WIDTH, 1)
        self.laterals = nn.ModuleList(nn.Conv2d(n, PYRAMID_WIDTH, 1) for n in LATERAL_WIDTHS)
        self.branches = nn.ModuleList(
            double_conv(PYRAMID_WIDTH, BRANCH_WIDTH) for _ in LATERAL_WIDTHS
        )
        self.join = conv_norm_relu(len(LATERAL_WIDTHS) * BRANCH_WIDTH, BRANCH_WIDTH)
        self.head = nn.Conv2d(BRANCH_WIDTH, out_channels, 3, padding=1)
        he_normal_(self)
        make_encoder = PreactResNet18Encoder if preactivation else ResNet18Encoder
        self.encoder = make_encoder(in_channels=in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        levels = self.pyramid(x)
        branches = [
            interpolate(branch(level), size=levels[-1].shape[-2:])
            for branch, level in zip(self.branches, levels, strict=True)
        ]
        x = self.join(torch.cat(branches[::-1], dim=1))
        logits: Tensor = self.head(interpolate(x, scale_factor=2.0, mode="bilinear"))
        return logits

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → the levels, (N, 256, H/16, W/16) first, (N, 256, H/2, W/2) last."""
        *skips, x = self.encoder(x)
        x = self.top(x)
        levels = []
        for lateral, skip in zip(self.laterals, reversed(skips), strict=True):
            x = interpolate(x, scale_factor=2.0) + lateral(skip)
            levels.append(x)
        return levels
