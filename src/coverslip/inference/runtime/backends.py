"""network + what was asked for → the backend that runs it, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from coverslip._optional import is_installed, need
from coverslip.errors import ModelError, SettingsError
from coverslip.inference.runtime.graph import GraphNetwork, module_to_graph
from coverslip.inference.runtime.onnx import check_onnx, network_to_onnx, run_onnx
from coverslip.inference.runtime.threads import count_threads

if TYPE_CHECKING:
    from torch import nn

    from coverslip.inference.runtime.arrays import Arrays
    from coverslip.inference.runtime.onnx import Forward
    from coverslip.inference.settings import PredictSettings

BACKENDS = ("auto", "torch", "compiled", "onnxruntime", "openvino")
IN_TORCH = ("torch", "compiled")
PRECISIONS = ("auto", "float32", "int8")
MOST_STRIDE, MOST_CHANNELS = 256, 64  # of a file's own word; ours have 32 and 3


class OnnxNetwork:
    """A network that is there as ONNX alone, without weights that PyTorch could train.

    Args:
        graph: as `network_to_onnx` or `GraphNetwork.to_onnx` writes it.
        stride: height and width must be multiples of it.
        channels: of the image.
        precision: in which numbers it computes, "float32" or "int8".

    Raises:
        ModelError: ONNX Runtime cannot read the graph.
    """

    def __init__(
        self, graph: bytes, *, stride: int, channels: int, precision: str = "float32"
    ) -> None:
        self.graph = graph
        self.precision = precision
        self.stride = stride
        self.channels = channels
        self.threads = count_threads()
        self.run = run_onnx(graph, backend="onnxruntime", threads=self.threads)

    def check(self, *, n_maps: int) -> None:
        """Try it on a small image.

        Raises:
            ModelError: it gives something else than logits of `n_maps` maps of the image's size.
        """
        side = self.stride
        if not 1 <= side <= MOST_STRIDE or not 1 <= self.channels <= MOST_CHANNELS:
            raise ModelError(f"a stride of {side} px and {self.channels} channels: it is damaged.")
        try:
            logits = self.run(np.zeros((1, self.channels, side, side), dtype=np.float32))
        except RuntimeError as error:
            raise ModelError(f"it does not run ({error}).") from error
        if logits.shape != (1, n_maps, side, side) or logits.dtype != np.float32:
            raise ModelError(
                f"it gives {logits.dtype} {tuple(logits.shape)} for {side} x {side} px; "
                f"wanted float32 logits of {n_maps} maps."
            )


# PyTorch's, one by its graph and weights, or one that is there as ONNX alone.
Network: TypeAlias = "nn.Module | GraphNetwork | OnnxNetwork"


def make_forward(
    network: Network, settings: PredictSettings, *, arrays: Arrays, channels: int
) -> Forward:
    """Make what runs a network, in the way that is asked for.

    Folding takes milliseconds, and so does ONNX by a network's graph; the conversion of another
    network by PyTorch, with its check, 0.1 to 1 s.

    Args:
        network: PyTorch's is put on the device and into evaluation mode.
        settings: their backend and precision, neither of them "auto".
        arrays: what will be given.
        channels: of the image.

    Raises:
        SettingsError: a package that is not installed.
        ModelError: what the runtime makes of the network differs from the network.

    Example:
        >>> import torch
        >>> from coverslip.inference import PredictSettings
        >>> from coverslip.inference.runtime import TorchArrays, make_forward
        >>> from coverslip.models import UNet
        >>> settings = PredictSettings(backend="torch")
        >>> arrays = TorchArrays(torch.device("cpu"))
        >>> forward = make_forward(UNet(), settings, arrays=arrays, channels=3)
        >>> with torch.inference_mode():
        ...     print(tuple(forward(torch.zeros(1, 3, 16, 32)).shape))
        (1, 1, 16, 32)
    """
    backend, threads = settings.backend, count_threads()
    if isinstance(network, OnnxNetwork):
        if backend == "onnxruntime" and threads == network.threads:
            return network.run
        return run_onnx(network.graph, backend=backend, threads=threads)
    if isinstance(network, GraphNetwork):
        return run_onnx(network.to_onnx(settings.precision), backend=backend, threads=threads)
    network.to(arrays.device).eval()
    if backend in IN_TORCH:
        from coverslip.inference.runtime.fold import fold_norms

        folded = fold_norms(network)
        compiled = need("torch", extra="train", what="PyTorch").compile
        return cast("Forward", compiled(folded) if backend == "compiled" else folded)
    graph = module_to_graph(network)
    if graph is not None:
        return run_onnx(graph.to_onnx(), backend=backend, threads=threads)
    contents = network_to_onnx(network, channels=channels)
    forward = run_onnx(contents, backend=backend, threads=threads)
    check_onnx(network, forward, channels=channels)
    return forward


def choose_backend(name: str, network: Network, *, device: str) -> str:
    """What will run a network.

    "auto" is ONNX Runtime on the CPU for networks of ours, all of which were measured to be faster
    by it (docs/speed.md), and PyTorch otherwise.

    Args:
        name: one of BACKENDS.
        network: what is to run.
        device: "cpu", "cuda" or "mps".

    Returns:
        A name of BACKENDS but "auto".

    Raises:
        SettingsError: a backend that is not installed, or not for this device or network.

    Example:
        >>> from coverslip.inference.runtime import choose_backend
        >>> from coverslip.models import UNet
        >>> choose_backend("torch", UNet(), device="cpu")
        'torch'
    """
    by_file = isinstance(network, OnnxNetwork)
    packages = packages_for(network)
    if name == "auto":
        on_cpu = device == "cpu" and is_ours(network)
        runs = on_cpu and is_installed("onnxruntime", *packages)
        name = "onnxruntime" if by_file or runs else "torch"
    if name not in IN_TORCH:
        _check_runtime(name, packages, device=device)
    elif by_file:
        raise SettingsError(
            f"backend {name}: an ONNX file runs by onnxruntime or openvino; leave it out, or name "
            "the model's .safetensors file."
        )
    elif not is_installed("torch"):
        need("torch", extra="train", what=f"the backend {name}")
    return name


def choose_precision(name: str, network: Network, *, backend: str, device: str) -> str:
    """In which numbers a network will be run.

    "auto" is int8 where the model has the ranges for it and ONNX Runtime runs it; elsewhere
    float32, or on a GPU what that is fast with ("auto").

    Raises:
        SettingsError: int8 of a model that has no ranges for it, or by another backend.
    """
    if isinstance(network, OnnxNetwork):
        if name not in ("auto", network.precision):
            raise SettingsError(
                f"precision {name}: this ONNX file computes in {network.precision}. Use auto, or "
                "name the model's .safetensors file."
            )
        return network.precision
    ready = isinstance(network, GraphNetwork) and network.has_int8
    if name == "int8" and (not ready or backend in IN_TORCH):
        reason = f"not by the backend {backend}" if ready else "this model has no ranges for it"
        raise SettingsError(
            f"precision int8: {reason}. Use auto or float32; docs/speed.md says how a model gets "
            "ranges."
        )
    if name != "auto":
        return name
    if backend in IN_TORCH and device != "cpu":
        return "auto"
    return "int8" if ready and backend == "onnxruntime" else "float32"


def is_ours(network: Network) -> bool:
    """Whether it is a network of MODELS."""
    if isinstance(network, GraphNetwork | OnnxNetwork):
        return True
    from coverslip.models import MODELS

    return isinstance(network, tuple(MODELS.values()))


def packages_for(network: Any) -> tuple[str, ...]:
    """What a runtime of ONNX needs beside itself: a network without graph must be converted."""
    ready = isinstance(network, GraphNetwork | OnnxNetwork) or module_to_graph(network) is not None
    return () if ready else ("onnx",)


def _check_runtime(name: str, packages: tuple[str, ...], *, device: str) -> None:
    """Raise SettingsError where a runtime of ONNX cannot be used."""
    if device != "cpu":
        raise SettingsError(
            f"the backend {name} runs on the CPU, and the device is {device}: wanted --device cpu, "
            "or a model as .safetensors file and --backend torch."
        )
    wanted = (*packages, name)
    if not is_installed(*wanted):
        extra = ",".join([*packages, *(["openvino"] if name == "openvino" else [])])
        raise SettingsError(
            f"the backend {name} needs the packages {' and '.join(wanted)}, and one is not "
            f"installed: pip install '.[{extra}]' in a clone of coverslip's repository, or "
            "--backend torch."
        )
