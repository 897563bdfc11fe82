"""the name of an encoder → how it is made, and the channels of its feature maps: one literal dict.

Backbones for transfer learning: ResNet, EfficientNet-Lite, MobileNet, and any of timm's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor, nn

from coverslip.models.efficient_encoders import efficientnet_lite, mobilenet_v2
from coverslip.models.encoders import ResNet18Encoder, ResNetEncoder

if TYPE_CHECKING:
    from collections.abc import Callable

TIMM = "timm:"  # before the name of one of timm's


class Encoder(NamedTuple):
    """How an encoder is made.

    What it makes turns (N, C, H, W) into four feature maps at 1/2, 1/4, 1/8 and 1/16 of the size,
    and has the attribute `architecture`, by which its ImageNet weights are known ("": none are).

    Attributes:
        make: a function of the keyword `in_channels`.
        channels: of the four maps, fine to coarse.

    Example:
        >>> import torch
        >>> from coverslip.models import ENCODERS
        >>> maps = ENCODERS["mobilenet_v2"].make(in_channels=1)(torch.zeros(1, 1, 32, 32))
        >>> [tuple(one.shape[2:]) for one in maps]
        [(16, 16), (8, 8), (4, 4), (2, 2)]
    """

    make: Callable[..., nn.Module]
    channels: tuple[int, int, int, int]


ENCODERS: dict[str, Encoder] = {
    "resnet18": Encoder(partial(ResNet18Encoder, n_stages=3), (64, 64, 128, 256)),
    "resnet34": Encoder(partial(ResNetEncoder, "resnet34"), (64, 64, 128, 256)),
    "resnet50": Encoder(partial(ResNetEncoder, "resnet50"), (64, 256, 512, 1024)),
    "efficientnet_lite0": Encoder(partial(efficientnet_lite, 0), (16, 24, 40, 112)),
    "efficientnet_lite1": Encoder(partial(efficientnet_lite, 1), (16, 24, 40, 112)),
    "efficientnet_lite2": Encoder(partial(efficientnet_lite, 2), (16, 24, 48, 120)),
    "mobilenet_v2": Encoder(mobilenet_v2, (16, 24, 32, 96)),
}


class TimmEncoder(nn.Module):
    """An encoder of timm, whose maps at 1/2 to 1/16 are taken.

    Args:
        name: timm's.
        in_channels: channels of the image.

    Raises:
        ValueError: it gives no maps at these four sizes.
    """

    architecture = ""  # its weights come from timm's own hub

    def __init__(self, name: str, *, in_channels: int = 3) -> None:
        super().__init__()
        import timm

        made = timm.create_model(name, pretrained=False, features_only=True, in_chans=in_channels)
        found = {int(info["reduction"]): n for n, info in enumerate(made.feature_info)}
        if not {2, 4, 8, 16} <= found.keys():
            raise ValueError(
                f"timm's {name} gives feature maps at 1/{', 1/'.join(map(str, sorted(found)))}: "
                "wanted 1/2, 1/4, 1/8 and 1/16"
            )
        self.places = [found[reduction] for reduction in (2, 4, 8, 16)]
        self.channels = tuple(int(made.feature_info[n]["num_chs"]) for n in self.places)
        self.body = made

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → maps at 1/2, 1/4, 1/8 and 1/16."""
        features: list[Any] = self.body(x)
        return [features[n] for n in self.places]


def find_encoder(name: str) -> Encoder:
    """How the encoder of this name is made.

    Args:
        name: a key of `ENCODERS`, or ``timm:`` and a name of timm's.

    Raises:
        ValueError: no such encoder, or timm cannot be imported.

    Example:
        >>> from coverslip.models import find_encoder
        >>> find_encoder("resnet18").channels
        (64, 64, 128, 256)
    """
    if name in ENCODERS:
        return ENCODERS[name]
    if not name.startswith(TIMM):
        raise ValueError(
            f"no encoder {name!r}: known are {', '.join(ENCODERS)}, and timm:NAME where timm is "
            "installed"
        )
    try:
        found = TimmEncoder(name.removeprefix(TIMM))
    except (ImportError, RuntimeError) as error:  # timm is unknown to it, or torchvision breaks
        raise ValueError(f"timm's encoder {name!r} cannot be made: {error}") from error
    a, b, c, d = found.channels
    return Encoder(partial(TimmEncoder, name.removeprefix(TIMM)), (a, b, c, d))
