"""a device's name → the device, the numbers it is fast with, and when its memory is short."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import torch

from coverslip.errors import SettingsError, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str) -> torch.device:
    """Turn auto, cpu, cuda or mps into a device that is there.

    Raises:
        SettingsError: the name is none of these, or this computer has no such device.

    Example:
        >>> import coverslip
        >>> coverslip.pick_device("cpu")
        device(type='cpu')
    """
    one_of("device", name, DEVICES)
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, available in there.items() if available)
    if not there[name]:
        raise SettingsError(
            f"the device {name} was asked for, but PyTorch {torch.__version__} finds none here. "
            "Use auto or cpu, or install a PyTorch built for it (https://pytorch.org)."
        )
    return torch.device(name)


def half_precision(device: torch.device) -> torch.dtype | None:
    """The short float type that the device is fast with; None where it has none.

    Never on the CPU: bfloat16 is slower there, and results would differ by processor. On CUDA
    bfloat16, which has the range of float32, so that nothing overflows; GPUs before Ampere lack it.
    """
    if device.type != "cuda":
        return None
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """A block whose convolutions run in the device's short float type, if it has one."""
    half = half_precision(device)
    return nullcontext() if half is None else torch.autocast(device.type, dtype=half)


class ShortMemoryError(SettingsError):
    """The memory is too small for one tile, or for the result."""


@contextmanager
def telling_short_memory(tile: tuple[int, int]) -> Iterator[None]:
    """Say how to mend it, wherever memory runs out: network, tiles, their views or the result."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_short_memory(error):
            raise
        raise ShortMemoryError(
            f"the memory of the device is too small for one tile of {tile} pixels; use a smaller "
            f"tile_px (--tile), such as {max(1, max(tile) // 2)}, or another device."
        ) from error


def is_short_memory(error: Exception) -> bool:
    """PyTorch has an error of its own for CUDA alone; on the CPU and on MPS, only words tell."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    # "can't allocate memory" (Linux, macOS), "not enough memory" (Windows), "out of memory" (MPS),
    # CUBLAS_STATUS_ALLOC_FAILED (what is left of a GPU is too little for a library's own use)
    # "bad allocation", "bad_alloc" (ONNX Runtime and OpenVINO, by the compiler that made them)
    words = (
        "allocate memory",
        "not enough memory",
        "out of memory",
        "ALLOC_FAILED",
        "bad alloc",
        "bad_alloc",
    )
    return any(word in str(error) for word in words)
