"""DDANet: one encoder, two decoders; the one that repaints the image guides the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from coverslip.models.blocks import SqueezeExcite, he_normal_

if TYPE_CHECKING:
    from collections.abc import Callable

ENCODER_WIDTHS = (32, 64, 128, 256)
DECODER_WIDTHS = (128, 64, 32, 16)


class DDANet(nn.Module):
    """DDANet (Tomar, Jha, Ali et al. 2020, arXiv 2012.15245), Dual Decoder Attention Network.

    Parameters: 6,835,638.

    After the authors' PyTorch code (its class CompNet), to which the count is equal:

    - The bottom is the pooled last feature map, without a block of its own.
    - Squeeze-and-excite, ratio 16, stands on the shortcut of every residual block, not on its sum.
      In training on a single image it has nothing to say: batch norm has just made the mean of
      every channel zero. Wanted are batches of two or more.
    - Each decoder has blocks of its own and neither batch norm nor ReLU after its transpose
      convolutions. The attention, a 1x1 convolution and a sigmoid on the features of the decoder
      that repaints the image, multiplies those of the mask's decoder; never its own.
    - The loss of the repainted grey image is cross-entropy, weighted 1; the released script builds
      that term wrongly, what is meant is clear.

    Ours: He normal initialisation; the mask's loss is whatever criterion the training has.

    Example:
        >>> import torch
        >>> from coverslip.models import DDANet
        >>> network = DDANet().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 16

    def __init__(self, *, in_channels: int = 3, out_channels: int = 1) -> None:
        super().__init__()
        inputs = (in_channels, *ENCODER_WIDTHS)
        self.encoder = nn.ModuleList(
            nn.Sequential(SqueezedBlock(n, k), SqueezedBlock(k, k))
            for n, k in zip(inputs, ENCODER_WIDTHS, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.mask_decoder = make_decoder()
        self.grey_decoder = make_decoder()
        self.attention = nn.ModuleList(
            nn.Sequential(nn.Conv2d(k, 1, 1), nn.Sigmoid()) for k in DECODER_WIDTHS
        )
        self.mask_head = nn.Conv2d(DECODER_WIDTHS[-1], out_channels, 1)
        self.grey_head = nn.Conv2d(DECODER_WIDTHS[-1], 1, 1)
        he_normal_(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        mask_features, _ = self.decode(x)
        logits: Tensor = self.mask_head(mask_features)
        return logits

    def training_loss(
        self,
        inputs: Tensor,
        masks: Tensor,
        *,
        grey: Tensor,
        criterion: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """The mask's loss and, 1:1, how well the grey image was repainted.

        Args:
            inputs: (N, C, H, W), as `forward` takes them.
            masks: (N, K, H, W), 0 or 1.
            grey: (N, 1, H, W), the image in [0, 1] before normalisation.
            criterion: (logits, masks) → scalar.
        """
        mask_features, grey_features = self.decode(inputs)
        painted = binary_cross_entropy_with_logits(self.grey_head(grey_features), grey)
        return criterion(self.mask_head(mask_features), masks) + painted

    def decode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) → the last features of both decoders, (N, 16, H, W) each; mask first."""
        skips = []
        for block in self.encoder:
            skip = block(x)
            skips.append(skip)
            x = self.pool(skip)
        grey = x
        levels = zip(self.mask_decoder, self.grey_decoder, self.attention, strict=True)
        for to_mask, to_grey, attend in levels:
            skip = skips.pop()
            grey = to_grey(grey, skip)
            x = to_mask(x, skip) * attend(grey)
        return x, grey


class DecoderStage(nn.Module):
    """One upsampling: (N, in, H, W) and a skip of as many channels → (N, out, 2H, 2W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
        self.blocks = nn.Sequential(
            SqueezedBlock(out_channels + in_channels, out_channels),
            SqueezedBlock(out_channels, out_channels),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Upsample x, join the skip, refine."""
        refined: Tensor = self.blocks(torch.cat([self.up(x), skip], dim=1))
        return refined


def make_decoder() -> nn.ModuleList:
    """The four stages of one decoder, coarse to fine."""
    inputs = (ENCODER_WIDTHS[-1], *DECODER_WIDTHS)
    return nn.ModuleList(DecoderStage(n, k) for n, k in zip(inputs, DECODER_WIDTHS, strict=False))


class SqueezedBlock(nn.Module):
    """Two 3x3 convolutions around a 1x1 shortcut, which is squeezed and excited.

    All three convolutions have a bias and batch norm: (N, in, H, W) → (N, out, H, W).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1),
            nn.BatchNorm2d(out_channels),
            SqueezeExcite(out_channels, 16),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H, W)."""
        return torch.relu(self.convs(x) + self.shortcut(x))
