"""nodes + weights → the bytes of an ONNX file, by NumPy alone.

ONNX is a message of Protocol Buffers: fields with a number, each a whole number, 4 bytes, or so
many bytes. To write one takes these few lines; so prediction needs neither PyTorch nor the package
onnx. The numbers of the fields are those of ``onnx.proto``, which never change.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

OPSET, IR_VERSION = 17, 8  # both of 2022: read by every runtime still in use

Attribute: TypeAlias = "int | float | str | list[int]"
DATA_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}


@dataclass(frozen=True)
class Node:
    """One step of a network.

    Attributes:
        op: the ONNX operator.
        inputs: names of tensors; "" for one that is left out.
        output: the name of the tensor that it makes.
        attributes: of the operator.

    Example:
        >>> from coverslip.inference.runtime import Node
        >>> Node("Relu", ("image",), "logits").op
        'Relu'
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


def encode_model(
    nodes: Sequence[Node],
    weights: Mapping[str, NDArray[np.generic]],
    *,
    channels: tuple[int, int],
    outputs: Sequence[str] = (),
) -> bytes:
    """Write a network as ONNX: ``image`` (n, C, h, w) → ``logits`` (n, K, h, w), float32.

    Args:
        nodes: in the order in which they run.
        weights: arrays by their names, of a type of DATA_TYPES.
        channels: C and K.
        outputs: further tensors to give, after the logits.

    Example:
        >>> from coverslip.inference.runtime import Node, encode_model, run_onnx
        >>> import numpy as np
        >>> model = encode_model([Node("Relu", ("image",), "logits")], {}, channels=(1, 1))
        >>> forward = run_onnx(model, backend="onnxruntime", threads=1)
        >>> forward(np.full((1, 1, 1, 2), -3, np.float32)).tolist()
        [[[[0.0, 0.0]]]]
    """
    taken, given = channels
    graph = b"".join(
        [
            *(_bytes(1, _node(node)) for node in nodes),
            _bytes(2, b"network"),
            *(_bytes(5, _tensor(name, array)) for name, array in weights.items()),
            _bytes(11, _value("image", ("n", taken, "h", "w"))),
            _bytes(12, _value("logits", ("n", given, "h", "w"))),
            *(_bytes(12, _value(name, ())) for name in outputs),
        ]
    )
    opset = _bytes(1, b"") + _int(2, OPSET)
    return _int(1, IR_VERSION) + _bytes(2, b"coverslip") + _bytes(7, graph) + _bytes(8, opset)


def _node(node: Node) -> bytes:
    return b"".join(
        [
            *(_bytes(1, name.encode()) for name in node.inputs),
            _bytes(2, node.output.encode()),
            _bytes(3, node.output.encode()),  # its own name
            _bytes(4, node.op.encode()),
            *(_bytes(5, _attribute(name, value)) for name, value in node.attributes.items()),
        ]
    )


def _attribute(name: str, value: Attribute) -> bytes:
    start = _bytes(1, name.encode())
    if isinstance(value, str):
        return start + _bytes(4, value.encode()) + _int(20, 3)
    if isinstance(value, float):
        return start + _key(2, 5) + struct.pack("<f", value) + _int(20, 1)
    if isinstance(value, int):
        return start + _int(3, value) + _int(20, 2)
    return start + b"".join(_int(8, one) for one in value) + _int(20, 7)


def _tensor(name: str, array: NDArray[np.generic]) -> bytes:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return b"".join(
        [
            *(_int(1, length) for length in array.shape),
            _int(2, DATA_TYPES[array.dtype.name]),
            _bytes(8, name.encode()),
            _bytes(9, little.tobytes()),
        ]
    )


def _value(name: str, shape: Iterable[int | str]) -> bytes:
    """A float32 input or output; without a shape, of any."""
    lengths = [
        _bytes(2, length.encode()) if isinstance(length, str) else _int(1, length)
        for length in shape
    ]
    dims = b"".join(_bytes(1, length) for length in lengths)
    tensor = _int(1, 1) + (_bytes(2, dims) if lengths else b"")
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _bytes(number: int, content: bytes) -> bytes:
    return _key(number, 2) + _varint(len(content)) + content


def _int(number: int, value: int) -> bytes:
    return _key(number, 0) + _varint(value % 2**64)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)
