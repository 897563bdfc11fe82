"""network + settings → the device and the backend that run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.backends import OnnxNetwork, choose_backend
from coverslip.device import pick_device
from coverslip.models import MODELS
from coverslip.predict.grid import tile_and_overlap

if TYPE_CHECKING:
    import torch
    from torch import nn

    from coverslip.predict.settings import PredictSettings


def check_predict(network: nn.Module, settings: PredictSettings) -> None:
    """Find what would stop every prediction, which a caller may want before a long work.

    Raises:
        SettingsError: a device or backend that is not there, or tiles too small for the network's
            stride.
    """
    pick_backend(network, settings)
    tile_and_overlap(network, settings)


def pick_backend(network: nn.Module, settings: PredictSettings) -> str:
    """What will run the network: a name of BACKENDS but "auto".

    Raises:
        SettingsError: a backend that is not installed, or not for this device or network.
    """
    device = device_of(network, settings).type
    quick = isinstance(network, tuple(MODELS.values()))  # all of them were measured
    return choose_backend(settings.backend, network, device=device, quick=quick)


def device_of(network: nn.Module, settings: PredictSettings) -> torch.device:
    """The device that is asked for; of an ONNX file the CPU, where none is."""
    at_will = isinstance(network, OnnxNetwork) and settings.device == "auto"
    return pick_device("cpu" if at_will else settings.device)
