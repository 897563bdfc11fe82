"""ResNet18-U-Net: a pre-trained encoder, plain skips."""

from __future__ import annotations

from torch import Tensor, nn

from coverslip.models.blocks import ResidualDecoderStage, he_normal_
from coverslip.models.encoders import ResNet18Encoder

DECODER_WIDTHS = (256, 128, 64, 32)
SKIP_WIDTHS = (256, 128, 64, 64)  # layer3, layer2, layer1, conv1


class ResNet18UNet(nn.Module):
    """ResNet18-U-Net (Ayanzadeh et al. 2020; the ablation of Ayanzadeh et al. 2021).

    Parameters: 16,500,065; 16,324,001 with ``decoder_blocks=0``.

    No code was published. The 2021 paper's ablation requires this to be its own network with the
    encoder's features concatenated as they are; every other choice is that of `ResNet18UNetRP`.

    Example:
        >>> import torch
        >>> from coverslip.models import ResNet18UNet
        >>> network = ResNet18UNet().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 16

    def __init__(
        self, *, in_channels: int = 3, out_channels: int = 1, decoder_blocks: int = 1
    ) -> None:
        super().__init__()
        inputs = (512, *DECODER_WIDTHS)
        self.decoder = nn.ModuleList(
            ResidualDecoderStage(n, skip, k, n_blocks=decoder_blocks)
            for n, skip, k in zip(inputs, SKIP_WIDTHS, DECODER_WIDTHS, strict=False)
        )
        self.head = nn.Conv2d(DECODER_WIDTHS[-1], out_channels, 1)
        he_normal_(self)
        self.encoder = ResNet18Encoder(in_channels=in_channels, stem_stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        *skips, x = self.encoder(x)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip)
        logits: Tensor = self.head(x)
        return logits
