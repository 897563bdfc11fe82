"""network → its layers and blocks as they ran, each with the maps that came and left."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

PLAIN = {
    "Conv2d": "convolution",
    "ConvTranspose2d": "transpose convolution",
    "MaxPool2d": "max-pooling",
    "AvgPool2d": "mean-pooling",
}
BLOCKS = {"BasicBlock": "residual block", "MultiResUnit": "residual unit"}
# They change neither channels nor size, and stand behind nearly every convolution.
NOT_DRAWN = ("BatchNorm2d", "ReLU", "LeakyReLU", "Identity", "Dropout", "Dropout2d", "GroupNorm")
SHORTCUTS = ("shortcut", "downsample")  # a block's way around its convolutions


@dataclass(frozen=True)
class Layer:
    """A layer or block as it ran.

    Attributes:
        kind: What it is, for the legend: ``"7×7 convolution"``.
        shortcut: What leads around it: ``""`` (nothing), ``"identity"`` or ``"1×1"``.
        in_channels: Of the map that came.
        channels: Of the map that left.
        in_size_px: Side of the map that came.
        size_px: Side of the map that left.
    """

    kind: str
    shortcut: str
    in_channels: int
    channels: int
    in_size_px: int
    size_px: int

    @property
    def is_pooling(self) -> bool:
        """It makes the map smaller and does nothing else."""
        return "pooling" in self.kind


@dataclass
class Call:
    """How a module was called: what came, what left, and the layers that ran inside, in order."""

    inputs: tuple[Any, ...] = ()
    output: Any = None
    layers: list[Layer] = field(default_factory=list)


def run_noting(
    network: nn.Module,
    modules: Callable[[Any], Sequence[nn.Module]],
    *,
    shape: tuple[int, int, int],
) -> tuple[list[Call], Tensor]:
    """Run a network once and note how some of its modules are called.

    Args:
        network: (N, C, H, W) → (N, K, H, W). A copy of it runs, on maps that have a shape and no
            values; it itself is not touched.
        modules: Given the copy, those to note.
        shape: Channels, height and width of the image.

    Returns:
        One call for each of the modules, and the network's output.
    """
    import torch

    ghost = copy.deepcopy(network).to("meta").eval()
    calls = []
    for module in modules(ghost):
        calls.append(call := Call())
        for layer in drawn_layers(module, is_root=True):
            layer.register_forward_hook(_note_layer(*describe(layer), into=call.layers))
        module.register_forward_hook(_note_call(call))
    with torch.no_grad():
        output: Tensor = ghost(torch.zeros(1, *shape, device="meta"))
    return calls, output


def _note_layer(kind: str, shortcut: str, *, into: list[Layer]) -> Callable[..., None]:
    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        (_, before, *_, size), (_, after, *_, new_size) = inputs[0].shape, output.shape
        into.append(Layer(kind, shortcut, before, after, size, new_size))

    return note


def _note_call(call: Call) -> Callable[..., None]:
    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        call.inputs, call.output = inputs, output

    return note


def drawn_layers(module: nn.Module, *, is_root: bool = False) -> Iterator[nn.Module]:
    """What a drawing shows of a module: containers are opened, and the root, but no block."""
    children = list(module.children())
    kind = type(module).__name__
    if children and (is_root or kind in ("Sequential", "ModuleList")):
        for child in children:
            yield from drawn_layers(child)
    elif kind not in NOT_DRAWN:
        yield module


def describe(layer: nn.Module) -> tuple[str, str]:
    """What a layer or block is called in a legend, and its shortcut."""
    kind = type(layer).__name__
    if kind in PLAIN:
        return f"{_kernel(layer)} {PLAIN[kind]}{_stride(layer)}", ""
    words = BLOCKS.get(kind, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower())
    kernels: dict[bool, list[str]] = {True: [], False: []}
    for name, inner in layer.named_modules():
        if type(inner).__name__ == "Conv2d":
            kernels[name.split(".")[0] in SHORTCUTS].append(_kernel(inner))
    inside = f"{words}: {' and '.join(kernels[False])}" if kernels[False] else words
    has_shortcut = any(hasattr(layer, name) for name in SHORTCUTS)
    return inside, (kernels[True] or ["identity"])[0] if has_shortcut else ""


def _kernel(layer: Any) -> str:
    return f"{_first(layer.kernel_size)}×{_first(layer.kernel_size)}"


def _stride(layer: Any) -> str:
    stride = _first(layer.stride)
    return f", stride {stride}" if stride > 1 else ""


def _first(number: Any) -> int:
    """Of a square's two equal sides."""
    return int(number[0] if isinstance(number, tuple) else number)
