"""Networks: (N, C, H, W) float → (N, K, H, W) logits, the same size.

Every network carries `stride`: H and W must be multiples of it (`coverslip.predict` pads).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.models.resnet18_unet import ResNet18UNet
from coverslip.models.resnet18_unet_rp import ResNet18UNetRP
from coverslip.models.swift import Swift
from coverslip.models.unet import UNet

if TYPE_CHECKING:
    from torch import nn

MODELS: dict[str, type[nn.Module]] = {
    "resnet18_unet": ResNet18UNet,
    "resnet18_unet_rp": ResNet18UNetRP,
    "swift": Swift,
    "unet": UNet,
}

__all__ = ["MODELS", "ResNet18UNet", "ResNet18UNetRP", "Swift", "UNet"]
