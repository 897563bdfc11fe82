"""encoders of swift → what each learns in one short training, and what it costs.

Every encoder gets the same steps, the same images, the same seed, with and without ImageNet weights
where they can be had. The score is that of an inner split of the training images; the images that
other scores are reported on take no part.

    python benchmarks/encoders.py dsb2018 --weights resnet18.safetensors -o encoders.csv
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch

from coverslip.checkpoints import IMAGENET_PACKAGES, load_checkpoint
from coverslip.models import ENCODERS, Swift


def main() -> None:
    """Train each, and write a row for each as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", help="of ResNet-18, under torchvision's names")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("-o", "--out", type=Path, default=Path("encoders.csv"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in ENCODERS:
        for weights in starts(name, chosen.weights):
            rows.append(measure(name, weights, data=chosen.data, steps=chosen.steps))
            pd.DataFrame(rows).to_csv(chosen.out, index=False)
            print(rows[-1], flush=True)


def starts(name: str, resnet18: str | None) -> list[str]:
    """What an encoder begins with: nothing, and ImageNet where its weights are here."""
    known = {"resnet18": resnet18, **dict.fromkeys(IMAGENET_PACKAGES, "imagenet")}
    return ["none", *([known[name]] if known.get(name) else [])]


def measure(name: str, weights: str, *, data: Path, steps: int) -> dict[str, object]:
    """Train swift with an encoder; its score, the CPU's seconds, and the cost of a megapixel."""
    with TemporaryDirectory() as folder:
        out = Path(folder, "run")
        command = [sys.executable, "-m", "coverslip.cli", "train", str(data), "-o", str(out)]
        command += ["--list", str(data / "split.csv"), "--where", "split=train"]
        command += ["--argument", f"encoder={name}", "--encoder", weights, "--model", "swift"]
        command += ["--size", "256", "--crop", "128", "--batch", "8", "--seed", "0"]
        command += ["--epochs", "1", "--steps-per-epoch", str(steps), "--val-fraction", "0.1"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        history = pd.read_csv(out / "history.csv")
        network = load_checkpoint(out / "best.safetensors").network
    return {
        "encoder": name,
        "imagenet": weights != "none",
        "val_jaccard": round(100 * float(history["val_jaccard"].iloc[-1]), 1),
        "parameters_m": round(sum(p.numel() for p in Swift(encoder=name).parameters()) / 1e6, 2),
        "training_cpu_s": round(seconds),
        "forward_cpu_s_per_mp": round(time_forward(network), 2),
        "steps": steps,
    }


def time_forward(network: torch.nn.Module, *, side: int = 512, rounds: int = 3) -> float:
    """CPU seconds of one thread for a megapixel, the least of some rounds, by PyTorch."""
    image = torch.rand(1, 3, side, side)
    times = []
    with torch.inference_mode():
        for _ in range(rounds):
            start = time.process_time()
            network.eval()(image)
            times.append(time.process_time() - start)
    return min(times) / side**2 * 1e6


if __name__ == "__main__":
    main()
