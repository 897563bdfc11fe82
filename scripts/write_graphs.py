"""a network in PyTorch → its graph as text, by which it runs without PyTorch.

    .venv/bin/python scripts/write_graphs.py

writes ``src/coverslip/models/graphs/NAME.json`` for each network of `ARGUMENTS`; to be run when one
of them changes (tests/test_inference_graph.py compares). A network belongs here when its steps do
not depend on its arguments, but for the sizes of its weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

import coverslip
from coverslip.inference.runtime import network_to_onnx
from coverslip.models import MODELS

FOLDER = Path(coverslip.__file__).parent / "models" / "graphs"
IDLE = ("cubic_coeff_a", "momentum", "training_mode")  # attributes that say nothing here
# The networks, and their arguments that change no step.
ARGUMENTS = {"swift": ("in_channels", "out_channels", "shuffled", "fine")}


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name in ARGUMENTS:
        (FOLDER / f"{name}.json").write_text(graph_text(name), encoding="utf-8")


def graph_text(name: str) -> str:
    """The graph of a network, a step on each line."""
    network = MODELS[name]().eval()
    for k, tensor in enumerate(network.state_dict().values()):
        torch.nn.init.constant_(tensor, 1 + k)  # no two alike, else the export would merge them
    graph = onnx.load_model_from_string(network_to_onnx(network, channels=3, plain=True)).graph
    about = {"stride": network.stride, "arguments": ARGUMENTS[name]}
    constants, nodes = plain_nodes(graph)
    lines = ",\n  ".join(json.dumps(node) for node in nodes)
    start = json.dumps({**about, "constants": constants}, indent=1)
    return f'{start[:-2]},\n "nodes": [\n  {lines}\n ]\n}}\n'


def plain_nodes(graph: Any) -> tuple[dict[str, list[float]], list[dict[str, Any]]]:
    """The constants of a graph, joined where the export did not, and its steps."""
    values: dict[str, Any] = {}
    constants: dict[str, list[float]] = {}
    nodes = []
    names = {one.name: one.name for one in graph.input} | {"": "", "logits": "logits"}
    names |= {one.name: one.name for one in graph.initializer}
    for node in graph.node:
        output = node.output[0]
        if node.op_type == "Constant":
            values[output] = onnx.numpy_helper.to_array(node.attribute[0].t)
            continue
        if all(name in values for name in node.input):  # a list of numbers, put together
            values[output] = np.concatenate([values[name] for name in node.input])
            continue
        for name in node.input:
            if name in values and name not in names:
                names[name] = f"constant_{len(constants)}"
                constants[names[name]] = values[name].tolist()
        names.setdefault(output, name_of(node, names))
        nodes.append(
            {
                "op": node.op_type,
                "inputs": [names[name] for name in node.input],
                "output": names[output],
                "attributes": {
                    one.name: value_of(one) for one in node.attribute if one.name not in IDLE
                },
            }
        )
    return constants, nodes


def name_of(node: Any, names: dict[str, str]) -> str:
    """What a step makes: by its weights, or by what it is made of; ranges are kept by this name."""
    inputs = [names[name] for name in node.input]
    if len(inputs) > 1 and inputs[1].endswith(".weight"):
        return inputs[1].removesuffix(".weight")
    name = f"{inputs[0]}.{node.op_type.lower()}"
    return name if name not in names.values() else f"{name}.{len(names)}"


def value_of(attribute: Any) -> Any:
    """An attribute as JSON can hold it."""
    value = onnx.helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()
