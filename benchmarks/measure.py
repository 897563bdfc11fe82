"""Seconds to measure the cells of a drawn image, group by group, the short table beside the whole.

python benchmarks/measure.py [--size 4096] [--cells 5000] [--rounds 3]

The groups take turns, round after round, so that a machine that slows down slows all of them; each
is timed alone, with what all need (to gather the pixels and find the rims), so that they add up to
more than the whole. Times are medians of the seconds of the processor, which other work lengthens
but little; OMP_NUM_THREADS=1 keeps them to one core.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coverslip.measurements import MeasureSettings, measure
from coverslip.measurements.columns import GROUPS
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw_cells(size: int, cells: int) -> NDArray[np.uint32]:
    """Labels of ellipses, each in a field of its own and turned at random."""
    rng = np.random.default_rng(0)
    per_row = int(np.ceil(np.sqrt(cells)))
    pitch = size // per_row
    labels = np.zeros((size, size), dtype=np.uint32)
    y, x = np.mgrid[:pitch, :pitch] - pitch / 2
    for number in range(cells):
        row, column = divmod(number, per_row)
        angle, long, short = rng.uniform((0, 0.25, 0.15), (np.pi, 0.45, 0.3))
        dy, dx = y - rng.normal(0, pitch / 20), x - rng.normal(0, pitch / 20)
        along = dx * np.cos(angle) + dy * np.sin(angle)
        across = dy * np.cos(angle) - dx * np.sin(angle)
        inside = np.hypot(along / (long * pitch), across / (short * pitch)) <= 1
        field = (slice(n * pitch, (n + 1) * pitch) for n in (row, column))
        labels[tuple(field)][inside] = number + 1
    return labels


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    labels = draw_cells(options.size, options.cells)
    image = np.random.default_rng(1).integers(0, 4096, labels.shape).astype(np.uint16)
    probs = image.astype(np.float32) / 4096
    wanted = {name: (name,) for name in ("basic", *GROUPS, "all")}
    times: dict[str, list[float]] = defaultdict(list)
    columns: dict[str, int] = {}
    for _ in range(options.rounds + 1):  # the first is for warming up
        for name, properties in wanted.items():
            start = time.process_time()
            table = measure(
                labels,
                image,
                pixel_size_um=(0.5, 0.5),
                probs=probs,
                spread=probs,
                settings=MeasureSettings(properties=properties),
            )
            times[name].append(time.process_time() - start)
            columns[name] = len(table.columns)
    rows = [
        {
            "measured": name,
            "columns": columns[name],
            "seconds": (seconds := statistics.median(times[name][1:])),
            "ms a cell": 1000 * seconds / options.cells,
        }
        for name in wanted
    ]
    print(table_to_markdown(pd.DataFrame(rows), digits=2))
    print(f"{options.cells} cells of {np.count_nonzero(labels) / options.cells:.0f} px", end=" ")
    print(f"in {options.size} × {options.size}, {options.rounds} rounds, {provenance()}")


if __name__ == "__main__":
    main()
