"""Seconds from a command to its answer, and to the first tile that the network is given.

python benchmarks/start.py [--rounds 5]

The first tile is that of `coverslip segment` on a small example, with the model phase. Runs take
turns. What the disk holds in memory from an earlier start is there for all but the first round,
which does not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import pandas as pd

from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

IMAGE = Path(__file__).parents[1] / "examples" / "nuclei" / "fluorescence_small.png"

# Ends the process when the network would be run for the first time.
TO_FIRST_TILE = """
import os, sys
from coverslip import cli
from coverslip.inference import tta as forward
forward._logits_to_probs = lambda *_, **__: os._exit(0)
sys.argv[0] = "coverslip"
cli.main()
os._exit(1)
"""


def main() -> None:
    """Start each in turn, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    coverslip = [sys.executable, "-m", "coverslip.cli"]
    seconds: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds + 1):
            commands = {"coverslip --help": [*coverslip, "--help"]}
            for backend in ("onnxruntime", "torch"):
                out = str(Path(folder) / f"{backend}{number}")
                commands[f"first tile, {backend}"] = [
                    *[sys.executable, "-c", TO_FIRST_TILE, "segment", str(IMAGE), "-o", out],
                    *["--model", "phase", "--scale", "1", "--backend", backend],
                ]
            commands["import torch"] = [sys.executable, "-c", "import torch"]
            for name, command in commands.items():
                before, begun = os.times(), time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - begun)
                after = os.times()
                cpu[name].append(sum(after[2:4]) - sum(before[2:4]))
    most = {"coverslip --help": 0.3, "first tile, onnxruntime": 1.0, "first tile, torch": 2.0}
    rows = []
    for name in seconds:
        value = statistics.median(seconds[name][1:])
        said = "" if name not in most else "pass" if value <= most[name] else "falls short"
        row = {"what": name, "s": value, "CPU-s": statistics.median(cpu[name][1:])}
        rows.append({**row, "at most (s)": most.get(name, float("nan")), "": said})
    print(table_to_markdown(pd.DataFrame(rows), digits=2))
    print(f"\n{options.rounds} rounds, {provenance()}")


if __name__ == "__main__":
    main()
