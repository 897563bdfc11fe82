"""image → feature maps by encoders of few operations: EfficientNet-Lite and MobileNetV2."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import pad

from coverslip.models.blocks import he_normal_

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of EfficientNet-B0 (Tan and Le 2019): repeats, kernel, stride, expansion, channels; up to 1/16.
LITE_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
)
# Width and depth, by the number in the name.
LITE_FACTORS = ((1.0, 1.0), (1.0, 1.1), (1.1, 1.2))
# Of MobileNetV2 (Sandler et al. 2018), likewise.
MOBILE_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (3, 3, 2, 6, 32),
    (4, 3, 2, 6, 64),
    (3, 3, 1, 6, 96),
)


class InvertedResidual(nn.Module):
    """A narrow map widened, filtered in each channel alone, and narrowed again (Sandler 2018).

    A shortcut is there where size and channels stay: (N, in, H, W) → (N, out, H/stride, W/stride).

    Args:
        in_channels: of the map.
        out_channels: of the result.
        kernel: side of the depthwise convolution.
        stride: of it.
        expansion: how many times the map is widened.
        same: whether a stride of 2 pads as TensorFlow does, right and below alone.
        eps: of the batch norms.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int,
        stride: int,
        expansion: int,
        same: bool,
        eps: float,
    ) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = nn.Sequential(
                nn.Conv2d(in_channels, wide, 1, bias=False),
                nn.BatchNorm2d(wide, eps=eps),
                nn.ReLU6(inplace=True),
            )
        self.depthwise = nn.Sequential(
            padded_conv(wide, wide, kernel=kernel, stride=stride, groups=wide, same=same),
            nn.BatchNorm2d(wide, eps=eps),
            nn.ReLU6(inplace=True),
        )
        self.project = nn.Sequential(
            nn.Conv2d(wide, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels, eps=eps)
        )
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H/stride, W/stride)."""
        out: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + out if self.has_shortcut else out


class SameConv2d(nn.Conv2d):
    """A convolution of stride 2 that pads as TensorFlow does: more on the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H/2, W/2); H and W even."""
        total = self.kernel_size[0] - self.stride[0]
        before, after = total // 2, total - total // 2
        return super().forward(pad(x, (before, after, before, after)))


def padded_conv(
    in_channels: int, out_channels: int, *, kernel: int, stride: int, groups: int = 1, same: bool
) -> nn.Conv2d:
    """A convolution without bias that keeps the size, or halves it at stride 2."""
    if same and stride == 2:
        return SameConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False)
    return nn.Conv2d(
        in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
    )


class InvertedResidualEncoder(nn.Module):
    """A stem of stride 2 and five stages of `InvertedResidual`, up to 1/16.

    Args:
        architecture: what its ImageNet weights are known by.
        stages: repeats, kernel, stride, expansion and channels of each.
        in_channels: channels of the image.
        same: as for `InvertedResidual`.
        eps: likewise.
    """

    def __init__(
        self,
        architecture: str,
        stages: Sequence[tuple[int, int, int, int, int]],
        *,
        in_channels: int,
        same: bool,
        eps: float,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.stem = nn.Sequential(
            padded_conv(in_channels, 32, kernel=3, stride=2, same=same),
            nn.BatchNorm2d(32, eps=eps),
            nn.ReLU6(inplace=True),
        )
        width = 32
        self.stages = nn.ModuleList()
        for repeats, kernel, stride, expansion, channels in stages:
            blocks = nn.Sequential()
            for number in range(repeats):
                blocks.append(
                    InvertedResidual(
                        width,
                        channels,
                        kernel=kernel,
                        stride=stride if number == 0 else 1,
                        expansion=expansion,
                        same=same,
                        eps=eps,
                    )
                )
                width = channels
            self.stages.append(blocks)
        he_normal_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → maps at 1/2, 1/4, 1/8 and 1/16, the last of two stages at 1/16."""
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return [*features[:3], features[4]]


def lite_stages(number: int) -> list[tuple[int, int, int, int, int]]:
    """The stages of EfficientNet-Lite 0, 1 or 2: the first is never deeper, channels go by 8."""
    width, depth = LITE_FACTORS[number]
    stages = []
    for place, (repeats, kernel, stride, expansion, channels) in enumerate(LITE_STAGES):
        n = repeats if place == 0 else math.ceil(repeats * depth)
        stages.append((n, kernel, stride, expansion, round_to_8(channels * width)))
    return stages


def round_to_8(channels: float) -> int:
    """The nearest multiple of 8, the next one where that would be less than 90 %."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def efficientnet_lite(number: int, *, in_channels: int = 3) -> InvertedResidualEncoder:
    """EfficientNet-Lite up to 1/16: no squeeze-and-excitation, ReLU6, so that int8 suits it.

    Source: github.com/tensorflow/tpu, models/official/efficientnet/lite.
    """
    return InvertedResidualEncoder(
        f"efficientnet_lite{number}",
        lite_stages(number),
        in_channels=in_channels,
        same=True,
        eps=1e-3,
    )


def mobilenet_v2(*, in_channels: int = 3) -> InvertedResidualEncoder:
    """MobileNetV2 up to 1/16 (Sandler et al. 2018)."""
    return InvertedResidualEncoder(
        "mobilenet_v2", MOBILE_STAGES, in_channels=in_channels, same=False, eps=1e-5
    )


def rename_lite(name: str, *, repeats: Sequence[int]) -> str | None:
    """The name that a weight of the published EfficientNet-Lite has in `InvertedResidualEncoder`.

    ``_blocks.3._depthwise_conv.weight`` → ``stages.2.0.depthwise.0.weight``; None: not in it.

    Args:
        name: as the file has it.
        repeats: blocks of each stage.
    """
    parts = name.split(".")
    if parts[0] in ("_conv_stem", "_bn0"):
        return ".".join(("stem", "0" if parts[0] == "_conv_stem" else "1", *parts[1:]))
    if parts[0] != "_blocks" or int(parts[1]) >= sum(repeats):
        return None
    stage, block = _place(int(parts[1]), repeats)
    layers = {
        "_expand_conv": "expand.0",
        "_bn0": "expand.1",
        "_depthwise_conv": "depthwise.0",
        "_bn1": "depthwise.1",
        "_project_conv": "project.0",
        "_bn2": "project.1",
    }
    return ".".join((f"stages.{stage}.{block}", layers[parts[2]], *parts[3:]))


def rename_mobile(name: str, *, repeats: Sequence[int]) -> str | None:
    """Likewise of torchvision's MobileNetV2: ``features.0.1.bias`` → ``stem.1.bias``.

    None: not in it.
    """
    parts = name.split(".")
    if parts[0] != "features" or int(parts[1]) > sum(repeats):
        return None
    number = int(parts[1])
    if number == 0:
        return ".".join(("stem", *parts[2:]))
    stage, block = _place(number - 1, repeats)
    if number == 1:  # not widened: the depthwise convolution is the first
        layers = {"0": "depthwise", "1": "project.0", "2": "project.1"}
    else:
        layers = {"0": "expand", "1": "depthwise", "2": "project.0", "3": "project.1"}
    return ".".join((f"stages.{stage}.{block}", layers[parts[3]], *parts[4:]))


def _place(number: int, repeats: Sequence[int]) -> tuple[int, int]:
    """The stage of a block that is counted through all stages, and its place there."""
    stage = 0
    while number >= repeats[stage]:
        number -= repeats[stage]
        stage += 1
    return stage, number
