"""This checkout beside an earlier one: the command as typed, and file to label file, in one run.

python benchmarks/before.py --before PATH [IMAGES ...] [--sizes 1024,4096] [--plot PATH]

`--before` is another checkout of coverslip, such as `git worktree add ../before 1f38bce` makes.
Both run with this Python and its packages, in turn, and the fastest round counts. The command is
`coverslip segment IMAGES -o OUT --model phase`, start and report included; without IMAGES, ten
squares of 1,008 px of the phase-contrast examples, turned and mirrored. File to label file is what
`benchmarks/systems/ours.py` of each checkout does: swift by ONNX Runtime, warm, no table. Memory is
the most that a process ever held. `OMP_NUM_THREADS=1` before it compares seconds of the processor
on a machine that does other work.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import tifffile
from large import SIDE, pieces
from speed import plot_curves, write_image

from coverslip.io import open_image
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

HERE = Path(__file__).parents[1]
N_IMAGES = 10
TYPED, LABELS = "the command as typed", "file to label file"
TIMES = {TYPED: 3.0, LABELS: 2.0}  # as fast as before, at the least
GROWTH = 1.1  # of the cost of a megapixel from 1024 px to 4096, at most


class Took(NamedTuple):
    """What a process took."""

    seconds: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Time both checkouts in turn, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--sizes", default="1024,4096", help="Empty: the command alone.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path, help="PNG or SVG of seconds against size.")
    options = parser.parse_args()
    checkouts = {"before": options.before.resolve(), "now": HERE}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = options.images or list(write_squares(folder))
        for number, (which, checkout) in itertools.product(
            range(options.rounds), checkouts.items()
        ):
            took = time_command(checkout, images, folder / f"{which}{number}")
            rows.append(row(which, TYPED, megapixels_of(images), took))
        sizes = [int(size) for size in options.sizes.split(",") if size]
        paths = {size: write_image(folder, size) for size in {256, *sizes} if sizes}
        for size, (which, checkout) in itertools.product(sizes, checkouts.items()):
            took = time_labels(checkout, paths[256], paths[size], rounds=options.rounds)
            rows.append(row(which, f"{LABELS}, {size} px", size**2 / 1e6, took) | {"size": size})
    table = pd.DataFrame(rows)
    best = table.groupby(["what", "which"], sort=False).min().reset_index()
    print(table_to_markdown(best.drop(columns="size", errors="ignore"), digits=2), "\n")
    print(table_to_markdown(pd.DataFrame(compare(best)), digits=2))
    commits = {which: commit_of(checkout) for which, checkout in checkouts.items()}
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(f"\n{len(images)} images; {commits}; threads: {threads}; processor: {processor()}")
    print(f"load at the end: {os.getloadavg()[0]:.1f}; {provenance()}")
    if options.plot and sizes:
        curves = best.dropna(subset="size").rename(columns={"which": "system"})
        plot_curves(curves, options.plot)


def row(which: str, what: str, megapixels: float, took: Took) -> dict[str, object]:
    """A row of the table."""
    return {
        "what": what,
        "which": which,
        "s": took.seconds,
        "CPU-s": took.cpu_s,
        "s/MP": took.seconds / megapixels,
        "CPU-s/MP": took.cpu_s / megapixels,
        "MB": took.peak_mb,
    }


def compare(best: pd.DataFrame) -> list[dict[str, object]]:
    """How many times as fast each is, what a megapixel costs more in a large image, and memory."""
    rows: list[dict[str, object]] = []
    by = {(one["what"], one["which"]): one for one in best.to_dict("records")}
    for what in best["what"].unique():
        before, now = by[what, "before"], by[what, "now"]
        least = TIMES[what.split(",")[0]]
        for unit in ("s", "CPU-s"):
            times = before[unit] / now[unit]
            goal = {"goal": f"{what}: times as fast, {unit}", "measured": times}
            rows.append(goal | {"wanted": f"{least:g} or more", "": said(times >= least)})
        more = now["MB"] / before["MB"]
        goal = {"goal": f"{what}: memory, times that before", "measured": more}
        rows.append(goal | {"wanted": "1 or less", "": said(more <= 1)})
    small, large = (by.get((f"{LABELS}, {size} px", "now")) for size in (1024, 4096))
    if small and large:
        for unit in ("s/MP", "CPU-s/MP"):
            growth = large[unit] / small[unit]
            goal = {"goal": f"{unit} at 4096 px over that at 1024", "measured": growth}
            rows.append(goal | {"wanted": f"{GROWTH:g} or less", "": said(growth <= GROWTH)})
    return rows


def said(reached: bool) -> str:
    """What the table says of a goal."""
    return "pass" if reached else "falls short"


def write_squares(folder: Path) -> list[Path]:
    """Squares of the examples, turned and mirrored."""
    paths = []
    for number, (_, _, piece) in enumerate(itertools.islice(pieces(4 * SIDE), N_IMAGES)):
        paths.append(folder / f"square_{number}.tif")
        tifffile.imwrite(paths[-1], np.ascontiguousarray(piece))
    return paths


def time_command(checkout: Path, images: list[Path], out: Path) -> Took:
    """`coverslip segment` as a user types it."""
    command = [sys.executable, "-m", "coverslip.cli", "segment", *map(str, images)]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*command, "-o", str(out), "--model", "phase"],
        env=environment(checkout),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if status:
        sys.exit(f"{checkout}: coverslip segment ended with {status}")
    peak = used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return Took(seconds, used.ru_utime + used.ru_stime, peak)


def time_labels(checkout: Path, small: Path, image: Path, *, rounds: int) -> Took:
    """From file to label file, in a process that a small image has warmed up."""
    script = checkout / "benchmarks" / "systems" / "ours.py"
    command = [sys.executable, str(script), "--network", "swift", "--backend", "onnxruntime"]
    command += ["--small", str(small), "--image", str(image), "--rounds", str(rounds)]
    command += ["--labels", str(image.with_name("labels.tif"))]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(checkout), check=False
    )
    if done.returncode:
        sys.exit(f"{checkout}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Took(found["seconds"], found["cpu_seconds"], found["peak_mb"])


def environment(checkout: Path) -> dict[str, str]:
    """That of this process, with the code of a checkout."""
    return {**os.environ, "PYTHONPATH": str(checkout / "src")}


def megapixels_of(images: list[Path]) -> float:
    """Of all images together."""
    shapes = [open_image(path).frame_shape for path in images]
    return sum(height * width for height, width in shapes) / 1e6


def commit_of(checkout: Path) -> str:
    """The commit of a checkout."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=10"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def processor() -> str:
    """Its name, where the system tells it."""
    about = Path("/proc/cpuinfo")
    if not about.is_file():
        return "unknown"
    lines = about.read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


if __name__ == "__main__":
    main()
