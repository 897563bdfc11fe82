"""network + its arguments + its settings ↔ one ONNX file, which other programs read too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from coverslip.checkpoints.checkpoint import Checkpoint, describe, read_settings
from coverslip.checkpoints.validate import check_channels, parse
from coverslip.errors import ModelError, SettingsError, one_of
from coverslip.inference.runtime import (
    GraphNetwork,
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
WRITTEN = ("float32", "int8")  # the numbers that a file may compute in


def save_onnx(path: Path, checkpoint: Checkpoint, *, precision: str = "float32") -> float | None:
    """Write a checkpoint as ONNX, whole or not at all, once it was checked against the network.

    Beside what a checkpoint says, its metadata have for other programs, as plain text, what they
    need to use it: stride, channels, threshold, cell size and licence (docs/export-model.md).

    Args:
        path: the file, by custom ``.onnx``.
        checkpoint: a network in evaluation mode, on the CPU.
        precision: "float32"; or "int8", of a model with ranges for it: what ONNX Runtime runs here.

    Returns:
        The greatest difference of a logit from PyTorch's, as a share of the largest one or of 1;
        None in int8, which needs no PyTorch.

    Raises:
        SettingsError: the packages onnx and onnxruntime are not there, or a model without ranges.
        ModelError: no network of PyTorch, or its ONNX gives other logits.
        FileError: the file cannot be written.
    """
    if isinstance(checkpoint.__dict__["network"], OnnxNetwork):
        raise ModelError("this model is an ONNX file already: copy it, or name the checkpoint.")
    channels = int(checkpoint.arguments.get("in_channels", 3))
    one_of("precision", precision, WRITTEN)
    difference = None
    if precision == "int8":
        graph, stride = int8_graph(checkpoint)
    else:
        network = checkpoint.network
        graph = network_to_onnx(network, channels=channels)
        stride = cast("int", network.stride)
        forward = run_onnx(graph, backend="onnxruntime", threads=count_threads())
        difference = check_onnx(network, forward, channels=channels)
    metadata = {
        "format": ONNX_FORMAT,
        **describe(checkpoint),
        "precision": precision,
        "stride": str(stride),
        "channels": str(channels),
        "threshold": str(checkpoint.threshold),
        "cell_size_px": str(checkpoint.cell_size_px or ""),
        "licence": str(checkpoint.card.get("licence", "")),
    }
    contents = pack_onnx(graph, metadata)
    with whole_or_nothing(path) as temporary:
        temporary.write_bytes(contents)
    return difference


def int8_graph(checkpoint: Checkpoint) -> tuple[bytes, int]:
    """A model as ONNX in int8, and its stride.

    Raises:
        SettingsError: it has no ranges, as a model that was trained elsewhere has not.
    """
    network = checkpoint.runnable("onnxruntime")
    if not isinstance(network, GraphNetwork) or not network.has_int8:
        raise SettingsError(
            "precision int8: this model has no ranges for it; export it in float32. docs/speed.md "
            "says how a model gets ranges."
        )
    return network.to_onnx("int8"), network.stride


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
        precision = metadata.get("precision", "float32")  # older files do not say
        one_of("precision", precision[:50], WRITTEN)
        network = OnnxNetwork(contents, stride=stride, channels=channels, precision=precision)
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
