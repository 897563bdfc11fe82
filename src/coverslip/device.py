"""a device's name → the device, the numbers it is fast with, and when its memory is short.

PyTorch is imported by what needs it: on a computer without a GPU nothing here does.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip._optional import is_installed, need
from coverslip.errors import SettingsError, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
DRIVERS = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}  # which come with a GPU of NVIDIA's
AMD = Path("/dev/kfd")  # that of AMD's on Linux


def device_name(name: str) -> str:
    """Turn auto, cpu, cuda or mps into the name of a device that is there.

    PyTorch is asked, and imported, where there may be a GPU: its import takes a second.

    Raises:
        SettingsError: as `pick_device`.

    Example:
        >>> from coverslip.device import device_name
        >>> device_name("cpu")
        'cpu'
    """
    one_of("device", name, DEVICES)
    if name == "cpu" or (name == "auto" and not (is_installed("torch") and may_have_gpu())):
        return "cpu"
    return pick_device(name).type


def may_have_gpu() -> bool:
    """Whether this computer has a GPU that a PyTorch might use, as far as its drivers tell."""
    if sys.platform == "darwin":
        return True
    try:
        ctypes.CDLL(DRIVERS.get(sys.platform, ""))
    except OSError:
        return AMD.exists()
    return True


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
    need("torch", extra="train", what=f"the device {name}")
    import torch

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
    import torch

    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """A block whose convolutions run in the device's short float type, if it has one."""
    half = half_precision(device)
    if half is None:
        return nullcontext()
    import torch

    return torch.autocast(device.type, dtype=half)


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
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
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
