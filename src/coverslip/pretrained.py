"""the name or path of ImageNet weights → an encoder that has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import torch

from coverslip.checkpoint import read_tensors
from coverslip.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

# torchvision's ResNet18_Weights.IMAGENET1K_V1; the name ends in the first digits of its SHA-256
RESNET18_URL = "https://download.pytorch.org/models/resnet18-f37072fd.pth"


def load_pretrained(encoder: nn.Module, source: str) -> list[str]:
    """Load an encoder's weights in place.

    Args:
        encoder: a module with torchvision's parameter names.
        source: ``"none"``, ``"imagenet"`` (the hub: fetched and checked once, then
            cached), or the path of
            a safetensors file or ``.pth`` state dict. Keys that the encoder lacks (``fc``) are
            passed over.

    Returns:
        The encoder's own keys that the source does not have; they keep their initial values.

    Raises:
        ModelError: offline, not readable, weights of another shape, or no key in common.
    """
    if source == "none":
        return []
    weights = fetch_imagenet() if source == "imagenet" else read_weights(Path(source))
    own = encoder.state_dict()
    common = {name: tensor for name, tensor in weights.items() if name in own}
    if not common:
        raise ModelError(
            f"{source}: none of its {len(weights)} keys is a key of the encoder, such as "
            f"{next(iter(own))!r}: wanted weights under torchvision's names."
        )
    wrong = [name for name, tensor in common.items() if tensor.shape != own[name].shape]
    if wrong:
        raise ModelError(
            f"{source}: {wrong[0]} has shape {tuple(common[wrong[0]].shape)}, the encoder wants "
            f"{tuple(own[wrong[0]].shape)} ({len(wrong)} such keys): these are another network's "
            "weights."
        )
    encoder.load_state_dict(common, strict=False)
    return [name for name in own if name not in common and not name.endswith("num_batches_tracked")]


def fetch_imagenet() -> dict[str, Tensor]:
    """ResNet-18's ImageNet weights from torch's hub, checked against their hash and cached.

    Raises:
        ModelError: offline, or the file is not what it should be.
    """
    try:
        weights: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
            RESNET18_URL, map_location="cpu", check_hash=True, progress=False, weights_only=True
        )
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            f"the ImageNet weights could not be fetched from {RESNET18_URL} ({error}). Two other "
            "ways: --encoder PATH with a copy of that file (or torchvision-keyed safetensors) "
            "carried here from a machine with a network, or --encoder none to start without."
        ) from error
    return weights


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """A state dict from safetensors, or from a ``.pth`` file read with ``weights_only``.

    Raises:
        ModelError: missing or not readable.
    """
    if path.suffix not in {".pth", ".pt"}:
        return read_tensors(path)[0]
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises almost anything on a damaged file
        raise no_state_dict(path, str(error)) from error
    if not isinstance(weights, dict) or not all(map(torch.is_tensor, weights.values())):
        raise no_state_dict(path, f"it holds a {type(weights).__name__}, not only named tensors")
    return weights


def no_state_dict(path: Path, reason: str) -> ModelError:
    """The error for a ``.pth`` file that holds something else."""
    return ModelError(
        f"{path}: not readable as a state dict ({reason}): wanted a .pth file with tensors only, "
        "or safetensors."
    )
