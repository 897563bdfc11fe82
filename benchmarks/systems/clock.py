"""a function from image file to label file → its seconds and memory, as a line of JSON.

Every system's script calls `clock`, in the system's own environment: no coverslip is needed here.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
import tifffile

if TYPE_CHECKING:
    from collections.abc import Callable

ENOUGH_S = 30  # after so many no further round is begun
TILE = 1024  # for systems that leave large images to their users


def clock(segment: Callable[[str, str], object]) -> None:
    """Run a system on a small image to warm it up, then on the one asked for, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--rounds", type=int, default=1)
    options, _ = parser.parse_known_args()
    segment(options.small, options.labels)
    seconds, cpu = [], []
    while len(seconds) < options.rounds and sum(seconds) < ENOUGH_S:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        segment(options.image, options.labels)
        seconds.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - begun_cpu)
    found = {
        "seconds": statistics.median(seconds),
        "cpu_seconds": statistics.median(cpu),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "n_cells": int(tifffile.imread(options.labels).max()),
    }
    print(json.dumps(found))


def tiles(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Squares that cover an image, side by side."""
    return [
        (slice(top, top + TILE), slice(left, left + TILE))
        for top in range(0, shape[0], TILE)
        for left in range(0, shape[1], TILE)
    ]


def write(path: str, labels: np.ndarray) -> None:
    """Write labels as a compressed TIFF, as we do."""
    tifffile.imwrite(path, labels.astype(np.uint32), compression="zlib")
