"""Whatever runs a network gives its logits: folded, as ONNX, and from a file that says too much."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from coverslip.checkpoints import Checkpoint
from coverslip.errors import ModelError, SettingsError
from coverslip.inference import PredictSettings, runtime
from coverslip.inference.runtime import (
    TOLERANCE,
    NumpyArrays,
    OnnxNetwork,
    TorchArrays,
    check_onnx,
    choose_backend,
    fold_norms,
    make_forward,
    network_to_onnx,
    pack_onnx,
    run_onnx,
    unpack_onnx,
)
from coverslip.inference.runtime import threads as threads_module
from coverslip.models import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Batch norms that no convolution feeds alone: those of pre-activation, of joined features, of sums.
LEFT = {"resnet18_fpn": 10, "resnet18_unet_rp": 10, "tip_net_reconstruction": 18}


def seasoned(name: str) -> nn.Module:
    """A network whose batch norms have seen something, so that to leave one out would show."""
    torch.manual_seed(0)
    network = MODELS[name]().eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            nn.init.normal_(layer.running_mean, std=0.2)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            if layer.affine:
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.normal_(layer.bias, std=0.2)
    return network


def noise(network: nn.Module, n: int, rows: int, columns: int) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(n, 3, rows * network.stride, columns * network.stride)  # type: ignore[operator]


def count_norms(network: nn.Module) -> int:
    """Batch norms that are run."""
    if isinstance(network, torch.fx.GraphModule):
        called = [str(n.target) for n in network.graph.nodes if n.op == "call_module"]
        return sum(isinstance(network.get_submodule(c), nn.BatchNorm2d) for c in called)
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


# --- folding


@pytest.mark.parametrize("name", MODELS)
def test_a_folded_network_is_the_network(name: str) -> None:
    network = seasoned(name).double()  # in single precision they differ by rounding alone
    before = {key: value.clone() for key, value in network.state_dict().items()}
    images = noise(network, 2, 1, 2).double()
    with torch.inference_mode():
        folded = fold_norms(network)
        torch.testing.assert_close(folded(images), network(images), rtol=1e-9, atol=1e-9)
    assert count_norms(folded) == LEFT.get(name, 0)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


class Shared(nn.Module):
    """One convolution before two batch norms, and one whose features are used twice."""

    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norms[0](self.conv(x)) + self.norms[1](self.conv(x + 1))
        z = self.other(x)
        total: Tensor = y + z + self.norms[2](z)
        return total


def test_what_feeds_more_than_a_batch_norm_is_not_folded() -> None:
    torch.manual_seed(0)
    network = Shared().eval()
    for norm in network.norms:
        nn.init.uniform_(norm.running_var, 0.5, 2)  # type: ignore[arg-type]
    folded, images = fold_norms(network), torch.randn(1, 3, 4, 4)
    assert count_norms(folded) == 3
    torch.testing.assert_close(folded(images), network(images))


def test_a_network_that_cannot_be_traced_is_run_as_it_is() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            normed: Tensor = self.norm(x)
            return normed if x.mean() > 0 else x

    network = Branching().eval()
    assert fold_norms(network) is network


def test_a_checkpoint_opens_its_network_once() -> None:
    model = Checkpoint(network=seasoned("swift"), model="swift")
    how = PredictSettings(device="cpu", backend="torch")
    first = model.predictor(how)
    assert model.predictor(replace(how, tta="d4", tile_px=256)).forward is first.forward
    assert model.predictor(replace(how, tta="d4")).settings.tta == "d4"
    other = model.predictor(replace(how, device="auto"))
    assert other.forward is not first.forward
    assert replace(model, network=seasoned("swift")).opened == {}


def test_a_network_is_compiled_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda network: compiled.append(network) or network)
    network = seasoned("swift")
    images = noise(network, 1, 1, 1)
    settings, arrays = PredictSettings(backend="compiled"), TorchArrays(torch.device("cpu"))
    forward = make_forward(network, settings, arrays=arrays, channels=3)
    assert [count_norms(each) for each in compiled] == [0]
    torch.testing.assert_close(forward(images), network(images), rtol=1e-4, atol=1e-4)


# --- ONNX


@pytest.mark.parametrize("name", MODELS)
def test_onnx_gives_the_logits_of_the_network_at_any_size(name: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    network = seasoned(name)
    graph = network_to_onnx(network, channels=3)
    unpack_onnx(pack_onnx(graph, {}))  # nothing in it that is refused
    forward = run_onnx(graph, backend="onnxruntime", threads=1)
    assert check_onnx(network, forward, channels=3) <= TOLERANCE
    images = noise(network, 2, 2, 3)
    with torch.inference_mode():
        wanted = network(images).numpy()
    got = forward(images.numpy())
    assert got.dtype == np.float32
    assert np.abs(got - wanted).max() <= TOLERANCE * max(1.0, np.abs(wanted).max())


def test_two_threads_may_write_networks_at_once() -> None:
    """As where an image has no cells and the models that ship are tried on it, in each thread."""
    pytest.importorskip("onnx")
    networks = [seasoned("swift") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        graphs = list(pool.map(lambda one: network_to_onnx(one, channels=3), networks))
    assert all(len(graph) > 10_000 for graph in graphs)


def test_a_network_that_cannot_be_written_is_said() -> None:
    pytest.importorskip("onnx")

    class Odd(nn.Module):
        stride = 1

        def forward(self, x: Tensor) -> Tensor:
            return torch.special.bessel_j0(x)

    with pytest.raises(ModelError, match=r"cannot write this network as ONNX .*bessel_j0"):
        network_to_onnx(Odd().eval(), channels=3)


def test_the_check_of_an_export_finds_what_is_wrong() -> None:
    network = seasoned("swift")

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = network(torch.from_numpy(images)).numpy()
        return logits

    with torch.inference_mode():
        assert check_onnx(network, run, channels=3) == 0
        with pytest.raises(ModelError, match="differ by"):
            check_onnx(network, lambda images: 1.001 * run(images), channels=3)
        with pytest.raises(ModelError, match="differ by nan"):
            check_onnx(network, lambda images: np.nan * run(images), channels=3)
        with pytest.raises(ModelError, match=r"gives \(1, 1, 16, 47\)"):
            check_onnx(network, lambda images: run(images)[..., 1:], channels=3)


def test_openvino_gives_the_logits_of_the_network() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("openvino")
    network = seasoned("swift")
    settings = PredictSettings(backend="openvino")
    forward = make_forward(network, settings, arrays=NumpyArrays(), channels=3)
    first = forward(noise(network, 1, 2, 3).numpy())
    kept = first.copy()
    forward(noise(network, 1, 2, 3).numpy() + 1)
    np.testing.assert_array_equal(first, kept)  # its memory is not used again


# --- files of strangers


def onnx_of(nodes: list[object], *, domains: tuple[str, ...] = ("",), **graph: object) -> bytes:
    """A small file: ``image`` → ``logits`` by these nodes."""
    from onnx import TensorProto, helper

    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", k, "h", "w"])
        for name, k in (("image", 3), ("logits", 1))
    ]
    opsets = [helper.make_opsetid(domain, 17) for domain in domains]
    made = helper.make_graph(nodes, "g", ends[:1], ends[1:], **graph)
    contents: bytes = helper.make_model(made, opset_imports=opsets).SerializeToString()
    return contents


def test_text_and_graph_come_back_and_no_byte_may_change() -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx_of([onnx.helper.make_node("Relu", ["image"], ["logits"])])
    texts = {"card": '{"task": "Zellen, größer"}', "stride": "16"}
    contents = pack_onnx(graph, texts)
    assert unpack_onnx(contents).items() > texts.items()
    for altered in (
        contents.replace(b"Relu", b"Tanh"),
        contents.replace(b"16", b"32"),
        contents.replace(b"Zellen", b"Kellen"),
    ):
        assert altered != contents
        with pytest.raises(ModelError, match="do not match its checksum"):
            unpack_onnx(altered)


@pytest.mark.parametrize("contents", [b"", b"\x00", b"no onnx at all", b"\xff" * 100])
def test_what_is_no_onnx_is_refused(contents: bytes) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(ModelError, match=r"not readable as ONNX .* copy the file again"):
        unpack_onnx(contents)


def test_a_truncated_file_is_refused() -> None:
    pytest.importorskip("onnx")
    contents = pack_onnx(network_to_onnx(seasoned("swift"), channels=3), {})
    for share in (0.001, 0.5, 0.99):
        with pytest.raises(ModelError, match="copy the file again"):
            unpack_onnx(contents[: int(share * len(contents))])


def test_nothing_is_run_that_a_network_of_ours_does_not_have(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    node, tensor = onnx.helper.make_node, onnx.TensorProto
    with pytest.raises(ModelError, match="the operator Loop"):
        unpack_onnx(onnx_of([node("Loop", ["image"], ["logits"])]))
    with pytest.raises(ModelError, match="of another's making"):
        own = node("Relu", ["image"], ["logits"], domain="evil")
        unpack_onnx(onnx_of([own], domains=("", "evil")))
    outside = tensor(name="w", data_type=tensor.FLOAT, dims=[1], data_location=tensor.EXTERNAL)
    outside.external_data.add(key="location", value=str(tmp_path / "secret"))
    with pytest.raises(ModelError, match="part of it lies in another file"):
        add = node("Add", ["image", "w"], ["logits"])
        unpack_onnx(onnx_of([add], initializer=[outside]))
    with pytest.raises(ModelError, match="part of it lies in another file"):
        hidden = node("Constant", [], ["w"], value=outside)
        unpack_onnx(onnx_of([hidden, node("Add", ["image", "w"], ["logits"])]))


def test_a_network_that_gives_something_else_is_refused() -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    relu = onnx_of([onnx.helper.make_node("Relu", ["image"], ["logits"])])
    network = OnnxNetwork(relu, stride=4, channels=3)
    network.check(n_maps=3)
    with pytest.raises(ModelError, match=r"gives float32 \(1, 3, 4, 4\) for 4 x 4 px"):
        network.check(n_maps=1)
    with pytest.raises(ModelError, match="it does not run"):
        OnnxNetwork(relu, stride=4, channels=2).check(n_maps=2)
    with pytest.raises(ModelError, match="a stride of 100000 px"):
        OnnxNetwork(relu, stride=100_000, channels=3).check(n_maps=3)
    with pytest.raises(ModelError, match="ONNX Runtime cannot read"):
        OnnxNetwork(b"no onnx", stride=4, channels=3)


# --- which one


def test_onnx_runtime_is_taken_where_it_is_there_and_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swift, other = MODELS["swift"](), nn.Identity()  # a network of another's making

    def chosen(name: str = "auto", device: str = "cpu", network: nn.Module = swift) -> str:
        return choose_backend(name, network, device=device)

    monkeypatch.setattr(runtime.backends, "is_installed", lambda *packages: True)
    assert chosen() == "onnxruntime"
    assert chosen(network=other) == "torch"
    assert chosen(device="cuda") == "torch"
    assert [chosen(name) for name in ("torch", "compiled", "openvino")] == [
        "torch",
        "compiled",
        "openvino",
    ]
    with pytest.raises(SettingsError, match="onnxruntime runs on the CPU, and the device is mps"):
        chosen("onnxruntime", device="mps")
    there = {"torch", "onnxruntime"}
    monkeypatch.setattr(runtime.backends, "is_installed", lambda *names: there >= set(names))
    assert chosen() == "onnxruntime"  # whose graph is known
    unet = MODELS["unet"]()
    assert chosen(network=unet) == "torch"  # which must be converted, by the package onnx
    with pytest.raises(SettingsError, match=r"pip install '.\[onnx,openvino\]'"):
        chosen("openvino", network=unet)


# --- threads


def test_the_share_of_a_container_is_read(tmp_path: Path) -> None:
    def quota(**files: str) -> float | None:
        for path in tmp_path.iterdir():
            path.unlink()
        for name, text in files.items():
            (tmp_path / name.replace("_", ".", 1)).write_text(text)
        return threads_module.read_quota(tmp_path)

    assert quota() is None
    assert quota(cpu_max="max 100000\n") is None
    assert quota(cpu_max="250000 100000\n") == 2.5
    assert quota(cpu_cfs_quota_us="-1\n", cpu_cfs_period_us="100000\n") is None
    assert quota(cpu_cfs_quota_us="50000\n", cpu_cfs_period_us="100000\n") == 0.5
    assert quota(cpu_max="nonsense") is None


def test_pytorch_keeps_to_that_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[int] = []
    own = tmp_path / "own"
    inner = tmp_path / "pod" / "box"
    inner.mkdir(parents=True)
    own.write_text("0::/pod/box\n")
    monkeypatch.setattr(threads_module, "CGROUPS", tmp_path)
    monkeypatch.setattr(threads_module, "OWN_CGROUPS", own)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    monkeypatch.setattr(torch, "set_num_threads", wanted.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    runtime.respect_quota()
    assert wanted == []  # no limit
    (tmp_path / "pod" / "cpu.max").write_text("350000 100000")
    (inner / "cpu.max").write_text("800000 100000")
    runtime.respect_quota()
    assert wanted == [3]  # the narrower of the two, in whole cores
    monkeypatch.delenv("OMP_NUM_THREADS")  # which it set for what comes later
    (inner / "cpu.max").write_text("20000 100000")
    runtime.respect_quota()
    assert wanted == [3, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    runtime.respect_quota()
    assert wanted == [3, 1]  # who says a number gets it
