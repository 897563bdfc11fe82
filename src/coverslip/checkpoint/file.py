"""network + its arguments + its settings ↔ one safetensors file."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Any

from coverslip.checkpoint.build import Checkpoint, build_network
from coverslip.checkpoint.describe import describe, read_settings
from coverslip.checkpoint.onnx import load_onnx
from coverslip.checkpoint.tensors import (
    halve,
    hash_contents,
    open_tensors,
    read_tensors,
    write_tensors,
)
from coverslip.errors import ModelError, SettingsError
from coverslip.limits import check_finite, no_more_weights, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

FORMAT = "coverslip-checkpoint-1"


def save_checkpoint(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file, by custom ``.safetensors``.
        checkpoint: what to keep.
        half: store floating-point weights as float16, at half the size, where they fit into it.

    Raises:
        FileError: the file cannot be written.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in checkpoint.network.state_dict().items()
    }
    if half:
        tensors = {name: halve(tensor) for name, tensor in tensors.items()}
    metadata = {"format": FORMAT, **describe(checkpoint)}
    metadata["sha256"] = hash_contents(tensors, metadata)
    write_tensors(path, tensors, metadata)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, of whomever; the network comes in evaluation mode, float32, on the CPU.

    Nothing in the file is run, and what it claims is checked before memory is taken for it.

    From an ONNX file, by its suffix, comes an `OnnxNetwork`, which predicts and does not learn.

    Raises:
        ModelError: not a checkpoint of ours, truncated, altered, of a network not known here, or
            with settings or weights that cannot be; or an ONNX file without the packages for it.
    """
    if path.suffix.lower() == ".onnx":
        return load_onnx(path)
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise ModelError(
            f"{path}: a safetensors file, but no coverslip checkpoint (its format is "
            f"{str(metadata.get('format'))[:50]!r}, wanted {FORMAT!r}): pass a file made by "
            "coverslip train, or encoder weights by --encoder."
        )
    if metadata.get("sha256") != hash_contents(tensors, metadata):
        raise ModelError(f"{path}: its contents do not match its checksum: copy the file again.")
    try:
        check_finite(tensors)
        settings = read_settings(metadata)
    except (ModelError, SettingsError) as error:
        raise ModelError(f"{path}: {error}: copy it again, or ask whoever made it.") from error
    return Checkpoint(network=rebuild(path, settings, tensors).eval(), **settings)


def rebuild(path: Path, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """The network of a checkpoint, with its weights.

    Raises:
        ModelError: a network that is not known here, is larger than the file, or has other weights.
    """
    try:
        with no_more_weights(tensors):
            network = build_network(settings["model"], settings["arguments"])
        network.load_state_dict(tensors)
    except ModelError as error:
        raise ModelError(f"{path}: made by another version of coverslip: {error}") from error
    except RuntimeError as error:
        reason = shorten(str(error), 300, placeholder=" …")  # it lists every weight
        raise ModelError(
            f"{path}: its weights do not fit the network {settings['model']!r} of this version "
            f"({reason}): install the version it was made with, or train again."
        ) from error
    return network


def read_card(path: Path) -> dict[str, Any]:
    """A checkpoint's card and its network's name (key `network`), without reading the weights.

    Raises:
        ModelError: missing, truncated, or no safetensors file; or a card that is none.
    """
    with open_tensors(path) as file:
        metadata = file.metadata() or {}
    try:
        card = parse(metadata.get("card", "{}"), what="card", kind=dict)
    except ModelError as error:
        raise ModelError(f"{path}: {error}: copy it again, or ask whoever made it.") from error
    return {"network": metadata.get("model", ""), **card}
