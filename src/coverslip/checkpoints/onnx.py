"""network + its arguments + its settings ↔ one ONNX file, which other programs read too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coverslip.checkpoints.checkpoint import Checkpoint, describe, read_settings
from coverslip.checkpoints.validate import check_channels, parse
from coverslip.errors import ModelError, SettingsError
from coverslip.inference.runtime import (
    OnnxNetwork,
    check_onnx,
    count_threads,
    network_to_onnx,
    pack_onnx,
    read_onnx,
    run_onnx,
)
from coverslip.io import whole_or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIZES = ("stride", "channels")
ONNX_FORMAT = "coverslip-onnx-1"


def save_onnx(path: Path, checkpoint: Checkpoint) -> float:
    """Write a checkpoint as ONNX, whole or not at all, once it was checked against the network.

    Beside what a checkpoint says, its metadata have for other programs, as plain text, what they
    need to use it: stride, channels, threshold, cell size and licence (docs/export-model.md).

    Args:
        path: the file, by custom ``.onnx``.
        checkpoint: a network in evaluation mode, on the CPU.

    Returns:
        The greatest difference of a logit, as a share of the largest one or of 1.

    Raises:
        SettingsError: the packages onnx and onnxruntime are not there.
        ModelError: no network of PyTorch, or its ONNX gives other logits.
        FileError: the file cannot be written.
    """
    network = checkpoint.network
    if isinstance(network, OnnxNetwork):
        raise ModelError("this model is an ONNX file already: copy it, or name the checkpoint.")
    channels = int(checkpoint.arguments.get("in_channels", 3))
    graph = network_to_onnx(network, channels=channels)
    forward = run_onnx(graph, backend="onnxruntime", threads=count_threads())
    difference = check_onnx(network, forward, channels=channels)
    metadata = {
        "format": ONNX_FORMAT,
        **describe(checkpoint),
        "stride": str(network.stride),
        "channels": str(channels),
        "threshold": str(checkpoint.threshold),
        "cell_size_px": str(checkpoint.cell_size_px or ""),
        "licence": str(checkpoint.card.get("licence", "")),
    }
    contents = pack_onnx(graph, metadata)
    with whole_or_nothing(path) as temporary:
        temporary.write_bytes(contents)
    return difference


def load_onnx(path: Path) -> Checkpoint:
    """Read a file of `save_onnx`."""
    try:
        contents, metadata = read_onnx(path)
        if metadata.get("format") != ONNX_FORMAT or "sha256" not in metadata:
            raise ModelError(
                "an ONNX file, but none of coverslip's: pass one that coverslip export-model wrote."
            )
        settings = read_known(metadata)
        stride, channels = (parse(metadata[name], what=name, kind=int) for name in SIZES)
        n_maps = len(settings["maps"])
        check_channels(channels, n_maps=n_maps, given=n_maps)
        network = OnnxNetwork(contents, stride=stride, channels=channels)
        network.check(n_maps=n_maps)
        return Checkpoint(network=network, **settings)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: its description is damaged ({error}): copy it again.") from error
    except (ModelError, SettingsError) as error:
        raise ModelError(f"{path}: {error}") from error


def read_known(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What `read_settings` reads, with the cure in its errors."""
    try:
        return read_settings(metadata)
    except (ModelError, SettingsError) as error:
        raise ModelError(f"{error}: copy it again, or ask whoever made it.") from error
