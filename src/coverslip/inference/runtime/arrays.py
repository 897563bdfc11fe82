"""what runs a network → the arrays that it takes: NumPy's, or tensors of PyTorch on a device.

Test-time augmentation is written once, for both: what differs between the two stands here.
"""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from coverslip._optional import need

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import torch
    from numpy.typing import NDArray


class Arrays(Protocol):
    """The arrays that a runtime takes."""

    @property
    def device(self) -> str:
        """Where they are: cpu, cuda or mps."""

    def running(self) -> AbstractContextManager[object]:
        """The block in which the network is run."""

    def load(self, tiles: Sequence[NDArray[np.float32]]) -> Any:
        """Tiles (C, h, w) → a batch."""

    def join(self, parts: Sequence[Any]) -> Any:
        """Batches → one."""

    def stack(self, parts: Sequence[Any]) -> Any:
        """Arrays of one shape → one array with a new first axis."""

    def run(self, forward: Callable[[Any], Any], batch: Any) -> Any:
        """A batch → logits."""

    def sigmoid(self, logits: Any) -> Any:
        """Logits → float32 probabilities."""

    def unload(self, batch: Any) -> NDArray[np.float32]:
        """A batch → NumPy's array."""


@dataclass(frozen=True)
class NumpyArrays:
    """Those of ONNX Runtime and OpenVINO."""

    device: ClassVar[str] = "cpu"

    def running(self) -> AbstractContextManager[object]:
        """Nothing is to be set."""
        return nullcontext()

    def load(self, tiles: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Tiles (C, h, w) → a batch."""
        return np.stack(tiles, dtype=np.float32)

    def join(self, parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Batches → one, not copied where it is one already."""
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def stack(self, parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Arrays of one shape → one array with a new first axis."""
        return parts[0][None] if len(parts) == 1 else np.stack(parts)

    def run(
        self,
        forward: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        batch: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """A batch → logits."""
        return forward(np.ascontiguousarray(batch))

    def sigmoid(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits → probabilities; far below 0, where exp is infinite, they are 0."""
        with np.errstate(over="ignore"):
            odds = np.exp(-logits.astype(np.float32, copy=False))
        odds += 1
        return np.reciprocal(odds, out=odds)

    def unload(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """It is NumPy's."""
        return batch


@dataclass(frozen=True)
class TorchArrays:
    """Those of PyTorch.

    Attributes:
        on: the device.
        full: compute in float32 also where the device is faster with half of it.
    """

    on: torch.device
    full: bool = False

    @property
    def device(self) -> str:
        """Where they are: cpu, cuda or mps."""
        return self.on.type

    def running(self) -> AbstractContextManager[object]:
        """No gradients are kept, and a GPU computes in its short type."""
        from coverslip.device import autocast

        torch = need("torch", extra="train", what="PyTorch")
        stack = ExitStack()
        stack.enter_context(torch.inference_mode())
        if not self.full:
            stack.enter_context(autocast(self.on))
        return stack

    def load(self, tiles: Sequence[NDArray[np.float32]]) -> torch.Tensor:
        """Tiles (C, h, w) → a batch on the device."""
        import torch

        return torch.from_numpy(np.stack(tiles, dtype=np.float32)).to(self.on)

    def join(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Batches → one."""
        import torch

        return torch.cat(list(parts))

    def stack(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Tensors of one shape → one with a new first axis."""
        import torch

        return torch.stack(list(parts))

    def run(
        self, forward: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor
    ) -> torch.Tensor:
        """A batch → logits, laid out as convolutions are fastest."""
        import torch

        return forward(batch.contiguous(memory_format=torch.channels_last))

    def sigmoid(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits → float32 probabilities."""
        return logits.float().sigmoid()

    def unload(self, batch: torch.Tensor) -> NDArray[np.float32]:
        """A batch → NumPy's array."""
        array: NDArray[np.float32] = batch.cpu().numpy()
        return array
