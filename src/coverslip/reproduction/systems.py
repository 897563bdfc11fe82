"""the name of a system → what is trained or run, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class System:
    """One row of a table.

    Attributes:
        label: its name in the paper.
        model: the network in `coverslip.models.MODELS`, or the method without learning.
        arguments: of the network's constructor, or the method's settings.
        encoder: whether its encoder starts from ImageNet weights.
        loss: in `coverslip.training.losses.LOSSES`.
        tta: the test-time augmentations it is scored with.
        tuned: whether a method's settings are searched on the training images.
        note: what a table must say about it.
    """

    label: str
    model: str
    arguments: dict[str, Any] = field(default_factory=dict)
    encoder: bool = False
    loss: str = "bce_dice"
    tta: tuple[str, ...] = ("none", "paper")
    tuned: bool = False
    note: str = ""


RP = "resnet18_unet_rp"
FROM_SCRATCH = "rp_from_scratch"

# In the order of the paper's tables; those after DDANet are not in them.
SYSTEMS: dict[str, System] = {
    "egt": System("EGT", "egt", tta=("none",)),
    "phantast": System(
        "PHANTAST", "phantast", tta=("none",), note="σ 1.4 and ε 0.06, its authors' demonstration"
    ),
    "phantast_gui": System(
        "PHANTAST, ε=0.03", "phantast_gui", tta=("none",), note="the defaults of its MATLAB program"
    ),
    "phantast_tuned": System(
        "PHANTAST, tuned",
        "phantast",
        tta=("none",),
        tuned=True,
        note="σ and ε by grid search on the training images",
    ),
    "unet": System("U-Net", "unet"),
    "segnet": System("SegNet", "segnet", encoder=True),
    "bcdu_net": System("BCDU-Net", "bcdu_net"),
    "tip_net_reconstruction": System(
        "Tip-Net (reconstruction)",
        "tip_net_reconstruction",
        note="the architecture was never published; this is a guess at it",
    ),
    "resnet18_unet": System("ResNet18-U-Net", "resnet18_unet", encoder=True),
    RP: System("ResNet18-UNet+RP", RP, encoder=True, tta=("none", "paper", "d4")),
    "resnet18_fpn": System(
        "ResNet18-FPN",
        "resnet18_fpn",
        arguments={"preactivation": False},
        encoder=True,
        note="with torchvision's ResNet-18, whose ImageNet weights are public, in place of the "
        "pre-activation variant of segmentation_models",
    ),
    "double_unet": System("Double-UNet", "double_unet", encoder=True),
    "ddanet": System("DDANet", "ddanet"),
    "bcdu_net_d1": System("BCDU-Net, D1", "bcdu_net", arguments={"dense_blocks": 1}),
    "unet_plus_plus": System("U-Net++", "unet_plus_plus"),
    "unet_plus_plus_ds": System(
        "U-Net++, deep supervision", "unet_plus_plus", arguments={"deep_supervision": True}
    ),
    "ternausnet11": System("TernausNet-11", "ternausnet11", encoder=True),
    "swift": System("swift (ours)", "swift", encoder=True),
}

# ResNet18-UNet+RP with one thing changed that the paper leaves open, or claims.
ABLATIONS: dict[str, System] = {
    "rp_paths_1234": System(
        "residual units 1, 2, 3, 4", RP, arguments={"path_units": [1, 2, 3, 4]}, encoder=True
    ),
    "rp_unit_basic": System(
        "residual unit of two 3x3", RP, arguments={"unit": "basic"}, encoder=True
    ),
    "rp_decoder_plain": System("plain decoder", RP, arguments={"decoder_blocks": 0}, encoder=True),
    "rp_decoder_two": System(
        "two residual blocks a decoder stage", RP, arguments={"decoder_blocks": 2}, encoder=True
    ),
    FROM_SCRATCH: System("without ImageNet weights", RP),
    "rp_loss_bce": System("loss: BCE", RP, encoder=True, loss="bce"),
    "rp_loss_dice": System("loss: Dice", RP, encoder=True, loss="dice"),
    "rp_loss_jaccard_bce": System("loss: Jaccard + BCE", RP, encoder=True, loss="jaccard_bce"),
}
