"""A network by its graph and weights, without PyTorch, is the network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from coverslip.checkpoints import Checkpoint, build_network
from coverslip.errors import ModelError
from coverslip.inference.runtime import (
    GraphNetwork,
    Node,
    encode_model,
    module_to_graph,
    read_graph,
    run_onnx,
)
from coverslip.inference.runtime.graph import fold
from coverslip.inference.runtime.head import halve_head

SCRIPT = Path(__file__).parents[1] / "scripts" / "write_graphs.py"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("write_graphs", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seasoned(**arguments: Any) -> Any:
    """A network whose batch norms have seen something."""
    torch.manual_seed(0)
    network = build_network("swift", arguments).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            torch.nn.init.uniform_(tensor, 0.5, 2)
        if name.endswith(("running_mean", "bias")):
            torch.nn.init.normal_(tensor, std=0.2)
    return network


def test_the_graphs_that_ship_are_those_of_the_networks() -> None:
    pytest.importorskip("onnx")
    made = script()
    for name in made.ARGUMENTS:
        assert made.graph_text(name) == (made.FOLDER / f"{name}.json").read_text()
    assert {path.stem for path in made.FOLDER.iterdir()} == set(made.ARGUMENTS)


@pytest.mark.parametrize(
    "arguments", [{}, {"out_channels": 2}, {"in_channels": 1, "shuffled": 4, "fine": 6}]
)
def test_a_graph_with_its_weights_is_the_network(arguments: dict[str, Any]) -> None:
    network = seasoned(**arguments)
    graph = module_to_graph(network)
    assert graph is not None
    n = arguments.get("in_channels", 3)
    images = np.random.default_rng(0).standard_normal((2, n, 32, 48), dtype=np.float32)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(images)).numpy()
    got = run_onnx(graph.to_onnx(), backend="onnxruntime", threads=1)(images)
    np.testing.assert_allclose(got, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))
    assert graph.channels == (n, arguments.get("out_channels", 1))


def test_a_network_of_other_steps_has_no_graph() -> None:
    assert module_to_graph(build_network("swift", {"widths": [32, 16]})) is None
    assert module_to_graph(build_network("unet", {})) is None
    assert read_graph("../swift") is None and read_graph("x" * 5000) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("head.bias"), "head.bias"),
        (lambda w: w.update(more=np.ones(1)), "more"),
        (lambda w: w.update({"head.bias": np.ones(3, np.float32)}), r"head.bias is \(3,\)"),
        (lambda w: w.update({"encoder.layer3.0.conv1.weight": np.ones((256, 9, 3, 3))}), "wanted"),
        (lambda w: w.update({"encoder.layer2.0.conv2.weight": np.ones(1)}), "do not fit"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: Any, said: str) -> None:
    known = module_to_graph(seasoned())
    assert known is not None
    weights = dict(known.weights)
    change(weights)
    with pytest.raises(ModelError, match=said):
        GraphNetwork(known.graph, weights)


def test_a_checkpoint_builds_its_network_when_it_is_asked_for() -> None:
    network = seasoned(out_channels=2)
    graph = module_to_graph(network)
    model = Checkpoint(graph, "swift", {"out_channels": 2})  # type: ignore[arg-type]
    assert model.network is model.network
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, model.network.state_dict()[name])


def test_what_is_encoded_is_onnx() -> None:
    onnx = pytest.importorskip("onnx")
    nodes = [
        Node("Conv", ("image", "w"), "a", {"pads": [1, 1, 1, 1], "group": 1}),
        Node("LeakyRelu", ("a",), "b", {"alpha": -0.5}),
        Node("Resize", ("b", "", "s"), "logits", {"mode": "nearest"}),
    ]
    weights = {
        "w": np.arange(300 * 9, dtype=np.float32).reshape(300, 1, 3, 3),
        "s": np.array([1, 1, 2, 2], np.float32),
    }
    model = onnx.load_model_from_string(encode_model(nodes, weights, channels=(1, 300)))
    onnx.checker.check_model(model)
    assert [list(node.input) for node in model.graph.node] == [[*n.inputs] for n in nodes]
    alpha, pads = model.graph.node[1].attribute[0].f, model.graph.node[0].attribute[0].ints
    assert alpha == -0.5 and list(pads) == [1, 1, 1, 1]
    for tensor in model.graph.initializer:
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), weights[tensor.name])


def test_a_last_convolution_at_half_resolution_gives_the_same_logits() -> None:
    graph = module_to_graph(seasoned(out_channels=2))
    assert graph is not None
    folded, weights = fold(graph.graph.nodes, {**graph.graph.constants, **graph.weights})
    halved, fewer = halve_head(folded, weights, stride=graph.stride)
    assert [node.op for node in halved[-2:]] == ["Conv", "DepthToSpace"]
    images = np.random.default_rng(0).standard_normal((2, 3, 32, 48), dtype=np.float32)
    wanted, got = (
        run_onnx(
            encode_model(nodes, arrays, channels=graph.channels), backend="onnxruntime", threads=1
        )(images)
        for nodes, arrays in ((folded, weights), (halved, fewer))
    )
    np.testing.assert_allclose(got, wanted, atol=1e-5 * np.abs(wanted).max())


def test_a_last_convolution_of_another_kind_stays_as_it_is() -> None:
    plain = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}
    kernel = np.ones((1, 2, 3, 3), np.float32)
    for changed, weights, stride in (
        ({"pads": [0, 0, 0, 0]}, kernel, 16),
        ({"kernel_shape": [1, 1], "pads": [0, 0, 0, 0]}, kernel[..., :1, :1], 16),
        ({"dilations": [2, 2]}, kernel, 16),
        ({}, np.repeat(kernel, 5, axis=0), 16),  # more maps than pay
        ({}, kernel, 1),  # an image of odd sides
    ):
        nodes = (Node("Conv", ("image", "w"), "logits", {**plain, **changed}),)
        assert halve_head(nodes, {"w": weights}, stride=stride)[0] == nodes
    nodes = (Node("Conv", ("image", "w"), "logits", plain),)
    assert len(halve_head(nodes, {"w": kernel}, stride=16)[0]) == 2
