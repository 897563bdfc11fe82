"""ONNX graph + text ↔ one file, read with mistrust."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from coverslip.errors import ModelError
from coverslip.optional import need

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST_BYTES = 2**30  # ten times our largest network
# What our networks are made of: sums, shapes and windows. Nothing that repeats or branches, and
# nothing of another's making, so a file of a stranger computes logits or is refused.
OPERATORS = frozenset(
    """
    Add AveragePool BatchNormalization Cast Clip Concat Constant ConstantOfShape Conv ConvTranspose
    DepthToSpace Div Equal Expand Flatten Floor Gather Gemm GlobalAveragePool HardSigmoid Identity
    LeakyRelu MatMul Max MaxPool Min Mul Neg Pad Pow ReduceMean Relu Reshape Resize
    ScatterElements Shape Sigmoid Slice Softmax Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze
    Upsample Where
    """.split()
)


def pack_onnx(graph: bytes, texts: Mapping[str, str]) -> bytes:
    """Put text into a graph's metadata, and a checksum over all of it under ``sha256``.

    Raises:
        SettingsError: the package onnx is not there.
    """
    onnx = need("onnx", extra="onnx", what="ONNX")
    model = onnx.load_model_from_string(graph)
    texts = {**texts, "sha256": _hash(model, texts)}
    onnx.helper.set_model_props(model, texts)
    return bytes(model.SerializeToString())


def read_onnx(path: Path) -> tuple[bytes, dict[str, str]]:
    """What a file of `pack_onnx` holds, and its text, after everything about it was checked.

    Raises:
        SettingsError: the package onnx is not there.
        ModelError: not readable, larger than MOST_BYTES, or what `unpack_onnx` refuses.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"larger than {MOST_BYTES / 2**30:g} GiB, as no network of ours is.")
        contents = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}): check its path.") from error
    return contents, unpack_onnx(contents)


def unpack_onnx(contents: bytes) -> dict[str, str]:
    """The text of a file of `pack_onnx`, after everything about the file was checked.

    Raises:
        SettingsError: the package onnx is not there.
        ModelError: no ONNX, damaged or altered, or with something in it that a network of ours has
            no use for: a part in another file, an operator of another's making, a loop.
    """
    onnx = need("onnx", extra="onnx", what="ONNX")
    try:
        model = onnx.load_model_from_string(contents)
    except Exception as error:  # of protobuf, whose exceptions move from version to version
        raise ModelError(f"not readable as ONNX ({error}): copy the file again.") from error
    texts = {entry.key: entry.value for entry in model.metadata_props}
    if not model.graph.node:
        raise ModelError("not readable as ONNX (no network in it): copy the file again.")
    _refuse_strange(model)
    if texts.get("sha256") not in (None, _hash(model, texts)):
        raise ModelError("its contents do not match its checksum: copy the file again.")
    return texts


def _refuse_strange(model: Any) -> None:
    """Raise ModelError for what a network of ours never has."""
    if model.functions or any(opset.domain not in ("", "ai.onnx") for opset in model.opset_import):
        raise ModelError("it has operators of another's making, which are not run here.")
    for node in model.graph.node:
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            raise ModelError(f"it has the operator {node.op_type}, which no network of ours has.")
        tensors = [attribute.t for attribute in node.attribute if attribute.HasField("t")]
        _refuse_elsewhere(tensors)
    _refuse_elsewhere(model.graph.initializer)
    if model.graph.sparse_initializer:
        raise ModelError("it has sparse weights, which no network of ours has.")


def _refuse_elsewhere(tensors: Any) -> None:
    """Raise ModelError where a tensor lies in another file: which one is the file's to say."""
    for tensor in tensors:
        if tensor.external_data or tensor.data_location:
            raise ModelError("part of it lies in another file: export it as one file.")


def _hash(model: Any, texts: Mapping[str, str]) -> str:
    """A SHA-256 over the text but the checksum itself, then over the graph."""
    digest = hashlib.sha256()
    for key in sorted(texts.keys() - {"sha256"}):
        digest.update(f"{key}={texts[key]};".encode())
    bare = type(model)()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    digest.update(bare.SerializeToString(deterministic=True))
    return digest.hexdigest()
