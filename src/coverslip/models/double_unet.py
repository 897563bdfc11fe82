"""DoubleU-Net: a second U-Net looks at what the first has picked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, interpolate, max_pool2d

from coverslip.models.blocks import SqueezeExcite, conv_norm_relu, he_normal_
from coverslip.models.vgg import VGGEncoder

if TYPE_CHECKING:
    from collections.abc import Callable

PYRAMID_WIDTH = 64
DECODER_WIDTHS = (256, 128, 64, 32)
FIRST_SKIP_WIDTHS = (512, 256, 128, 64)  # VGG-19's stages 4 to 1
SECOND_SKIP_WIDTHS = (256, 128, 64, 32)
RATES = (6, 12, 18)


class DoubleUNet(nn.Module):
    """DoubleU-Net (Jha, Riegler, Johansen, Halvorsen and Johansen 2020, arXiv 2006.04868).

    Parameters: 29,290,274. Work: 107.4 GFLOP for 256x256.

    A U-Net on a VGG-19, a small second one on the image times the first one's probabilities, and
    skips from both encoders into the second decoder. Both outputs learn the mask; `forward` gives
    the second.

    What the paper leaves open or its authors' programs do differently, and the choice made:

    - The layers are those of their Keras definition. Their PyTorch port (29,288,886 parameters) has
      a bias in squeeze-and-excite and none before batch norm, and pools to 2x2 in its pyramid.
    - The prediction is the second output; their programs show both.
    - The image that is multiplied is the one the network is given, mean and spread taken off, so
      that background becomes the mean colour (theirs: black, of an image from 0 to 1).
    - With more than one logit for each pixel, the first one's probability is what multiplies.
    - A batch of one gives one value a channel to the batch norm after the global mean: it is
      normalised by the running statistics (Keras: to zero; PyTorch: an error).
    - Batch norm's constants are PyTorch's; He's normal distribution for all layers (theirs: for the
      dense ones alone).

    Example:
        >>> import torch
        >>> from coverslip.models import DoubleUNet
        >>> network = DoubleUNet().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 16

    def __init__(self, *, in_channels: int = 3, out_channels: int = 1) -> None:
        super().__init__()
        inputs = (PYRAMID_WIDTH, *DECODER_WIDTHS)
        self.pyramid1 = DilatedPyramid(512, PYRAMID_WIDTH)
        self.decoder1 = nn.ModuleList(
            excited_double_conv(n + skip, k)
            for n, skip, k in zip(inputs, FIRST_SKIP_WIDTHS, DECODER_WIDTHS, strict=False)
        )
        self.head1 = nn.Conv2d(DECODER_WIDTHS[-1], out_channels, 1)
        fine_to_coarse = SECOND_SKIP_WIDTHS[::-1]
        self.encoder2 = nn.ModuleList(
            excited_double_conv(n, k)
            for n, k in zip((in_channels, *fine_to_coarse), fine_to_coarse, strict=False)
        )
        self.pyramid2 = DilatedPyramid(SECOND_SKIP_WIDTHS[0], PYRAMID_WIDTH)
        skips = (a + b for a, b in zip(FIRST_SKIP_WIDTHS, SECOND_SKIP_WIDTHS, strict=True))
        self.decoder2 = nn.ModuleList(
            excited_double_conv(n + skip, k)
            for n, skip, k in zip(inputs, skips, DECODER_WIDTHS, strict=False)
        )
        self.head2 = nn.Conv2d(DECODER_WIDTHS[-1], out_channels, 1)
        he_normal_(self)
        self.encoder = VGGEncoder("vgg19", in_channels=in_channels, last_pool=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        return self.both_logits(x)[1]

    def training_loss(
        self,
        inputs: Tensor,
        masks: Tensor,
        *,
        grey: Tensor,
        criterion: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """The loss of both outputs against the same mask, 1:1, as in the published code.

        Args:
            inputs: (N, C, H, W), as `forward` takes them.
            masks: (N, K, H, W), 0 or 1.
            grey: not used here.
            criterion: (logits, masks) → scalar.
        """
        first, second = self.both_logits(inputs)
        return criterion(first, masks) + criterion(second, masks)

    def both_logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) → the logits of the first and of the second network, (N, K, H, W) each."""
        *skips, x = self.encoder(image)
        x = self.pyramid1(x)
        for block, skip in zip(self.decoder1, reversed(skips), strict=True):
            x = block(torch.cat([double(x), skip], dim=1))
        first: Tensor = self.head1(x)
        x, own_skips = image * torch.sigmoid(first[:, :1]), []
        for block in self.encoder2:
            x = block(x)
            own_skips.append(x)
            x = max_pool2d(x, 2)
        x = self.pyramid2(x)
        for block in self.decoder2:
            x = block(torch.cat([double(x), skips.pop(), own_skips.pop()], dim=1))
        return first, self.head2(x)


class DilatedPyramid(nn.Module):
    """Atrous spatial pyramid pooling (Chen et al. 2017): (N, in, H, W) → (N, out, H, W).

    The mean of the whole image, a 1x1 convolution, and three 3x3 convolutions of `RATES` stand side
    by side, then a 1x1 convolution joins them.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.whole = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1),
            BatchNormOfOne(out_channels),
            nn.ReLU(inplace=True),
        )
        self.branches = nn.ModuleList([conv_norm_relu(in_channels, out_channels, kernel=1)])
        for rate in RATES:
            self.branches.append(conv_norm_relu(in_channels, out_channels, dilation=rate))
        self.join = conv_norm_relu((2 + len(RATES)) * out_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H, W)."""
        whole = self.whole(x.mean(dim=(2, 3), keepdim=True))
        whole = whole.expand(-1, -1, x.shape[2], x.shape[3])
        parts = [whole, *[branch(x) for branch in self.branches]]
        joined: Tensor = self.join(torch.cat(parts, dim=1))
        return joined


class BatchNormOfOne(nn.BatchNorm2d):
    """Batch norm that, given one value a channel to learn from, uses its running statistics."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, H, W)."""
        if self.training and x.numel() == x.shape[1]:
            return batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)


def excited_double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions with bias, batch norm and ReLU, then squeeze-and-excite of ratio 8."""
    return nn.Sequential(
        conv_norm_relu(in_channels, out_channels, bias=True),
        conv_norm_relu(out_channels, out_channels, bias=True),
        SqueezeExcite(out_channels, 8),
    )


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) → (N, C, 2H, 2W), bilinear, pixels as areas."""
    return interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
