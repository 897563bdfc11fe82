"""network + backend → what runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from coverslip.backends.convert import check_onnx, network_to_onnx
from coverslip.backends.fold import fold_norms
from coverslip.backends.run import run_onnx
from coverslip.errors import ModelError

if TYPE_CHECKING:
    from coverslip.backends.run import Forward

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
