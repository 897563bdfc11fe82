"""Two checkouts of this repository → whether they give the same labels, tables and reports.

    python benchmarks/same_results.py BEFORE AFTER DATA -o OUT

BEFORE and AFTER are folders of source, such as git worktrees; DATA is a folder with dsb2018,
phase_contrast and timelapse_t98g. Each case is a command of `coverslip segment`, run with either
source by this Python; every file of the results but `records/` is compared byte by byte, of
report.html all but dates, durations, versions and what names the code. Slow: some ten minutes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image


def make_inputs(data: Path, folder: Path) -> dict[str, list[str]]:
    """Lay out the images of all cases; the arguments of each."""
    dsb = sorted((data / "dsb2018" / "images").glob("*"))[::67][:9]
    phase = sorted((data / "phase_contrast" / "images").glob("*"))[::12][:4]
    t98g = sorted((data / "timelapse_t98g" / "frames").glob("*"))
    film, two = folder / "film.tif", folder / "channels.tif"
    frames = np.stack([np.asarray(Image.open(path))[:500, :600] for path in t98g[:6]])
    tifffile.imwrite(film, frames, imagej=True, metadata={"axes": "TYX", "finterval": 60.0})
    pair = np.stack([frames[0], 255 - frames[1]])
    tifffile.imwrite(two, pair, imagej=True, metadata={"axes": "CYX"}, resolution=(2.0, 2.0))
    images = [str(path) for path in [*dsb, *phase]]
    return {
        "nuclei": [*map(str, dsb), "--model", "nuclei"],
        "phase": [*map(str, phase), "--model", "phase", "--drop-border"],
        "general": [*images, "--model", "general"],
        "tta": [str(dsb[0]), "--model", "nuclei", "--tta", "paper", "--probs", "--uncertainty"],
        "film": [str(film), "--model", "phase"],
        "film-zarr": [str(film), "--model", "phase", "--scale", "0.5", "--label-format", "zarr"],
        "channels": [str(two), "--model", "phase", "--channel", "1", "--fill-holes"],
        "regions": [str(phase[0]), str(two), "--model", "phase", "--region", "256"],
        "regions-film": [str(film), "--model", "phase", "--region", "200"],
        "method": [str(phase[0]), "--model", "phantast"],
        "workers": [*map(str, dsb[:4]), str(film), "--model", "general", "--workers", "2"],
    }


def run(source: Path, arguments: list[str], out: Path) -> float:
    """One command; its seconds."""
    environment = {**os.environ, "PYTHONPATH": str(source / "src")}
    command = [sys.executable, "-m", "coverslip.cli", "segment", *arguments, "-o", str(out)]
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def compare(before: Path, after: Path) -> list[str]:
    """What differs between two folders of results."""
    names = {path.relative_to(side) for side in (before, after) for path in side.rglob("*")}
    found = []
    for name in sorted(names):
        if name.parts[0] == "records" or not (
            (before / name).is_file() or (after / name).is_file()
        ):
            continue
        if not ((before / name).is_file() and (after / name).is_file()):
            found.append(f"{name}: in one alone")
        elif contents(before / name) != contents(after / name):
            found.append(f"{name}: differs")
    return found


def contents(path: Path) -> bytes:
    """A file without what may differ: dates, durations and versions in a report."""
    if path.name != "report.html":
        return path.read_bytes()
    text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", "DATE", text)
    text = re.sub(r"\d+(\.\d+)? (s|min|h)\b", "DURATION", text)
    return re.sub(r"coverslip \d[\w.+-]*", "VERSION", text).encode()


def main() -> int:
    """Run all cases on both sides and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--case", action="append", help="only these")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    n_different = 0
    for case, arguments in make_inputs(chosen.data.resolve(), chosen.out.resolve()).items():
        if chosen.case and case not in chosen.case:
            continue
        seconds = []
        for side in ("before", "after"):
            out = chosen.out / side / case
            done = out.with_name(out.name + ".seconds")
            if side == "after" or not done.is_file():  # what was before stays as it was
                done.parent.mkdir(parents=True, exist_ok=True)
                source = (chosen.before if side == "before" else chosen.after).resolve()
                extra = ["--overwrite"] if out.is_dir() else []
                done.write_text(str(run(source, [*arguments, *extra], out)))
            seconds.append(float(done.read_text()))
        different = compare(chosen.out / "before" / case, chosen.out / "after" / case)
        n_different += len(different)
        print(f"{case}: {len(different)} files differ; {seconds[0]:.1f} s, {seconds[1]:.1f} s")
        for line in different[:8]:
            print(f"  {line}")
    return int(n_different > 0)


if __name__ == "__main__":
    sys.exit(main())
