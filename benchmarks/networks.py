"""Size, work and speed of every network, side by side in one run.

python benchmarks/networks.py [--rounds 3] [--threads 2]

The networks take turns, round after round, so that a machine that slows down slows all of them.
Times are medians; ratios are to `swift`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from coverslip.models import MODELS
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown
from coverslip.training.losses import bce_dice_loss

if TYPE_CHECKING:
    from torch import nn


def count_gflop(network: nn.Module) -> float:
    """Floating-point operations of one 256x256 image, in 1e9."""
    network.eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 256, 256))
    return counter.get_total_flops() / 1e9


def time_forward(network: nn.Module) -> float:
    """Seconds for one 512x512 image."""
    network.eval()
    image = torch.randn(1, 3, 512, 512).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        start = time.perf_counter()
        network(image)
    return time.perf_counter() - start


def time_step(network: nn.Module) -> float:
    """Seconds for forward and backward of 8 images of 128x128."""
    network.train()
    images = torch.randn(8, 3, 128, 128).contiguous(memory_format=torch.channels_last)
    truth = (torch.rand(8, 1, 128, 128) > 0.5).float()
    start = time.perf_counter()
    bce_dice_loss(network(images), truth).backward()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    networks = {name: make().to(memory_format=torch.channels_last) for name, make in MODELS.items()}
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(options.rounds + 1):
        for name, network in networks.items():
            times[name, "512x512 (s)"].append(time_forward(network))
            times[name, "step (s)"].append(time_step(network))
    medians = {key: statistics.median(values[1:]) for key, values in times.items()}
    rows = []
    for name, network in networks.items():
        row = {
            "network": name,
            "parameters (M)": sum(p.numel() for p in network.parameters()) / 1e6,
            "GFLOP at 256x256": count_gflop(network),
        }
        for what in ("512x512 (s)", "step (s)"):
            row[what] = medians[name, what]
            row[what.replace("(s)", "/ swift")] = medians[name, what] / medians["swift", what]
        rows.append(row)
    print(table_to_markdown(pd.DataFrame(rows), digits=2))
    print(f"{options.threads} threads, {options.rounds} rounds, {provenance()}")


if __name__ == "__main__":
    main()
