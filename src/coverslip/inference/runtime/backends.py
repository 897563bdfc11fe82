"""network + what was asked for → the backend that runs it, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from coverslip._optional import is_installed
from coverslip.errors import ModelError, SettingsError
from coverslip.inference.runtime.fold import fold_norms
from coverslip.inference.runtime.onnx import check_onnx, network_to_onnx, run_onnx

if TYPE_CHECKING:
    from coverslip.inference.runtime.onnx import Forward

BACKENDS = ("auto", "torch", "compiled", "onnxruntime", "openvino")
MOST_STRIDE, MOST_CHANNELS = 256, 64  # of a file's own word; ours have 32 and 3


class OnnxNetwork(nn.Module):
    """A network that is there as ONNX alone, without weights that PyTorch could train.

    Args:
        graph: as `network_to_onnx` writes it.
        stride: height and width must be multiples of it.
        channels: of the image.

    Raises:
        SettingsError: ONNX Runtime is not installed.
        ModelError: it cannot read the graph.
    """

    def __init__(self, graph: bytes, *, stride: int, channels: int) -> None:
        super().__init__()
        self.graph = graph
        self.stride = stride
        self.channels = channels
        self.threads = torch.get_num_threads()
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
            logits = self.run(torch.zeros(1, self.channels, side, side))
        except RuntimeError as error:
            raise ModelError(f"it does not run ({error}).") from error
        if logits.shape != (1, n_maps, side, side) or logits.dtype != torch.float32:
            raise ModelError(
                f"it gives {logits.dtype} {tuple(logits.shape)} for {side} x {side} px; "
                f"wanted float32 logits of {n_maps} maps."
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        return self.run(x)


def make_forward(network: nn.Module, *, backend: str, channels: int) -> Forward:
    """Make what runs a network, in the way that is asked for.

    Folding takes milliseconds, a conversion to ONNX with its check 0.1 to 1 s.

    Args:
        network: in evaluation mode; on its device for "torch", on the CPU for the others.
        backend: one of BACKENDS but "auto".
        channels: of the image.

    Raises:
        SettingsError: a package that is not installed.
        ModelError: what the runtime makes of the network differs from the network.

    Example:
        >>> import torch
        >>> from coverslip.inference.runtime import make_forward
        >>> from coverslip.models import UNet
        >>> forward = make_forward(UNet().eval(), backend="torch", channels=3)
        >>> with torch.inference_mode():
        ...     print(tuple(forward(torch.zeros(1, 3, 16, 32)).shape))
        (1, 1, 16, 32)
    """
    threads = torch.get_num_threads()
    if isinstance(network, OnnxNetwork):
        if backend == "onnxruntime" and threads == network.threads:
            return network.run
        return run_onnx(network.graph, backend=backend, threads=threads)
    if backend == "torch":
        return fold_norms(network)
    if backend == "compiled":
        compiled: Forward = torch.compile(fold_norms(network))
        return compiled
    graph = network_to_onnx(network, channels=channels)
    forward = run_onnx(graph, backend=backend, threads=threads)
    check_onnx(network, forward, channels=channels)
    return forward


# What each of the runtimes needs: packages, and the extra that brings them.
PACKAGES = {
    "onnxruntime": (("onnx", "onnxruntime"), "onnx"),
    "openvino": (("onnx", "openvino"), "onnx,openvino"),
}


def choose_backend(name: str, network: nn.Module, *, device: str, quick: bool) -> str:
    """What will run a network.

    "auto" is ONNX Runtime on the CPU where it is installed and was measured to be faster
    (docs/speed.md), and PyTorch otherwise.

    Args:
        name: one of BACKENDS.
        network: what is to run.
        device: "cpu", "cuda" or "mps".
        quick: whether ONNX Runtime was measured to run this network faster.

    Returns:
        A name of BACKENDS but "auto".

    Raises:
        SettingsError: a backend that is not installed, or not for this device or network.

    Example:
        >>> from coverslip.inference.runtime import choose_backend
        >>> from coverslip.models import UNet
        >>> choose_backend("torch", UNet(), device="cpu", quick=False)
        'torch'
    """
    of_onnx = isinstance(network, OnnxNetwork)
    if name == "auto":
        fast = device == "cpu" and quick and is_installed("onnx", "onnxruntime")
        name = "onnxruntime" if of_onnx or fast else "torch"
    if name in PACKAGES:
        _check_runtime(name, device=device)
    elif of_onnx:
        raise SettingsError(
            f"backend {name}: an ONNX file runs by onnxruntime or openvino; leave it out, or name "
            "the model's .safetensors file."
        )
    return name


def _check_runtime(name: str, *, device: str) -> None:
    packages, extra = PACKAGES[name]
    if device != "cpu":
        raise SettingsError(
            f"the backend {name} runs on the CPU, and the device is {device}: wanted --device cpu, "
            "or a model as .safetensors file and --backend torch."
        )
    if not is_installed(*packages):
        raise SettingsError(
            f"the backend {name} needs the packages {' and '.join(packages)}, and one is not "
            f"installed: pip install '.[{extra}]' in a clone of coverslip's repository, or "
            "--backend torch."
        )
