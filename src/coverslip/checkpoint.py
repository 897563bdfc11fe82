"""network + its arguments + its settings ↔ one safetensors file, never a pickle."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import json
import math
from dataclasses import asdict, dataclass, field
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from coverslip.cells import check_maps
from coverslip.classical import METHODS
from coverslip.errors import ModelError, SettingsError
from coverslip.files import whole_or_nothing
from coverslip.images import Preprocess, dict_to_preprocess
from coverslip.limits import (
    MAX_TENSORS,
    check_arguments,
    check_card,
    check_finite,
    check_header,
    check_preprocess,
    no_more_weights,
    parse,
)
from coverslip.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

FORMAT = "coverslip-checkpoint-1"
LEAST_AREA_PX = 16  # smaller pieces are specks, not cells, at any magnification
SLIVER = 0.1  # of a cell's usual area: what is smaller is a piece of one (docs/results/cells.md)


@dataclass(frozen=True)
class Checkpoint:
    """A network and all that is needed to build and use it again."""

    network: nn.Module
    model: str  # its name in MODELS
    arguments: dict[str, Any] = field(default_factory=dict)  # of its constructor
    preprocess: Preprocess = field(default_factory=Preprocess)
    maps: tuple[str, ...] = ("mask",)  # what its logits mean, of coverslip.cells.MAPS
    card: dict[str, Any] = field(default_factory=dict)  # task, data, licence, settings, scores

    @property
    def threshold(self) -> float:
        """The probability above which a pixel is cell: the card's, 0.5 where it names none."""
        return float(self.card.get("threshold", 0.5))

    @property
    def cell_size_px(self) -> float | None:
        """The usual diameter of the cells that it learnt, where the card says."""
        size = self.card.get("cell_size_px") or self.card.get("training", {}).get("cell_size_px")
        return float(size) if size else None

    @property
    def one_size(self) -> bool:
        """Whether each image that it learnt from was brought to cells of one size."""
        return bool(self.card.get("one_size"))

    @property
    def min_area_px(self) -> int:
        """The least area of a cell: a tenth of that of those it has learnt, 16 at the least."""
        area = math.pi / 4 * (self.cell_size_px or 0.0) ** 2
        return max(LEAST_AREA_PX, round(SLIVER * area))


def build_network(model: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Make a network by its name.

    Raises:
        ModelError: no such name (the nearest is suggested), or arguments that it does not take.
    """
    if model in METHODS:
        raise ModelError(
            f"{model!r} is a method without learning and needs no training: use it at once, by "
            f"coverslip segment IMAGES -o OUT --model {model}."
        )
    if model not in MODELS:
        near = difflib.get_close_matches(model, MODELS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ModelError(f"unknown network {model!r}: {hint}Known are {', '.join(MODELS)}.")
    known = inspect.signature(MODELS[model]).parameters
    if any(name not in known for name in arguments):
        raise ModelError(
            f"network {model!r} cannot be built with {dict(arguments)}: it takes "
            f"{', '.join(known)}."
        )
    try:
        return MODELS[model](**arguments)
    except ModelError:
        raise
    except Exception as error:  # a layer of impossible size raises almost anything
        reason = shorten(str(error), 300, placeholder=" …")
        raise ModelError(
            f"network {model!r} cannot be built with {arguments}: {reason}."
        ) from error


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
    metadata = {
        "format": FORMAT,
        "model": checkpoint.model,
        "arguments": json.dumps(checkpoint.arguments),
        "preprocess": json.dumps(asdict(checkpoint.preprocess)),
        "maps": json.dumps(checkpoint.maps),
        "card": json.dumps(checkpoint.card, ensure_ascii=False),
    }
    metadata["sha256"] = hash_contents(tensors, metadata)
    write_tensors(path, tensors, metadata)


def halve(tensor: Tensor) -> Tensor:
    """The tensor as float16, or itself where it holds other numbers or some too large for that."""
    half = tensor.half()
    return half if tensor.is_floating_point() and half.isfinite().all() else tensor


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, of whomever; the network comes in evaluation mode, float32, on the CPU.

    Nothing in the file is run, and what it claims is checked before memory is taken for it.

    Raises:
        ModelError: not a checkpoint of ours, truncated, altered, of a network not known here, or
            with settings or weights that cannot be.
    """
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


def read_settings(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a `Checkpoint`, but for its network, from the text of a file.

    Raises:
        ModelError: one is missing, or says what cannot be.
        SettingsError: maps that are no list of maps to learn.
    """
    missing = {"model", "arguments", "preprocess", "card"} - metadata.keys()
    if missing:
        raise ModelError(f"it does not say its {', '.join(sorted(missing))}")
    arguments = parse(metadata["arguments"], what="arguments", kind=dict)
    preprocess = parse(metadata["preprocess"], what="preprocess", kind=dict)
    card = parse(metadata["card"], what="card", kind=dict)
    maps = parse(metadata.get("maps", '["mask"]'), what="maps", kind=list)
    check_arguments(arguments)
    check_preprocess(preprocess)
    check_card(card)
    check_maps([str(name)[:50] for name in maps])
    return {
        "model": metadata["model"],
        "arguments": arguments,
        "preprocess": dict_to_preprocess(preprocess),
        "maps": tuple(maps),
        "card": card,
    }


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


def hash_contents(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """A SHA-256 over all metadata but itself, then over every tensor's name, type and bytes."""
    digest = hashlib.sha256()
    for key in sorted(metadata.keys() - {"sha256"}):
        digest.update(f"{key}={metadata[key]};".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors and text, whole or not at all, also where the power is cut."""
    with whole_or_nothing(path, settle=True) as temporary:
        # not save_file, which makes files that only their owner can read
        temporary.write_bytes(in_order(save(dict(tensors), metadata=metadata)))


def in_order(data: bytes) -> bytes:
    """A safetensors file with its text in the order of the keys, which is else another each time.

    The form is 8 bytes for the length of the header, the header in JSON, and the tensors; spaces
    fill the header up to a multiple of 8.
    """
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All named tensors and all text of a safetensors file.

    Raises:
        ModelError: missing, truncated, or no safetensors file.
    """
    with open_tensors(path) as file:
        names = file.keys()
        if len(names) > MAX_TENSORS:
            raise ModelError(
                f"{path}: it holds {len(names):,} tensors, where at most {MAX_TENSORS:,} are read: "
                "it is another program's file; name another."
            )
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}


def open_tensors(path: Path) -> Any:
    """Open a safetensors file lazily, as a context manager.

    Raises:
        ModelError: missing, truncated, or no safetensors file.
    """
    try:
        check_header(path)
        return safe_open(path, framework="pt")
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"{path}: not readable as safetensors ({error}): the file is missing, truncated or of "
            "another kind; copy it again or name another."
        ) from error
