"""image → feature maps, coarser and coarser: the VGG networks."""

from __future__ import annotations

from torch import Tensor, nn

from coverslip.models.blocks import he_normal_

STAGE_WIDTHS = (64, 128, 256, 512, 512)
STAGE_DEPTHS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg16_bn": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


class VGGEncoder(nn.Module):
    """A VGG network without its classifier (Simonyan and Zisserman 2015, arXiv 1409.1556).

    Parameters: 9,220,480 in ``"vgg11"``, 14,723,136 in ``"vgg16_bn"``, 20,024,384 in ``"vgg19"``.

    Five stages of 3x3 convolutions with bias, each with ReLU, with batch norm before it in
    ``"vgg16_bn"``; a 2x2 max-pool ends each stage. Layers stand in `features` under torchvision's
    own numbers, so that its weights load.

    Args:
        architecture: a key of `STAGE_DEPTHS`, torchvision's name for the network.
        in_channels: channels of the image.
        last_pool: whether the fifth stage ends in its max-pool too.

    Raises:
        KeyError: no such architecture.
    """

    def __init__(self, architecture: str, *, in_channels: int = 3, last_pool: bool = True) -> None:
        super().__init__()
        self.architecture = architecture
        layers: list[nn.Module] = []
        width = in_channels
        for channels, depth in zip(STAGE_WIDTHS, STAGE_DEPTHS[architecture], strict=True):
            for _ in range(depth):
                layers.append(nn.Conv2d(width, channels, 3, padding=1))
                if architecture.endswith("_bn"):
                    layers.append(nn.BatchNorm2d(channels))
                layers.append(nn.ReLU(inplace=True))
                width = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*(layers if last_pool else layers[:-1]))
        he_normal_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → stages 1 to 5 before their pools, then the last pool if there is one."""
        features = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                features.append(x)
            x = layer(x)
        return [*features, x]
