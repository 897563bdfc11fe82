"""a network's last convolution at full resolution → the same at half, four pixels at once.

A convolution to one or two maps costs a runtime more in moving its windows about than in sums.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.inference.runtime.encode import Node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

HALF = "logits:half"
MAX_MAPS = 4  # of more, what is saved is less than what the zeros cost


def halve_head(
    nodes: Sequence[Node], weights: Mapping[str, Any], *, stride: int
) -> tuple[tuple[Node, ...], dict[str, Any]]:
    """Let a last convolution of 3 x 3 give four pixels at once: the same sums but for their order.

    Args:
        nodes: of a network.
        weights: by their names.
        stride: height and width of an image are multiples of it; it must be even.

    Returns:
        Nodes and weights; those that were given, where the last step is of another kind.
    """
    *rest, last = nodes
    if not is_narrow(last, weights) or stride % 2:
        return tuple(nodes), dict(weights)
    kept = dict(weights)
    names = tuple(f"{name}:half" for name in last.inputs[1:])
    kept[names[0]] = spread_kernel(weights[last.inputs[1]])
    for name, bias in zip(names[1:], last.inputs[2:], strict=True):
        kept[name] = np.tile(weights[bias], 4)
    wider = {**last.attributes, "kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    conv = replace(last, inputs=(last.inputs[0], *names), output=HALF, attributes=wider)
    turned = Node("DepthToSpace", (HALF,), last.output, {"blocksize": 2, "mode": "DCR"})
    used = {name for node in (*rest, conv) for name in node.inputs}
    return (*rest, conv, turned), {name: kept[name] for name in kept if name in used}


def is_narrow(node: Node, weights: Mapping[str, Any]) -> bool:
    """Whether it is a plain convolution of 3 x 3 to a few maps."""
    if node.op != "Conv" or any(name not in weights for name in node.inputs[1:]):
        return False
    wanted: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}
    wanted |= {"dilations": [1, 1], "group": 1}
    plain = all(node.attributes.get(name, value) == value for name, value in wanted.items())
    return plain and "pads" in node.attributes and len(weights[node.inputs[1]]) <= MAX_MAPS


def spread_kernel(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """A kernel (K, C, 3, 3) as (4 K, C, 4, 4), for the four pixels of a square of two by two.

    Example:
        >>> import numpy as np
        >>> from coverslip.inference.runtime.head import spread_kernel
        >>> kernel = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)
        >>> spread_kernel(kernel)[3, 0].astype(int).tolist()  # of the pixel at the lower right
        [[0, 0, 0, 0], [0, 1, 2, 3], [0, 4, 5, 6], [0, 7, 8, 9]]
    """
    n_maps, n_channels = kernel.shape[:2]
    spread = np.zeros((2, 2, n_maps, n_channels, 4, 4), dtype=kernel.dtype)
    for down in (0, 1):
        for right in (0, 1):
            spread[down, right, :, :, down : down + 3, right : right + 3] = kernel
    return spread.reshape(4 * n_maps, n_channels, 4, 4)
