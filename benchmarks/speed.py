"""Our speed and memory beside those of other systems, in one run: `make bench`.

python benchmarks/speed.py [--envs .bench] [--sizes 256,1024,4096] [--only swift,StarDist]

Every system segments the same phase-contrast image, from file to label file, in a process and an
environment of its own (`benchmarks/systems`); after a small image has warmed it up, so that starts
are no part of it. A system whose environment is missing is left out, and named. Weights of other
systems need a download and are random here; that is fair to their speed, and says nothing of their
accuracy. Where random weights would give noise, a threshold lets nothing be found, so that what
other systems do after their network is not in their figures: to their advantage.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from large import EXAMPLES, pieces

from coverslip.io import open_image, read_frame
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

HERE = Path(__file__).parent / "systems"
OURS = "swift onnxruntime"
ROUNDS = {256: 7, 1024: 3}  # larger ones once
AHEAD = 1.5  # of the fastest other system, at every size


@dataclass(frozen=True)
class System:
    """One row of the table for each size.

    Attributes:
        name: in the table.
        script: in `systems`.
        environment: in the folder of environments; "" is this one.
        options: of the script.
        largest: side of the largest image that it gets, since it would take too long.
    """

    name: str
    script: str
    environment: str = ""
    options: tuple[str, ...] = ()
    largest: int = 4096


def ours(
    network: str, backend: str, *, tta: str = "none", table: bool = False, largest: int = 4096
) -> System:
    """One of our networks."""
    words = ["swift" if network == "swift" else "RP", backend]
    words += (["TTA", tta] if tta != "none" else []) + (["and table"] if table else [])
    options = ("--network", network, "--backend", backend, "--tta", tta)
    options += ("--table",) if table else ()
    return System(" ".join(words), "ours.py", options=options, largest=largest)


SYSTEMS = (
    *(ours("swift", backend) for backend in ("onnxruntime", "openvino", "torch")),
    ours("swift", "onnxruntime", table=True),
    *(ours("swift", "onnxruntime", tta=tta) for tta in ("paper", "d4")),
    *(ours("rp", backend) for backend in ("onnxruntime", "openvino", "torch")),
    *(ours("rp", "onnxruntime", tta=tta, largest=1024) for tta in ("paper", "d4")),
    System("smp ResNet18-U-Net", "smp.py", "torchvision"),
    System("StarDist", "stardist2d.py", "stardist"),
    System("Cellpose 3", "cellpose3.py", "cellpose3"),
    System("InstanSeg", "instanseg_unet.py", "instanseg"),
    System("Cellpose-SAM", "cellpose_sam.py", "torchvision", largest=1024),
)


def main() -> None:
    """Time all systems, and print the table and the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--envs", type=Path, default=Path(".bench"))
    parser.add_argument("--sizes", default="256,1024,4096")
    parser.add_argument("--only", default="", help="Beginnings of names, with commas between.")
    parser.add_argument("--limit", type=float, default=900, help="Seconds for one process.")
    parser.add_argument("--plot", type=Path, help="PNG or SVG of seconds against size.")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    wanted = tuple(options.only.split(","))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        images = {size: write_image(Path(folder), size) for size in {256, *sizes}}
        for size in sizes:
            for system in SYSTEMS:
                if system.name.startswith(wanted) and size <= system.largest:
                    rows += run(system, size, images, envs=options.envs, limit=options.limit)
    if not rows:
        sys.exit("nothing was timed: see above")
    table = pd.DataFrame(rows)
    for _, part in table.groupby("size"):
        base = part.loc[part["system"] == OURS, "s/MP"]
        if len(base):
            table.loc[part.index, "/ swift"] = part["s/MP"] / float(base.iloc[0])
    print(table_to_markdown(table, digits=2))
    pins = ", ".join(
        line for path in sorted(HERE.glob("*.txt")) for line in path.read_text().split()
    )
    print(f"\nothers: {pins}")
    print(f"\n{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}, {provenance()}\n")
    print(table_to_markdown(pd.DataFrame(goals(table)), digits=2))
    if options.plot:
        plot_curves(table, options.plot)


def plot_curves(table: pd.DataFrame, path: Path) -> None:
    """Draw seconds for a megapixel against the side of the image, a line for each system.

    Args:
        table: with the columns size, system and s/MP.
        path: PNG or SVG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for system, part in table.groupby("system", sort=False):
        is_ours = str(system).startswith(("swift", "now"))
        axes.plot(part["size"], part["s/MP"], "o-", lw=2 if is_ours else 1, label=str(system))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(
        sorted(table["size"].unique()), [f"{n:g}" for n in sorted(table["size"].unique())]
    )
    axes.set_xlabel("side of the image (px)")
    axes.set_ylabel("seconds for a megapixel")
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=150)


def write_image(folder: Path, size: int) -> Path:
    """A grey TIFF: a part of the dense example, or many turned and mirrored ones."""
    path = folder / f"image_{size}.tif"
    image = np.zeros((size, size), np.uint8)
    if size <= 1008:
        image[:] = read_frame(open_image(EXAMPLES / "phase_dense.png"))[:size, :size]
    else:
        for rows, columns, piece in pieces(size):
            image[rows, columns] = piece
    tifffile.imwrite(path, image)
    return path


def run(
    system: System, size: int, images: dict[int, Path], *, envs: Path, limit: float
) -> list[dict[str, object]]:
    """The row of a system, or none where it is not there; on stderr what was found."""
    python = envs / system.environment / "bin" / "python" if system.environment else sys.executable
    if system.environment and not python.exists():
        sys.stderr.write(f"{system.name}: no {python}, left out\n")
        return []
    labels = images[size].with_name("labels.tif")
    command = [str(python), str(HERE / system.script), *system.options]
    command += ["--small", str(images[256]), "--image", str(images[size])]
    command += ["--labels", str(labels), "--rounds", str(ROUNDS.get(size, 1))]
    # Set on some machines for old OpenBLAS builds, and slow with new ones.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{system.name}, {size}: more than {limit:.0f} s, left out\n")
        return []
    sys.stderr.write(f"{system.name}, {size}: {time.perf_counter() - begun:.0f} s\n")
    if done.returncode:
        sys.stderr.write(f"{done.stderr[-2000:]}\n")
        return []
    found = json.loads(done.stdout.splitlines()[-1])
    megapixels = size**2 / 1e6
    return [
        {
            "size": size,
            "system": system.name,
            "s/MP": found["seconds"] / megapixels,
            "/ swift": float("nan"),
            "CPU-s/MP": found["cpu_seconds"] / megapixels,
            "peak memory (MB)": round(found["peak_mb"]),
            "cells": found["n_cells"],
        }
    ]


def goals(table: pd.DataFrame) -> list[dict[str, object]]:
    """What was aimed at, and whether it was reached."""
    swift = table[table["system"] == OURS].set_index("size")["s/MP"].to_dict()
    others = table[~table["system"].str.startswith(("swift", "RP"))]
    rows = []
    for size, value in swift.items():
        rows.append(goal(f"swift, {size} px: s/MP", value, most=1.0))
        peers = others[others["size"] == size]
        if len(peers):
            best = peers.loc[peers["s/MP"].idxmin()]
            what = f"swift, {size} px: s/MP, {AHEAD:g} times as fast as {best['system']}"
            rows.append(goal(what, value, most=float(best["s/MP"]) / AHEAD))
    if 1024 in swift and max(swift) > 1024:
        what = f"swift: s/MP at {max(swift)} px over that at 1024 px"
        rows.append(goal(what, swift[max(swift)] / swift[1024], most=1.1))
    return rows


def goal(what: str, value: float, *, most: float) -> dict[str, object]:
    """A row of the table of goals."""
    said = "pass" if value <= most else "falls short"
    return {"goal": what, "measured": value, "at most": most, "": said}


if __name__ == "__main__":
    main()
