"""Memory and time of the tables and the page of many images, after all of them are segmented.

python benchmarks/tables.py --images 1000 --cells 10000 [--form csv]

The rows are drawn at random, with all columns that `coverslip segment` measures by default; every
image has the same, in one file. What is measured is what comes after the last image: cells.csv,
images.csv and report.html. Ten million cells need 5 GB on the disk as CSV.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from coverslip.io import write_image
from coverslip.measurements import measure
from coverslip.pipeline.outputs import Outputs
from coverslip.pipeline.record import BatchResult, Record, TablePart
from coverslip.pipeline.store import table_to_arrays, write_arrays
from coverslip.pipeline.summary import Page, write_summary
from coverslip.provenance import package_version
from coverslip.report import Run

SIDE = 8  # of a cell, a square


def main() -> None:
    """Write the tables and the page, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--cells", type=int, default=10_000, help="Of each image.")
    parser.add_argument("--form", choices=("csv", "parquet"), default="csv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        result = make_result(out, options.images, options.cells)
        targets = {path: Outputs(out, path.stem) for path in result.done}
        before, begun = peak_mb(), time.perf_counter()
        page = Page("Cells found", Run("none", package_version("coverslip"), datetime.now(), 1.0))
        write_summary(out, result, page=page, targets=targets, form=options.form)
        seconds = time.perf_counter() - begun
        size = (out / f"cells.{options.form}").stat().st_size
        print(
            f"{options.images:,} images of {options.cells:,} cells: {peak_mb():,.0f} MB at the "
            f"most ({before:,.0f} MB before), {seconds:,.0f} s, {size / 1e9:.2f} GB of table"
        )


def peak_mb() -> float:
    """The most memory that this process has held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def make_result(out: Path, n_images: int, n_cells: int) -> BatchResult:
    """Records of images that are done, all with the same rows and a small overlay each."""
    rows = make_rows(n_cells)
    rows.insert(0, "frame", 0)
    name = "records/rows/all/00000.npz"
    write_arrays(out / name, table_to_arrays(rows))
    part = TablePart(name, len(rows), list(map(str, rows)))
    overlay = np.zeros((32, 32, 3), dtype=np.uint8)
    write_image(out / "overlay.png", overlay)
    done = {}
    for number in range(n_images):
        path = Path(f"images/{number:06d}.tif")
        images = {"file": str(path), "frame": 0, "n_cells": n_cells, "confluence": 0.5}
        images |= {"median_area_px": float(SIDE**2), "height_px": 1024, "width_px": 1024}
        images |= {"overlay": "overlay.png", "labels": "labels.tif"}
        done[path] = Record(str(path), "", pd.DataFrame([images]), parts=[part])
    return BatchResult(done=done)


def make_rows(n_cells: int) -> pd.DataFrame:
    """Rows of so many square cells, measured on noise."""
    across = int(np.ceil(np.sqrt(n_cells)))
    labels = np.zeros((across * (SIDE + 2),) * 2, dtype=np.uint32)
    for number in range(n_cells):
        top, left = ((SIDE + 2) * place for place in divmod(number, across))
        labels[top : top + SIDE, left : left + SIDE] = number + 1
    noise = np.random.default_rng(0).random(labels.shape, dtype=np.float32)
    return measure(labels, {"": noise}, probs=noise)


if __name__ == "__main__":
    main()
