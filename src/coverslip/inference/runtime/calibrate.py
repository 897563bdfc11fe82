"""a network + images like those it learnt from → the range of each of its features, for int8.

Calibration for static quantisation, by the smallest and the largest value (MinMax).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coverslip.inference.runtime.encode import encode_model
from coverslip.inference.runtime.graph import fold
from coverslip.inference.runtime.onnx import open_session
from coverslip.inference.runtime.quantize import wanted_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from coverslip.inference.runtime.graph import GraphNetwork


def measure_ranges(
    network: GraphNetwork, images: Iterable[NDArray[np.float32]], *, threads: int = 1
) -> dict[str, tuple[float, float]]:
    """Run a network over images and keep the smallest and largest value of each of its tensors.

    Args:
        network: in float32.
        images: (C, H, W), prepared as in training, H and W multiples of its stride; some tens of
            them, none of those that it is scored on.
        threads: of the CPU.

    Returns:
        (smallest, largest) by the name of the tensor, as `GraphNetwork.ranges` are.
    """
    nodes, weights = fold(network.graph.nodes, {**network.graph.constants, **network.weights})
    names = [name for name in wanted_ranges(nodes) if name != "image"]
    model = encode_model(nodes, weights, channels=network.channels, outputs=names)
    session = open_session(model, threads=threads)
    found: dict[str, tuple[float, float]] = {}
    for image in images:
        features = session.run(names, {"image": image[None]})
        for name, values in zip(["image", *names], [image, *features], strict=True):
            low, high = found.get(name, (np.inf, -np.inf))
            found[name] = min(low, float(values.min())), max(high, float(values.max()))
    return found
