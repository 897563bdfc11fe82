"""network or process → what it costs: parameters, operations, memory, and on which machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from coverslip import build_network, pick_device

if TYPE_CHECKING:
    from collections.abc import Mapping


def count_parameters(model: str, arguments: Mapping[str, Any]) -> int:
    """Trainable parameters of a network, without holding them."""
    with torch.device("meta"):
        network = build_network(model, arguments)
    return sum(parameter.numel() for parameter in network.parameters())


def count_gflop(model: str, arguments: Mapping[str, Any], *, size_px: int) -> float:
    """Floating-point operations of one forward pass, in 1e9, without doing them."""
    with torch.device("meta"), torch.inference_mode(), FlopCounterMode(display=False) as counter:
        build_network(model, arguments).eval()(torch.empty(1, 3, size_px, size_px))
    return float(counter.get_total_flops()) / 1e9


def device_name(device: str) -> str:
    """``"cpu, 2 threads"``, or what the GPU calls itself."""
    picked = pick_device(device)
    if picked.type == "cuda":
        return torch.cuda.get_device_name()
    return f"cpu, {torch.get_num_threads()} threads" if picked.type == "cpu" else picked.type


def peak_memory_mb(device: str) -> float | None:
    """The most memory that this process has held: on a GPU the GPU's, else its own; None: unknown.

    1 MB is 2**20 bytes.
    """
    if pick_device(device).type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
