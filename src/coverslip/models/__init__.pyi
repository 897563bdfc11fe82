from .bcdu_net import BCDUNet
from .catalogue import MODELS
from .ddanet import DDANet
from .double_unet import DoubleUNet
from .encoder_catalogue import ENCODERS, Encoder, find_encoder
from .resnet18_fpn import ResNet18FPN
from .resnet18_unet import ResNet18UNet
from .resnet18_unet_rp import ResNet18UNetRP
from .segnet import SegNet
from .swift import Swift
from .ternausnet11 import TernausNet11
from .tip_net_reconstruction import TipNetReconstruction
from .unet import UNet
from .unet_plus_plus import UNetPlusPlus

__all__ = [
    "ENCODERS",
    "MODELS",
    "BCDUNet",
    "DDANet",
    "DoubleUNet",
    "Encoder",
    "ResNet18FPN",
    "ResNet18UNet",
    "ResNet18UNetRP",
    "SegNet",
    "Swift",
    "TernausNet11",
    "TipNetReconstruction",
    "UNet",
    "UNetPlusPlus",
    "find_encoder",
]
