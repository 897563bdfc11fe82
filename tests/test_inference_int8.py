"""A network in whole numbers of 8 bits says what it says in float32, but for a little."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread

import coverslip
from coverslip.errors import ModelError, SettingsError
from coverslip.inference import PredictSettings
from coverslip.inference.runtime import (
    GraphNetwork,
    Node,
    choose_precision,
    encode_model,
    measure_ranges,
    open_session,
    read_graph,
    run_onnx,
)
from coverslip.inference.runtime.quantize import quantise, scale_and_zero, wanted_ranges
from coverslip.preprocessing import normalise

EXAMPLES = Path(__file__).parents[1] / "examples" / "nuclei"


@pytest.fixture(scope="module")
def model() -> coverslip.Checkpoint:
    """The model for nuclei, with ranges that were measured on an example."""
    loaded = coverslip.load_model("nuclei")
    assert isinstance(loaded, coverslip.Checkpoint)
    graph = loaded.runnable("onnxruntime")
    assert isinstance(graph, GraphNetwork)
    tiles = []
    for name in ("fluorescence_culture.png", "stained_smear.png", "fluorescence_small.png"):
        image = coverslip.prepare_image(imread(EXAMPLES / name), loaded)[:256, :256]
        height, width = (length // 16 * 16 for length in image.shape[:2])
        tiles.append(normalise(image[:height, :width], loaded.preprocess))
    return replace(loaded, ranges=measure_ranges(graph, tiles))


def test_int8_finds_the_same_cells(model: coverslip.Checkpoint) -> None:
    image = imread(EXAMPLES / "fluorescence_culture.png")
    found = {}
    for precision in ("float32", "int8"):
        predict = PredictSettings(device="cpu", precision=precision)
        settings = coverslip.SegmentSettings(scale=1.0, predict=predict)
        found[precision] = coverslip.segment(image, model, settings=settings)
        assert model.settle(predict).precision == precision
    wanted, got = found["float32"], found["int8"]
    n_cells = int(wanted.labels.max())
    assert n_cells > 100
    assert abs(int(got.labels.max()) - n_cells) <= 0.02 * n_cells
    differences = np.abs(got.probs - wanted.probs)
    assert 0 < differences.mean() < 0.01  # and they are not the same numbers
    assert ((got.labels > 0) != (wanted.labels > 0)).mean() < 0.01


def test_every_convolution_but_the_last_is_done_in_8_bits(
    model: coverslip.Checkpoint, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    import onnxruntime

    graph = model.runnable("onnxruntime")
    assert isinstance(graph, GraphNetwork) and graph.has_int8
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(graph.to_onnx("int8"), options)
    done = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    n_convolutions = sum(node.op == "Conv" for node in graph.graph.nodes)
    assert done.count("QLinearConv") >= n_convolutions - 1
    assert len(graph.to_onnx("int8")) < 0.3 * len(graph.to_onnx())


def test_ranges_are_the_smallest_and_largest_values() -> None:
    known = read_graph("swift")
    assert known is not None
    nodes = (
        Node("Conv", ("image", "w", "b"), "a", {"kernel_shape": [1, 1]}),
        Node("Relu", ("a",), "r"),
        Node("Conv", ("r", "v", "c"), "logits", {"kernel_shape": [1, 1]}),
    )
    weights = {
        "w": np.array([[[[2.0]]]], np.float32),
        "b": np.array([1.0], np.float32),
        "v": np.array([[[[1.0]]]], np.float32),
        "c": np.array([0.5], np.float32),
    }
    network = GraphNetwork(replace(known, nodes=nodes, constants={}), weights)
    images = [np.array([[[0.0, 1.0]]], np.float32), np.array([[[-3.0, 0.5]]], np.float32)]
    ranges = measure_ranges(network, images)
    assert ranges == {"image": (-3.0, 1.0), "r": (0.0, 3.0)} and wanted_ranges(nodes) == [*ranges]
    with pytest.raises(SettingsError, match="ranges of this model's features are not known"):
        quantise(nodes, weights, {})
    made, arrays = quantise(nodes, weights, ranges)
    model = encode_model(made, arrays, channels=(1, 1))
    got = run_onnx(model, backend="onnxruntime", threads=1)(images[0][None])
    np.testing.assert_allclose(got.ravel(), [1.5, 3.5], atol=0.05)  # relu(2 x + 1) + 0.5
    assert open_session(model, threads=1).get_outputs()[0].name == "logits"


def test_zero_is_one_of_the_values() -> None:
    for low, high in ((-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)):
        scale, zero = scale_and_zero(low, high)
        assert 0 <= int(zero) <= 255 and scale > 0
        assert (0 - int(zero)) * scale <= min(low, 0) + scale
        assert (255 - int(zero)) * scale >= max(high, 0) - scale


def test_what_auto_comes_to(model: coverslip.Checkpoint) -> None:
    ready = model.runnable("onnxruntime")
    bare = replace(ready, ranges={})  # type: ignore[type-var]

    def chosen(name: str, network: object, backend: str = "onnxruntime") -> str:
        return choose_precision(name, network, backend=backend, device="cpu")  # type: ignore[arg-type]

    assert chosen("auto", ready) == "int8"
    assert chosen("auto", bare) == "float32" and chosen("auto", ready, "torch") == "float32"
    assert chosen("int8", ready) == "int8" and chosen("float32", ready) == "float32"
    with pytest.raises(SettingsError, match="this model has no ranges for it"):
        chosen("int8", bare)
    with pytest.raises(SettingsError, match="not by the backend torch"):
        chosen("int8", ready, "torch")


def test_no_sum_of_two_products_is_cut_off() -> None:
    """A processor without VNNI adds two products of a feature and a weight in 16 bits."""
    n = 64
    nodes = (
        Node("Conv", ("image", "w", "b"), "a", {"kernel_shape": [1, 1]}),
        Node("Relu", ("a",), "r"),
        Node("Conv", ("r", "v", "c"), "logits", {"kernel_shape": [1, 1]}),
    )
    weights = {
        "w": np.ones((n, n, 1, 1), np.float32),
        "b": np.zeros(n, np.float32),
        "v": np.full((1, n, 1, 1), 1 / n, np.float32),
        "c": np.zeros(1, np.float32),
    }
    made, arrays = quantise(nodes, weights, {"image": (0.0, 1.0), "r": (0.0, float(n))})
    run = run_onnx(encode_model(made, arrays, channels=(n, 1)), backend="onnxruntime", threads=1)
    got = run(np.ones((1, n, 4, 4), np.float32))  # every feature and weight at its largest
    np.testing.assert_allclose(got, n, rtol=0.01)


def test_ranges_are_kept_in_the_file(model: coverslip.Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    coverslip.save_checkpoint(path, model, half=True)
    again = coverslip.load_checkpoint(path)
    assert again.ranges == model.ranges and again.runnable("onnxruntime").has_int8  # type: ignore[union-attr]
    wrong = replace(model, ranges={"image": (2.0, 1.0)})
    coverslip.save_checkpoint(path, wrong)
    with pytest.raises(ModelError, match="its ranges make no sense"):
        coverslip.load_checkpoint(path)
