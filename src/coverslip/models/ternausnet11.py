"""TernausNet-11: a U-Net whose encoder is a pre-trained VGG-11."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from coverslip.models.blocks import he_normal_
from coverslip.models.vgg import STAGE_WIDTHS, VGGEncoder

INNER_WIDTHS = (512, 512, 512, 256, 128)  # coarse to fine
DECODER_WIDTHS = (256, 256, 128, 64, 32)


class TernausNet11(nn.Module):
    """TernausNet with a VGG-11 (Iglovikov and Shvets 2018, arXiv 1801.05746).

    Parameters: 22,927,393. Work: 51.4 GFLOP for 256x256.

    Five halvings, so one more than U-Net; on the way up, each stage is a 3x3 convolution and a
    3x3 transpose convolution of stride 2, each with bias and ReLU. There is no batch norm, as in
    VGG-11.

    What the paper leaves open, and the choice made: widths and the order of the layers are those of
    its published code; what is not pre-trained begins with He's normal distribution (the paper
    compares LeCun's uniform one with pre-training).

    Example:
        >>> import torch
        >>> from coverslip.models import TernausNet11
        >>> network = TernausNet11().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 32

    def __init__(self, *, in_channels: int = 3, out_channels: int = 1) -> None:
        super().__init__()
        skips = (0, *STAGE_WIDTHS[:0:-1])  # the first stage stands on the coarsest features alone
        inputs = (STAGE_WIDTHS[-1], *DECODER_WIDTHS)
        self.decoder = nn.ModuleList(
            conv_up(n + skip, inner, k)
            for n, skip, inner, k in zip(inputs, skips, INNER_WIDTHS, DECODER_WIDTHS, strict=False)
        )
        joined, width = DECODER_WIDTHS[-1] + STAGE_WIDTHS[0], DECODER_WIDTHS[-1]
        self.fine = nn.Sequential(nn.Conv2d(joined, width, 3, padding=1), nn.ReLU(inplace=True))
        self.head = nn.Conv2d(width, out_channels, 1)
        he_normal_(self)
        self.encoder = VGGEncoder("vgg11", in_channels=in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        *skips, x = self.encoder(x)
        for stage in self.decoder:
            x = torch.cat([stage(x), skips.pop()], dim=1)
        logits: Tensor = self.head(self.fine(x))
        return logits


def conv_up(in_channels: int, inner_channels: int, out_channels: int) -> nn.Sequential:
    """3x3 convolution, then a transpose one, each with ReLU: (N, in, H, W) → (N, out, 2H, 2W)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, inner_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(inner_channels, out_channels, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(inplace=True),
    )
