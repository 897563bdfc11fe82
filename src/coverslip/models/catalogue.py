"""the name of a network → its class: one literal dict, whose classes are imported when asked for.

So that to name the networks, or to run one by its graph, does not need PyTorch.
"""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from torch import nn


class Networks(UserDict):  # type: ignore[type-arg]
    """Networks by their names; what stands here as MODULE.CLASS is imported when it is asked for.

    Raises:
        SettingsError: PyTorch is not installed.
    """

    def __getitem__(self, name: str) -> type[nn.Module]:
        """The class of a network."""
        found = self.data[name]
        if isinstance(found, str):
            module, _, kind = found.partition(".")
            found = getattr(import_module(f"coverslip.models.{module}"), kind)
        network: type[nn.Module] = found
        return network


MODELS: MutableMapping[str, type[nn.Module]] = Networks(
    {
        "bcdu_net": "bcdu_net.BCDUNet",
        "ddanet": "ddanet.DDANet",
        "double_unet": "double_unet.DoubleUNet",
        "resnet18_fpn": "resnet18_fpn.ResNet18FPN",
        "resnet18_unet": "resnet18_unet.ResNet18UNet",
        "resnet18_unet_rp": "resnet18_unet_rp.ResNet18UNetRP",
        "segnet": "segnet.SegNet",
        "swift": "swift.Swift",
        "ternausnet11": "ternausnet11.TernausNet11",
        "tip_net_reconstruction": "tip_net_reconstruction.TipNetReconstruction",
        "unet": "unet.UNet",
        "unet_plus_plus": "unet_plus_plus.UNetPlusPlus",
    }
)
