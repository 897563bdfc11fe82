"""Seconds and memory of a training step of every network, and so of a whole queue of trainings.

python benchmarks/training.py --size 256 --steps 30 --device cuda

A step is all that `coverslip train` does in one: cutting from resident images, augmentation,
forward, backward, clipping, Adam. The networks take turns, round after round; times are medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict

import pandas as pd
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from coverslip.device import autocast, pick_device
from coverslip.models import MODELS
from coverslip.provenance import provenance
from coverslip.reproduction.network_cost import device_name
from coverslip.reproduction.tables.write import table_to_markdown
from coverslip.training import Batch, SampleSettings, TrainSettings
from coverslip.training.losses import bce_dice_loss
from coverslip.training.step import inputs_to_loss, prepare


def time_steps(network: nn.Module, batch: Batch, settings: TrainSettings, *, steps: int) -> float:
    """Seconds a step, over so many in a row."""
    device = pick_device(settings.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    network.train()
    wait_for(device)
    start = time.perf_counter()
    for step in range(steps):
        inputs = prepare(batch, settings, device, step=step)
        with autocast(device):
            loss = inputs_to_loss(network, inputs, criterion=bce_dice_loss)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    wait_for(device)
    return (time.perf_counter() - start) / steps


def wait_for(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def random_batch(size: int, batch: int, device: torch.device) -> Batch:
    """Images and masks of noise; the time does not depend on what they show."""
    images = torch.rand(batch, 3, size, size, device=device)
    masks = (torch.rand(batch, 1, size, size, device=device) > 0.5).float()
    return Batch(images, masks, list(range(batch)))


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--networks", default=",".join(MODELS))
    options = parser.parse_args()
    device = pick_device(options.device)
    settings = TrainSettings(device=options.device, sample=SampleSettings(crop_px=options.size))
    batch = random_batch(options.size, options.batch, device)
    times: dict[str, list[float]] = defaultdict(list)
    peaks: dict[str, float] = {}
    for _ in range(options.rounds + 1):  # the first is for warming up
        for name in options.networks.split(","):
            network = MODELS[name]().to(device, memory_format=torch.channels_last)
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            times[name].append(time_steps(network, batch, settings, steps=options.steps))
            if device.type == "cuda":
                peaks[name] = torch.cuda.max_memory_allocated() / 2**30
    rows = []
    for name, seconds in times.items():
        step = statistics.median(seconds[1:])
        rows.append(
            {
                "network": name,
                "step (ms)": 1000 * step,
                "images a second": options.batch / step,
                "4000 steps (min)": 4000 * step / 60,
                "peak memory (GB)": peaks.get(name, float("nan")),
            }
        )
    print(table_to_markdown(pd.DataFrame(rows), digits=1))
    total = sum(row["4000 steps (min)"] for row in rows)
    print(f"all of them, 4000 steps, one after the other: {total:.0f} min")
    print(f"{options.batch} x {options.size}x{options.size}, {device_name(options.device)}")
    print(provenance())


if __name__ == "__main__":
    main()
