"""Memory and time of one image that is larger than memory, from file to label file.

python benchmarks/large.py --size 40000 --folder /tmp/large [--input tif] [--labels tif]

The two phase-contrast examples, turned and mirrored at random, fill the image; so cells lie in all
of it, and meet others at the seams. `coverslip segment` runs in a process of its own, of which the
system says at the end how much memory it held at most. The image is made once in the folder and
left there; 40,000 x 40,000 pixels need 1.6 GB on the disk, and work on it about 10 GB more.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import tifffile

from coverslip.io import open_image, read_frame
from coverslip.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

EXAMPLES = Path(__file__).parents[1] / "examples" / "phase"
SIDE = 1008  # of the pieces that the examples are cut to; a multiple of 16, as TIFF's tiles


def main() -> None:
    """Make the image, segment it, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=40_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--input", choices=("tif", "zarr"), default="zarr")
    parser.add_argument("--labels", choices=("tif", "zarr"), default="zarr")
    parser.add_argument("--options", default="--model phase", help="Of coverslip segment.")
    options = parser.parse_args()
    image = options.folder / f"slide_{options.size}.{options.input}"
    if not image.exists():
        make = {"tif": write_tiff, "zarr": write_zarr}[options.input]
        make(image, options.size)
    out = options.folder / f"results_{options.size}_{options.input}_{options.labels}"
    command = [sys.executable, "-m", "coverslip.cli", "segment", str(image), "-o", str(out)]
    command += ["--label-format", options.labels, *options.options.split()]
    before, begun = os.times(), time.perf_counter()
    subprocess.run(command, check=True)
    seconds, after = time.perf_counter() - begun, os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    megapixels = options.size**2 / 1e6
    images = pd.read_csv(out / "images.csv")
    found = {
        "pixels": f"{options.size} x {options.size}",
        "input": options.input,
        "labels": options.labels,
        "cells": int(images["n_cells"].sum()),
        "seconds": round(seconds, 1),
        "s/MP": round(seconds / megapixels, 3),
        "CPU-s/MP": round(cpu / megapixels, 3),
        "peak memory, MB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "options": options.options,
        **provenance(),
    }
    print(json.dumps(found))


def pieces(size: int) -> Iterator[tuple[slice, slice, NDArray[np.uint8]]]:
    """Squares that cover the image in reading order, each an example turned and mirrored."""
    rng = np.random.default_rng(0)
    examples = [
        read_frame(open_image(path))[:SIDE, :SIDE] for path in sorted(EXAMPLES.glob("*.png"))
    ]
    for top in range(0, size, SIDE):
        for left in range(0, size, SIDE):
            piece = np.rot90(examples[rng.integers(len(examples))], rng.integers(4))
            piece = piece[:, ::-1] if rng.integers(2) else piece
            rows, columns = (slice(start, min(start + SIDE, size)) for start in (top, left))
            height, width = rows.stop - top, columns.stop - left
            yield rows, columns, np.ascontiguousarray(piece[:height, :width])


def write_zarr(path: Path, size: int) -> None:
    """A plain Zarr array in chunks of a piece each."""
    import zarr

    array = zarr.create_array(path, shape=(size, size), chunks=(SIDE, SIDE), dtype=np.uint8)
    for rows, columns, piece in pieces(size):
        array[rows, columns] = piece


def write_tiff(path: Path, size: int) -> None:
    """A tiled OME-TIFF, a tile a piece."""

    def tiles() -> Iterator[NDArray[np.uint8]]:
        for _, _, piece in pieces(size):
            tile = np.zeros((SIDE, SIDE), np.uint8)
            tile[: piece.shape[0], : piece.shape[1]] = piece
            yield tile

    tifffile.imwrite(
        path,
        tiles(),
        shape=(size, size),
        dtype=np.uint8,
        tile=(SIDE, SIDE),
        ome=True,
        metadata={"axes": "YX", "PhysicalSizeX": 0.65, "PhysicalSizeY": 0.65},
    )


if __name__ == "__main__":
    main()
