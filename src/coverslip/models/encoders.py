"""image → feature maps, coarser and coarser."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from coverslip.models.blocks import he_normal_

STAGE_CHANNELS = (64, 128, 256, 512)


def make_shortcut(in_channels: int, out_channels: int, *, stride: int) -> nn.Sequential | None:
    """A 1x1 convolution and batch norm where size or channels change; None: the identity."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
    )


class BasicBlock(nn.Module):
    """ResNet-18's block, under torchvision's own parameter names, so that its weights load."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = make_shortcut(in_channels, out_channels, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """ResNet-50's block, 1x1, 3x3, 1x1, under torchvision's names; its stride is in the 3x3."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        narrow = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, narrow, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = make_shortcut(in_channels, out_channels, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return torch.relu(self.bn3(self.conv3(x)) + shortcut)


# Block, its widening, and how many of them layer1, layer2 and layer3 have (He et al. 2016).
DEEPER: dict[str, tuple[type[nn.Module], int, tuple[int, int, int]]] = {
    "resnet34": (BasicBlock, 1, (3, 4, 6)),
    "resnet50": (Bottleneck, 4, (3, 4, 6)),
}


class ResNetEncoder(nn.Module):
    """ResNet-34 or ResNet-50 up to layer3, under torchvision's parameter names.

    Parameters: 8,170,304 and 8,543,296.

    Args:
        architecture: ``"resnet34"`` or ``"resnet50"``.
        in_channels: channels of the image.
    """

    def __init__(self, architecture: str, *, in_channels: int = 3) -> None:
        super().__init__()
        block, widening, counts = DEEPER[architecture]
        self.architecture = architecture
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        width = 64
        for number, (channels, n) in enumerate(zip(STAGE_CHANNELS, counts, strict=False), start=1):
            stage = nn.Sequential()
            for place in range(n):
                stride = 2 if number > 1 and place == 0 else 1
                stage.append(block(width, widening * channels, stride=stride))
                width = widening * channels
            self.add_module(f"layer{number}", stage)
        he_normal_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → [conv1 after its ReLU, layer1, layer2, layer3], fine to coarse."""
        features = [torch.relu(self.bn1(self.conv1(x)))]
        x = self.pool(features[0])
        for number in (1, 2, 3):
            x = self.get_submodule(f"layer{number}")(x)
            features.append(x)
        return features


class ResNet18Encoder(nn.Module):
    """ResNet-18 without its classifier (He et al. 2016), version 1 as in torchvision.

    Parameters: 11,176,512 with all four stages, 2,782,784 with three.

    Args:
        in_channels: channels of the image.
        stem_stride: stride of the 7x7 convolution: 2 as published; 1 keeps the full resolution in
            the first feature map (Ayanzadeh et al. 2021).
        n_stages: 1 to 4; ``n_stages=3`` ends after layer3.
    """

    architecture = "resnet18"

    def __init__(self, *, in_channels: int = 3, stem_stride: int = 2, n_stages: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stem_stride, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        width = 64
        for number, channels in enumerate(STAGE_CHANNELS[:n_stages], start=1):
            stride = 1 if number == 1 else 2
            stage = nn.Sequential(
                BasicBlock(width, channels, stride=stride), BasicBlock(channels, channels)
            )
            self.add_module(f"layer{number}", stage)
            width = channels
        self.n_stages = n_stages
        he_normal_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → [conv1 after its ReLU, layer1, layer2, …], fine to coarse."""
        features = [torch.relu(self.bn1(self.conv1(x)))]
        x = self.pool(features[0])
        for number in range(1, self.n_stages + 1):
            x = self.get_submodule(f"layer{number}")(x)
            features.append(x)
        return features


class PreactResNet18Encoder(nn.Module):
    """ResNet-18 with pre-activation (He et al. 2016, Identity Mappings), without its classifier.

    Parameters: 11,178,947. Batch norm and ReLU come before each convolution, so the image itself
    is normalised first, without a scale, and every feature map leaves through the batch norm and
    ReLU of what comes after it. As in the Keras library image-classifiers (Yakubovskiy 2018), the
    first block of each stage has a 1x1 shortcut, the first stage's too. No ImageNet weights of it
    are public in PyTorch.
    """

    architecture = ""

    def __init__(self, *, in_channels: int = 3) -> None:
        super().__init__()
        self.norm_image = nn.BatchNorm2d(in_channels, affine=False)
        self.shift_image = nn.Parameter(torch.zeros(in_channels, 1, 1))
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.norm1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.norm_pooled = nn.BatchNorm2d(64)
        inputs = (64, *STAGE_CHANNELS)
        self.stages = nn.ModuleList(
            PreactStage(n, k, stride=1 if k == n else 2)
            for n, k in zip(inputs, STAGE_CHANNELS, strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(k) for k in STAGE_CHANNELS)
        he_normal_(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → [after conv1, stage 1, …, stage 4], at 1/2 to 1/32, fine to coarse."""
        x = self.conv1(self.norm_image(x) + self.shift_image)
        features = [torch.relu(self.norm1(x))]
        x = torch.relu(self.norm_pooled(self.pool(features[0])))
        for stage, norm in zip(self.stages, self.norms, strict=True):
            x = torch.relu(norm(stage(x)))
            features.append(x)
        return features


class PreactStage(nn.Module):
    """Two blocks of two 3x3 convolutions; the first block's shortcut is a 1x1 convolution.

    Takes features that are already normalised and rectified, gives features that are neither:
    (N, in, H, W) → (N, out, H/stride, W/stride).
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        self.first = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            norm_relu_conv(out_channels),
        )
        self.second = nn.Sequential(norm_relu_conv(out_channels), norm_relu_conv(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H/stride, W/stride)."""
        x = self.first(x) + self.shortcut(x)
        refined: Tensor = x + self.second(x)
        return refined


def norm_relu_conv(channels: int) -> nn.Sequential:
    """Batch norm, ReLU, 3x3 convolution without bias: (N, C, H, W) → (N, C, H, W)."""
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
    )
