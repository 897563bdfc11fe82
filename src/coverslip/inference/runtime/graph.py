"""a network's graph + its weights → what any runtime of ONNX runs, without PyTorch.

The graph of a network (which convolution follows which) ships as a small text, made of the network
in PyTorch by ``scripts/write_graphs.py``. Its weights lie in the checkpoint alone, so they are kept
once, and a model that someone has trained runs without PyTorch as those that ship do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import ModelError
from coverslip.inference.runtime.encode import Node, encode_model
from coverslip.inference.runtime.head import halve_head
from coverslip.inference.runtime.quantize import quantise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from coverslip.inference.runtime.quantize import Range

    Weights = Mapping[str, NDArray[np.generic]]

UNUSED = "num_batches_tracked"  # PyTorch's batch norms count in training


@dataclass(frozen=True)
class Graph:
    """What a network does with an image, but for its weights.

    Attributes:
        nodes: its steps, in order; each makes one tensor.
        constants: what the steps need beside weights, such as the factors of an enlargement.
        stride: height and width of an image must be multiples of it.
        arguments: those of the network's constructor that change weights and no step.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[np.generic]]
    stride: int
    arguments: frozenset[str]

    @property
    def weights(self) -> set[str]:
        """The names of the weights that it wants."""
        made = {"image", "", *self.constants, *(node.output for node in self.nodes)}
        return {name for node in self.nodes for name in node.inputs} - made


@cache
def read_graph(network: str) -> Graph | None:
    """The graph of a network of MODELS; None for one that only PyTorch can run.

    Example:
        >>> from coverslip.inference.runtime import read_graph
        >>> read_graph("swift").stride, read_graph("ddanet")
        (16, None)
    """
    known = {path.name: path for path in (files("coverslip.models") / "graphs").iterdir()}
    if f"{network}.json" not in known:  # compared, since a stranger's file says the name
        return None
    text = json.loads(known[f"{network}.json"].read_text(encoding="utf-8"))
    return Graph(
        nodes=tuple(
            Node(one["op"], tuple(one["inputs"]), one["output"], one.get("attributes", {}))
            for one in text["nodes"]
        ),
        constants={k: np.array(v, dtype=np.float32) for k, v in text["constants"].items()},
        stride=text["stride"],
        arguments=frozenset(text["arguments"]),
    )


@dataclass(frozen=True)
class GraphNetwork:
    """A network that runs without PyTorch: its graph, its weights, and how large its features get.

    Attributes:
        graph: of `read_graph`.
        weights: float32, by their names in PyTorch.
        ranges: the smallest and largest value of each tensor, on images like those it learnt from;
            without them it runs in float32 alone.

    Raises:
        ModelError: the weights are not those of the graph.
    """

    graph: Graph
    weights: Weights = field(repr=False)
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse weights that do not go with the graph, before any image is read."""
        object.__setattr__(self, "channels", check_weights(self.graph, self.weights))

    channels: tuple[int, int] = field(init=False)  # of the image, and of the logits

    @property
    def stride(self) -> int:
        """Height and width must be multiples of it."""
        return self.graph.stride

    @property
    def has_int8(self) -> bool:
        """Whether it can run in whole numbers of 8 bits."""
        return bool(self.ranges)

    def to_onnx(self, precision: str = "float32") -> bytes:
        """Write it as ONNX, in "float32" or "int8".

        Raises:
            SettingsError: int8 of a network whose ranges are not known.
        """
        nodes, weights = fold(self.graph.nodes, {**self.graph.constants, **self.weights})
        nodes, weights = halve_head(nodes, weights, stride=self.stride)
        if precision == "int8":
            nodes, weights = quantise(nodes, weights, self.ranges)
        return encode_model(nodes, weights, channels=self.channels)


def module_to_graph(network: Any) -> GraphNetwork | None:
    """A network of PyTorch by its graph, as its weights are now; None where its graph is not known.

    The weights are the network's own memory, not a copy, on the CPU.
    """
    room, _, name = type(network).__module__.rpartition(".")
    graph = read_graph(name) if room == "coverslip.models" else None
    if graph is None:
        return None
    tensors = network.state_dict().items()
    weights = {name: tensor.detach().cpu().float().numpy() for name, tensor in tensors}
    try:
        return GraphNetwork(graph, weights)
    except ModelError:  # built with other steps than the graph has
        return None


def check_weights(graph: Graph, weights: Weights) -> tuple[int, int]:
    """Follow the number of channels through a graph, and see that each weight fits.

    Returns:
        The channels of the image, and those of the logits.

    Raises:
        ModelError: a weight is missing, is more than is wanted, or has another shape.
    """
    names = {name for name in weights if not name.endswith(UNUSED)}
    if names != graph.weights:
        odd = sorted(names ^ graph.weights)
        raise ModelError(f"its weights do not fit the network ({', '.join(odd)[:200]})")
    channels: dict[str, int] = {}
    for node in graph.nodes:
        first = node.inputs[0]
        if first == "image" and first not in channels and node.op == "Conv":
            channels["image"] = weights[node.inputs[1]].shape[1]
        channels[node.output] = _channels_of(node, channels, weights)
    return channels["image"], channels["logits"]


def _channels_of(node: Node, channels: Mapping[str, int], weights: Weights) -> int:
    """The channels that a step gives, of those that it takes.

    Raises:
        ModelError: its weights are for another number.
    """
    taken = [channels[name] for name in node.inputs if name in channels]
    arrays = [weights[name] for name in node.inputs if name in weights]
    given = taken[0]
    if node.op == "Concat":
        given = sum(taken)
    if node.op == "DepthToSpace":
        given = taken[0] // int(node.attributes["blocksize"]) ** 2  # type: ignore[arg-type]
    shapes: list[tuple[int, ...]] = [(given,)] * len(arrays)
    if node.op == "Conv":
        given = arrays[0].shape[0] if arrays[0].ndim else 0
        kernel: Any = node.attributes["kernel_shape"]
        shapes = [(given, taken[0], *kernel), *[(given,)] * (len(arrays) - 1)]
    wanted = dict(zip([name for name in node.inputs if name in weights], shapes, strict=True))
    for name, shape in wanted.items():
        if weights[name].shape != shape or 0 in shape:
            raise ModelError(
                f"its weights do not fit the network ({name[:100]} is {weights[name].shape}, "
                f"wanted {shape})"
            )
    if len(set(taken)) > 1 and node.op == "Add":
        raise ModelError(f"its weights do not fit the network ({node.output} adds {taken})")
    return given


def fold(nodes: tuple[Node, ...], weights: Weights) -> tuple[tuple[Node, ...], dict[str, Any]]:
    """Put each batch norm into the convolution before it: the same answer but for rounding."""
    made = {node.output: node for node in nodes}
    uses = [name for node in nodes for name in node.inputs]
    folded: dict[str, Node] = {}  # by the output of the convolution
    kept = dict(weights)
    for norm in nodes:
        conv = made.get(norm.inputs[0])
        if norm.op != "BatchNormalization" or conv is None or uses.count(conv.output) > 1:
            continue
        folded[conv.output] = _fold_one(conv, norm, kept)
    gone = {id(made[name]) for name in folded}
    result = tuple(
        folded.get(node.inputs[0], node) if node.op == "BatchNormalization" else node
        for node in nodes
        if id(node) not in gone
    )
    wanted = {name for node in result for name in node.inputs}
    return result, {name: array for name, array in kept.items() if name in wanted}


def _fold_one(conv: Node, norm: Node, weights: dict[str, Any]) -> Node:
    """The convolution with a batch norm in it; its weights are put beside the others."""
    scale, shift, mean, variance = (weights[name].astype(np.float64) for name in norm.inputs[1:])
    factor = scale / np.sqrt(variance + norm.attributes["epsilon"])
    kernel = weights[conv.inputs[1]]
    bias = weights[conv.inputs[2]] if len(conv.inputs) > 2 else 0.0
    names = f"{norm.output}.weight", f"{norm.output}.bias"
    each = factor.reshape(-1, *[1] * (kernel.ndim - 1))
    weights[names[0]] = (kernel * each).astype(np.float32)
    weights[names[1]] = (shift + (bias - mean) * factor).astype(np.float32)
    return replace(conv, inputs=(conv.inputs[0], *names), output=norm.output)
