"""the name of a network → its class: one literal dict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.models.bcdu_net import BCDUNet
from coverslip.models.ddanet import DDANet
from coverslip.models.double_unet import DoubleUNet
from coverslip.models.resnet18_fpn import ResNet18FPN
from coverslip.models.resnet18_unet import ResNet18UNet
from coverslip.models.resnet18_unet_rp import ResNet18UNetRP
from coverslip.models.segnet import SegNet
from coverslip.models.swift import Swift
from coverslip.models.ternausnet11 import TernausNet11
from coverslip.models.tip_net_reconstruction import TipNetReconstruction
from coverslip.models.unet import UNet
from coverslip.models.unet_plus_plus import UNetPlusPlus

if TYPE_CHECKING:
    from torch import nn

MODELS: dict[str, type[nn.Module]] = {
    "bcdu_net": BCDUNet,
    "ddanet": DDANet,
    "double_unet": DoubleUNet,
    "resnet18_fpn": ResNet18FPN,
    "resnet18_unet": ResNet18UNet,
    "resnet18_unet_rp": ResNet18UNetRP,
    "segnet": SegNet,
    "swift": Swift,
    "ternausnet11": TernausNet11,
    "tip_net_reconstruction": TipNetReconstruction,
    "unet": UNet,
    "unet_plus_plus": UNetPlusPlus,
}
