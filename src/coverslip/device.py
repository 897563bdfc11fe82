"""a device's name → the device, and the numbers it is fast with."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str) -> torch.device:
    """Turn auto, cpu, cuda or mps into a device that is there.

    Raises:
        SettingsError: the name is none of these, or this computer has no such device.
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


def one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a setting's value that is not among the choices.

    Raises:
        SettingsError: it is not.
    """
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
