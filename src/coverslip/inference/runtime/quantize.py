"""a network in float32 + the ranges of its features → the same network in whole numbers of 8 bits.

Static quantisation (int8): weights are signed, one scale for each channel; features are unsigned,
one scale and zero for each tensor (Jacob et al., CVPR 2018). Weights take 7 of their 8 bits: a
processor without VNNI adds two products in 16 bits, and cuts off what is larger than 32767; so none
is (2 x 255 x 63), and every processor finds the same. Written as pairs of QuantizeLinear and
DequantizeLinear, which ONNX Runtime and OpenVINO turn into arithmetic in 8 bits. Features that were
signed would leave most convolutions of ONNX Runtime in float32.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import SettingsError
from coverslip.inference.runtime.encode import Node
from coverslip.inference.runtime.head import HALF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Range = tuple[float, float]

SAME = frozenset({"MaxPool", "Resize", "DepthToSpace"})  # which give values that they were given
MOST = 63  # of a weight, from -63 to 63
# in float32: a step of their 8 bits would be a step of 0.1 in the probabilities
LAST = frozenset({"logits", HALF})


def quantise(
    nodes: Sequence[Node], weights: Mapping[str, Any], ranges: Mapping[str, Range]
) -> tuple[tuple[Node, ...], dict[str, Any]]:
    """Write a network in 8 bits: each tensor goes through its 256 values.

    Args:
        nodes: of a graph without batch norms.
        weights: float32.
        ranges: of `wanted_ranges`.

    Returns:
        Nodes and weights of the quantised network.

    Raises:
        SettingsError: a range is missing.
    """
    missing = [name for name in wanted_ranges(nodes) if name not in ranges]
    if missing:
        raise SettingsError(
            f"precision int8: the ranges of this model's features are not known ({missing[0]}); "
            "use float32."
        )
    arrays: dict[str, Any] = {}
    made: list[Node] = []
    source = sources(nodes)
    for name in ["image", *(node.output for node in nodes)]:
        if source.get(name) in ranges and name in source:
            low, high = ranges[source[name]]
            scale, zero = scale_and_zero(low, high)
            arrays[f"{name}:scale"], arrays[f"{name}:zero"] = scale, zero
    made += _pair("image") if "image:scale" in arrays else []
    for node in nodes:
        inputs = tuple(f"{n}:q" if f"{n}:scale" in arrays else n for n in node.inputs)
        if node.op == "Conv" and f"{node.inputs[0]}:scale" in arrays:
            made += _weights_in_8_bits(node, weights, arrays)
            inputs = (inputs[0], *(f"{n}:q" for n in node.inputs[1:]))
            made = _undo_once(made, arrays) if node.output in LAST else made
        else:
            arrays.update({name: weights[name] for name in node.inputs if name in weights})
        made.append(replace(node, inputs=inputs))
        made += _pair(node.output) if f"{node.output}:scale" in arrays else []
    return tuple(made), arrays


def wanted_ranges(nodes: Sequence[Node]) -> list[str]:
    """The tensors whose ranges `quantise` asks for."""
    return sorted(set(sources(nodes).values()))


def sources(nodes: Sequence[Node]) -> dict[str, str]:
    """Each tensor that is written in 8 bits, and the one whose range it has.

    What goes into a rectifier is not: its answer is, so that the two are one step.
    """
    rectified = {node.inputs[0] for node in nodes if node.op == "Relu"}
    found = {"image": "image"}
    for node in nodes:
        if node.output in LAST or node.output in rectified:
            continue
        found[node.output] = found[node.inputs[0]] if node.op in SAME else node.output
    return found


def _pair(name: str) -> list[Node]:
    about = f"{name}:scale", f"{name}:zero"
    return [
        Node("QuantizeLinear", (name, *about), f"{name}:u8"),
        Node("DequantizeLinear", (f"{name}:u8", *about), f"{name}:q"),
    ]


def _weights_in_8_bits(
    node: Node, weights: Mapping[str, Any], arrays: dict[str, Any]
) -> list[Node]:
    """Put a convolution's weights into `arrays`, in 8 bits, and its bias in 32; what reads them."""
    name, bias = node.inputs[1:]
    whole, scales = quantise_weights(weights[name])
    step = arrays[f"{node.inputs[0]}:scale"] * scales  # of a product of a feature and a weight
    arrays[f"{name}:i8"], arrays[f"{name}:scale"] = whole, scales
    limits = np.iinfo(np.int32)
    rounded = np.rint(weights[bias].astype(np.float64) / step).clip(limits.min, limits.max)
    arrays[f"{bias}:i32"], arrays[f"{bias}:scale"] = rounded.astype(np.int32), step
    axis = {"axis": 0}
    return [
        Node("DequantizeLinear", (f"{name}:i8", f"{name}:scale"), f"{name}:q", axis),
        Node("DequantizeLinear", (f"{bias}:i32", f"{bias}:scale"), f"{bias}:q", axis),
    ]


def _undo_once(made: Sequence[Node], arrays: dict[str, Any]) -> list[Node]:
    """Put the weights of a convolution in float32 among the arrays, the same numbers as ever.

    A runtime lays them out for its fastest code where they are there before the first image.
    """
    *rest, weight, bias = made
    for node in (weight, bias):
        whole, scale = (arrays.pop(name) for name in node.inputs)
        each = scale.reshape(-1, *[1] * (whole.ndim - 1))
        arrays[node.output] = whole.astype(np.float32) * each
    return rest


def quantise_weights(kernel: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights (K, ...) as int8 from -63 to 63, and the scale of each output channel.

    Example:
        >>> import numpy as np
        >>> from coverslip.inference.runtime.quantize import quantise_weights
        >>> whole, scales = quantise_weights(np.array([[1.0, -3.0], [0.0, 0.0]], np.float32))
        >>> whole.tolist(), (whole[0] * scales[0]).round(2).tolist()
        ([[21, -63], [0, 0]], [1.0, -3.0])
    """
    flat = np.abs(kernel.reshape(len(kernel), -1)).max(axis=1)
    scales = np.where(flat > 0, flat / MOST, 1.0).astype(np.float32)
    each = scales.reshape(-1, *[1] * (kernel.ndim - 1))
    return np.rint(kernel / each).clip(-MOST, MOST).astype(np.int8), scales


def scale_and_zero(low: float, high: float) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The step between two of the 256 values, and which of them is 0: it must be one exactly.

    Example:
        >>> from coverslip.inference.runtime.quantize import scale_and_zero
        >>> scale, zero = scale_and_zero(-1.0, 4.1)
        >>> round(float(scale), 3), int(zero)
        (0.02, 50)
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255 or 1.0
    return np.array(scale, dtype=np.float32), np.array(round(-low / scale), dtype=np.uint8)
