"""named tensors and text ↔ a safetensors file, never a pickle."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from coverslip.errors import ModelError
from coverslip.files import whole_or_nothing
from coverslip.limits import MAX_TENSORS, check_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor


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


def halve(tensor: Tensor) -> Tensor:
    """The tensor as float16, or itself where it holds other numbers or some too large for that."""
    half = tensor.half()
    return half if tensor.is_floating_point() and half.isfinite().all() else tensor


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
