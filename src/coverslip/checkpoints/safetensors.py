"""network + its arguments + its settings ↔ one safetensors file."""

from __future__ import annotations

import hashlib
import inspect
import json
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from coverslip._optional import need
from coverslip.checkpoints.checkpoint import Checkpoint, build_network, describe, read_settings
from coverslip.checkpoints.onnx import load_onnx
from coverslip.checkpoints.validate import (
    CHANNELS,
    MAX_TENSORS,
    check_channels,
    check_finite,
    check_header,
    check_types,
    no_more_weights,
    parse,
)
from coverslip.errors import ModelError, SettingsError
from coverslip.inference.runtime import GraphNetwork, read_graph
from coverslip.io import whole_or_nothing
from coverslip.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from coverslip.inference.runtime import Graph

    Tensors = Mapping[str, Tensor] | Mapping[str, NDArray[np.generic]]

FORMAT = "coverslip-checkpoint-1"


def save_checkpoint(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file, by custom ``.safetensors``.
        checkpoint: what to keep.
        half: store floating-point weights as float16, at half the size, where they fit into it.

    Raises:
        FileError: the file cannot be written.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.models import UNet
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "mine.safetensors")
        ...     coverslip.save_checkpoint(path, coverslip.Checkpoint(UNet(), model="unet"))
        ...     print(coverslip.load_checkpoint(path).model)
        unet
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

    Nothing in the file is run, and what it claims is checked before memory is taken for it. A
    network whose graph ships (`coverslip.inference.runtime.read_graph`) is not built in PyTorch
    until its `network` is asked for.

    From an ONNX file, by its suffix, comes an `OnnxNetwork`, which predicts and does not learn.

    Raises:
        ModelError: not a checkpoint of ours, truncated, altered, of a network not known here, or
            with settings or weights that cannot be; or an ONNX file without the packages for it.

    Example:
        >>> import coverslip
        >>> coverslip.load_checkpoint(coverslip.shipped_models()["phase"]).model
        'swift'
    """
    if path.suffix.lower() == ".onnx":
        return load_onnx(path)
    tensors, metadata = read_arrays(path)
    if metadata.get("format") != FORMAT:
        raise ModelError(
            f"{path}: a safetensors file, but no coverslip checkpoint (its format is "
            f"{str(metadata.get('format'))[:50]!r}, wanted {FORMAT!r}): pass a file made by "
            "coverslip train, or encoder weights by --encoder."
        )
    if metadata.get("sha256") != hash_contents(tensors, metadata):
        raise ModelError(f"{path}: its contents do not match its checksum: copy the file again.")
    arrays = {name: to_float32(tensor) for name, tensor in tensors.items()}
    try:
        check_finite(arrays)
        settings = read_settings(metadata)
        graph = graph_of(settings)
        if graph is None:
            check_network(settings)
    except (ModelError, SettingsError) as error:
        raise ModelError(f"{path}: {error}: copy it again, or ask whoever made it.") from error
    if graph is None:
        return Checkpoint(network=rebuild(path, settings, arrays).eval(), **settings)
    try:
        network = GraphNetwork(graph, arrays, settings["ranges"])
        check_claims(network, settings)
    except ModelError as error:
        raise other_weights(path, settings["model"], str(error)) from error
    return Checkpoint(network=network, **settings)  # type: ignore[arg-type]


def graph_of(settings: Mapping[str, Any]) -> Graph | None:
    """The graph of a checkpoint's network, where it is known and its arguments change no step."""
    graph = read_graph(settings["model"])
    known = graph is not None and settings["arguments"].keys() <= graph.arguments
    return graph if known else None


def check_claims(network: GraphNetwork, settings: Mapping[str, Any]) -> None:
    """Refuse weights for other images or maps than the file says.

    Raises:
        ModelError: they differ.
    """
    taken, given = network.channels
    claimed = settings["arguments"].get("out_channels", given)
    if claimed != given:
        raise ModelError(f"they give {given} maps, and it says {str(claimed)[:50]}")
    check_channels(taken, n_maps=len(settings["maps"]), given=given)


def check_network(settings: Mapping[str, Any]) -> None:
    """Refuse a network whose arguments do not fit the images it would be shown, or its own maps.

    Raises:
        ModelError: they do not. Of a network that is not known here, nothing is said.
    """
    known = (
        inspect.signature(MODELS[settings["model"]]).parameters
        if settings["model"] in MODELS
        else {}
    )
    own = {name: one.default for name, one in known.items()} | settings["arguments"]
    n_maps = len(settings["maps"])
    check_channels(
        own.get("in_channels", CHANNELS), n_maps=n_maps, given=own.get("out_channels", n_maps)
    )


def rebuild(
    path: Path, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]]
) -> nn.Module:
    """The network of a checkpoint in PyTorch, with its weights.

    Raises:
        SettingsError: PyTorch is not installed.
        ModelError: a network that is not known here, is larger than the file, or has other weights.
    """
    torch = need("torch", extra="train", what=f"{path}, a network {settings['model']},")
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    try:
        with no_more_weights(tensors):
            network = build_network(settings["model"], settings["arguments"])
        network.load_state_dict(tensors)
    except ModelError as error:
        raise ModelError(f"{path}: made by another version of coverslip: {error}") from error
    except RuntimeError as error:
        raise other_weights(path, settings["model"], str(error)) from error
    return network


def other_weights(path: Path, model: str, reason: str) -> ModelError:
    """The error for weights of another version, or of nothing that could be."""
    short = shorten(reason, 300, placeholder=" …")  # PyTorch lists every weight
    return ModelError(
        f"{path}: its weights do not fit the network {model!r} of this version ({short}): install "
        "the version it was made with, or train again."
    )


def to_float32(tensor: Tensor | NDArray[np.generic]) -> NDArray[np.generic]:
    """Weights as NumPy's float32; whole numbers as they are."""
    array = tensor if isinstance(tensor, np.ndarray) else tensor.float().numpy()
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def read_card(path: Path) -> dict[str, Any]:
    """A checkpoint's card and its network's name (key `network`), without reading the weights.

    Raises:
        ModelError: missing, truncated, or no safetensors file; or a card that is none.

    Example:
        >>> import coverslip
        >>> from coverslip.checkpoints import read_card
        >>> read_card(coverslip.shipped_models()["phase"])["network"]
        'swift'
    """
    with open_tensors(path) as file:
        metadata = file.metadata() or {}
    try:
        card = parse(metadata.get("card", "{}"), what="card", kind=dict)
    except ModelError as error:
        raise ModelError(f"{path}: {error}: copy it again, or ask whoever made it.") from error
    return {"network": metadata.get("model", ""), **card}


def hash_contents(tensors: Tensors, metadata: Mapping[str, str]) -> str:
    """A SHA-256 over all metadata but itself, then over every tensor's name, type and bytes.

    Args:
        tensors: NumPy's or PyTorch's; both give one hash.
        metadata: the text of the file.

    Example:
        >>> import numpy as np
        >>> from coverslip.checkpoints import hash_contents
        >>> hash_contents({"a": np.ones(2)}, {}) == hash_contents({"a": np.zeros(2)}, {})
        False
    """
    digest = hashlib.sha256()
    for key in sorted(metadata.keys() - {"sha256"}):
        digest.update(f"{key}={metadata[key]};".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        kind = str(tensor.dtype).removeprefix("torch.")
        digest.update(f"{name}:torch.{kind}:{tuple(tensor.shape)};".encode())
        digest.update(_bytes_of(tensor))
    return digest.hexdigest()


def _bytes_of(tensor: Tensor | NDArray[np.generic]) -> bytes:
    if isinstance(tensor, np.ndarray):
        return tensor.tobytes()
    import torch

    flat = tensor.contiguous().reshape(-1).view(torch.uint8)
    return bytes(flat.numpy())


def halve(tensor: Tensor) -> Tensor:
    """The tensor as float16, or itself where it holds other numbers or some too large for that.

    Example:
        >>> import torch
        >>> from coverslip.checkpoints import halve
        >>> halve(torch.ones(2)).dtype, halve(torch.tensor([1e9])).dtype
        (torch.float16, torch.float32)
    """
    half = tensor.half()
    return half if tensor.is_floating_point() and half.isfinite().all() else tensor


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors and text, whole or not at all, also where the power is cut.

    Example:
        >>> import torch
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.checkpoints import read_tensors, write_tensors
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.safetensors")
        ...     write_tensors(path, {"a": torch.ones(2)}, {"made": "today"})
        ...     tensors, text = read_tensors(path)
        >>> tensors["a"].tolist(), text["made"]
        ([1.0, 1.0], 'today')
    """
    from safetensors.torch import save

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
    """All named tensors, PyTorch's, and all text of a safetensors file.

    Raises:
        SettingsError: PyTorch is not installed.
        ModelError: missing, truncated, or no safetensors file.
    """
    need("torch", extra="train", what=str(path))
    return read_as(path, "pt")


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The same as NumPy's arrays, without PyTorch but where there are numbers that NumPy has not.

    Raises:
        SettingsError, ModelError: as `read_tensors`.
    """
    with open_tensors(path) as file:
        types = {file.get_slice(name).get_dtype() for name in file.keys()[:MAX_TENSORS]}
    return read_tensors(path) if "BF16" in types else read_as(path, "np")


def read_as(path: Path, framework: str) -> tuple[dict[str, Any], dict[str, str]]:
    """All named tensors and all text of a safetensors file, as tensors of "np" or "pt"."""
    with open_tensors(path, framework) as file:
        names = file.keys()
        if len(names) > MAX_TENSORS:
            raise ModelError(
                f"{path}: it holds {len(names):,} tensors, where at most {MAX_TENSORS:,} are read: "
                "it is another program's file; name another."
            )
        try:
            check_types({name: file.get_slice(name).get_dtype() for name in names})
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
        except ModelError as error:
            raise ModelError(f"{path}: {error}.") from error
        except Exception as error:  # what the header says of a tensor cannot be
            reason = shorten(str(error), 300, placeholder=" …")
            raise ModelError(
                f"{path}: its tensors cannot be read ({reason}): copy it again."
            ) from error


def open_tensors(path: Path, framework: str = "np") -> Any:
    """Open a safetensors file lazily, as a context manager.

    Raises:
        ModelError: missing, truncated, or no safetensors file.
    """
    try:
        check_header(path)
        return safe_open(path, framework=framework)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"{path}: not readable as safetensors ({error}): the file is missing, truncated or of "
            "another kind; copy it again or name another."
        ) from error
