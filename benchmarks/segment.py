"""Where the time of a segmentation goes: network, telling cells apart, measuring; in a crowd.

python benchmarks/segment.py [--size 4096] [--cells 5000] [--model phase] [--rounds 1]

Bright disks, most of them touching another, with the model that is named. What it makes of them
does not matter: to tell them apart, it is given their true maps. Seconds of the clock, so run it on
an idle machine; the shares are those of one run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from coverslip.checkpoints import load_model
from coverslip.measurements import measure
from coverslip.pipeline import SegmentSettings, predict_prepared, prepare_image
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown
from coverslip.segmentation import labels_to_maps, separate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def main() -> None:
    """Time every step in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--model", default="phase")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    labels = draw_disks(options.size, options.cells)
    names = ("mask", "distance")
    maps = dict(zip(names, labels_to_maps(labels, names), strict=True))
    image = (200 * maps["mask"] + 20).astype(np.uint8)
    model = load_model(options.model)
    settings = SegmentSettings(threshold=model.threshold)
    prepared = prepare_image(image, model)
    mask = labels > 0
    steps: dict[str, Callable[[], object]] = {
        "network": lambda: predict_prepared(prepared, model, settings=settings),
        "cells apart, by the distance map": lambda: separate(mask, maps),
        "cells apart, by the mask's shape": lambda: separate(mask, {}),
        "measured": lambda: measure(labels, image),
    }
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - begun)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    whole = sum(median.values()) - median["cells apart, by the mask's shape"]
    table = pd.DataFrame(
        {
            "step": list(median),
            "seconds": [f"{value:.1f}" for value in median.values()],
            "share of network, cells apart by the map, measured": [
                f"{100 * value / whole:.0f} %" for value in median.values()
            ],
        }
    )
    found = separate(mask, maps).max()
    print(
        f"{options.size}x{options.size}, {labels.max()} cells, {found} told apart, {options.model}"
    )
    print(f"{torch.get_num_threads()} threads, {provenance()}\n")
    print(table_to_markdown(table))


def draw_disks(size: int, cells: int) -> NDArray[np.int32]:
    """Labels of disks, each in a field of its own, nearly as wide or wider."""
    draws = np.random.default_rng(0)
    per_row = int(np.ceil(np.sqrt(cells)))
    pitch = size // per_row
    labels = np.zeros((size, size), dtype=np.int32)
    y, x = np.mgrid[:pitch, :pitch] - pitch / 2
    for number in range(cells):
        row, column = divmod(number, per_row)
        radius = draws.uniform(0.42, 0.58) * pitch
        field = (slice(n * pitch, (n + 1) * pitch) for n in (row, column))
        labels[tuple(field)][np.hypot(y, x) <= radius] = number + 1
    return labels


if __name__ == "__main__":
    main()
