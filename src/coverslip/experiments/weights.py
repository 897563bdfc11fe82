"""a system → the ImageNet weights that its encoder starts from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.checkpoint import build_network
from coverslip.errors import ModelError

if TYPE_CHECKING:
    from coverslip.experiments.systems import System

SUFFIXES = (".pth", ".pt", ".safetensors")


def find_weights(system: System, weights: str) -> str:
    """What `coverslip.pretrained.load_pretrained` takes as its source.

    Args:
        system: what is trained.
        weights: ``"none"``, ``"imagenet"`` (PyTorch's hub), or a folder of files named as the hub
            names them (``vgg19-dcbb9e9d.pth``) or ``resnet18_imagenet….safetensors``.

    Raises:
        ModelError: no such folder, or no file in it for this encoder.
    """
    if not system.encoder or weights in ("none", "imagenet"):
        return weights if system.encoder else "none"
    folder, architecture = Path(weights), encoder_name(system)
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder: wanted one with ImageNet weights.")
    named = re.compile(rf"{architecture}(-|\.|_imagenet)")
    found = [p for p in sorted(folder.iterdir()) if named.match(p.name) and p.suffix in SUFFIXES]
    if not found:
        raise ModelError(f"{folder}: no ImageNet weights of {architecture} in it.")
    return str(found[0])


def encoder_name(system: System) -> str:
    """What torchvision calls the encoder of a system's network, ``"vgg19"``."""
    network = build_network(system.model, system.arguments)
    return str(network.get_submodule("encoder").architecture)
