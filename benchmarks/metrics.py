"""Time of scoring cells, beside comparing every true cell with every predicted one.

python benchmarks/metrics.py [--rounds 3]

Both ways count the matches at an IoU of 0.5, on the same images; they take turns, round after
round, so that a machine that slows down slows both. Every pair costs the slow way a look at the
whole image, so it is timed on small images only. Times are medians; the ratio is slow / fast.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.metrics import count_cells, count_overlaps, match_cells
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Labels = NDArray[np.int32]

# Cells along one side, and pixels: 5,041 cells in the image that the last but one is.
SIZES = ((5, 256), (9, 512), (71, 4096), (142, 4096))
LARGEST_SLOW_PX = 512


def draw_discs(n_side: int, *, size_px: int, seed: int) -> Labels:
    """Discs on a grid, each a little off its place and of its own size."""
    rng = np.random.default_rng(seed)
    step = size_px // n_side
    reach = np.arange(step) - step / 2
    labels = np.zeros((size_px, size_px), np.int32)
    for number in range(n_side * n_side):
        top, left = (step * place for place in divmod(number, n_side))
        y, x = rng.uniform(-0.1, 0.1, 2) * step
        disc = np.hypot(reach[:, None] - y, reach - x) < rng.uniform(0.3, 0.38) * step
        labels[top : top + step, left : left + step][disc] = number + 1
    return labels


def match_fast(truth: Labels, pred: Labels) -> int:
    """Matches at 0.5, by runs of pixels and a sparse table."""
    return len(match_cells(count_overlaps(truth, pred)))


def match_slow(truth: Labels, pred: Labels) -> int:
    """Matches at 0.5, by the masks of every true and every predicted cell."""
    pred_cells = [pred == number for number in np.unique(pred[pred > 0])]
    matches = 0
    for number in np.unique(truth[truth > 0]):
        cell = truth == number
        for other in pred_cells:
            shared = np.count_nonzero(cell & other)
            matches += 2 * shared >= np.count_nonzero(cell | other)
    return matches


def seconds(work: Callable[[Labels, Labels], Any], truth: Labels, pred: Labels) -> float:
    """How long it takes once."""
    start = time.perf_counter()
    work(truth, pred)
    return time.perf_counter() - start


def measure_size(n_side: int, *, size_px: int, rounds: int) -> dict[str, object]:
    """One row of the table."""
    truth, pred = (draw_discs(n_side, size_px=size_px, seed=seed) for seed in (0, 1))
    ways = {"match (s)": match_fast, "all scores (s)": count_cells}
    if size_px <= LARGEST_SLOW_PX:
        ways["every pair (s)"] = match_slow
        if match_slow(truth, pred) != match_fast(truth, pred):
            raise SystemExit("the two ways do not agree")
    times = {name: [seconds(way, truth, pred)] for name, way in ways.items()}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(seconds(way, truth, pred))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    slow = medians.get("every pair (s)", float("nan"))
    return {
        "cells": n_side * n_side,
        "image (px)": f"{size_px} x {size_px}",
        "matched": match_fast(truth, pred),
        **medians,
        "every pair (s)": slow,
        "every pair / match": slow / medians["match (s)"],
    }


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    rows = [measure_size(n_side, size_px=size_px, rounds=rounds) for n_side, size_px in SIZES]
    print(table_to_markdown(pd.DataFrame(rows)))
    print(f"{rounds} rounds, {provenance()}")


if __name__ == "__main__":
    main()
