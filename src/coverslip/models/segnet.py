"""SegNet: no features cross over, only where each maximum was."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from coverslip.models.blocks import conv_norm_relu, he_normal_
from coverslip.models.vgg import VGGEncoder

# for each stage, coarse to fine, what comes in and what each convolution gives
DECODER_WIDTHS = (
    (512, 512, 512, 512),
    (512, 512, 512, 256),
    (256, 256, 256, 128),
    (128, 128, 64),
    (64, 64),
)


class SegNet(nn.Module):
    """SegNet (Badrinarayanan, Kendall and Cipolla 2017, arXiv 1511.00561).

    Parameters: 29,443,585. Work: 80.0 GFLOP for 256x256.

    VGG-16 with batch norm and its mirror image. Each max-pool remembers where in its 2x2 window the
    maximum was; on the way up, each value goes back to that place and zeros fill the rest.

    What the paper leaves open, or where its own would not fit the common protocol: one logit (the
    paper: a softmax over classes); layers and widths are those of its Caffe definition, the last
    convolution a 3x3 to the logits without batch norm; a bias before each batch norm, as there,
    although it has no effect; batch norm's shift begins at 0 (there: 0.001).

    Example:
        >>> import torch
        >>> from coverslip.models import SegNet
        >>> network = SegNet().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 32

    def __init__(self, *, in_channels: int = 3, out_channels: int = 1) -> None:
        super().__init__()
        self.decoder = nn.ModuleList(
            nn.Sequential(*(conv_norm_relu(n, k, bias=True) for n, k in pairwise(widths)))
            for widths in DECODER_WIDTHS
        )
        self.head = nn.Conv2d(DECODER_WIDTHS[-1][-1], out_channels, 3, padding=1)
        he_normal_(self)
        self.encoder = VGGEncoder("vgg16_bn", in_channels=in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        places = []
        for layer in self.encoder.features:
            if isinstance(layer, nn.MaxPool2d):
                x, place = max_pool2d(x, 2, return_indices=True)
                places.append(place)
            else:
                x = layer(x)
        for stage in self.decoder:
            x = stage(unpool(x, places.pop()))
        logits: Tensor = self.head(x)
        return logits


def unpool(x: Tensor, places: Tensor) -> Tensor:
    """Put each value where its maximum was, zeros around it: (N, C, H, W) → (N, C, 2H, 2W).

    That is `max_unpool2d` in steps which PyTorch can write as ONNX.

    Args:
        x: (N, C, H, W).
        places: (N, C, H, W), from `max_pool2d`: rows times columns of the larger map.
    """
    n, channels, height, width = x.shape
    empty = x.new_zeros(n, channels, 4 * height * width)
    filled = empty.scatter(2, places.flatten(2), x.flatten(2))
    return filled.view(n, channels, 2 * height, 2 * width)
