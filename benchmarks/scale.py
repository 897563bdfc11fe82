"""The search for the scale of an image × images of known scale → how far it is off.

python benchmarks/scale.py MODEL DATA LIST.csv OUT.csv

Each image of a list (columns name, kind, seen) is cut around one of its cells, so that it holds few
(a square of 4 to 9 of its own median diameters), resized by 0.2 to 3 and dimmed by chance, with a
seed of its own. What is right is known: the scale at which the median of the true cells has the
size that the model learnt. Each image is looked at whole, too.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.checkpoints import load_model
from coverslip.io import find_pairs
from coverslip.pipeline.scale import LEAST_ZOOM, MOST_ZOOM, find_scale, windows
from coverslip.pipeline.settings import own_settings
from coverslip.preprocessing import resize_image, resize_labels
from coverslip.reproduction.tables.write import table_to_markdown
from coverslip.segmentation import cell_sizes
from coverslip.training import load_labelled
from coverslip.training.weights import split_ignored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.checkpoints import Checkpoint

    Image = NDArray[np.float32]

IGNORED = 32768  # of scripts/gather.py
VARIANTS = 3  # of each image
MOST_PX = 900  # of a variant's side


def cut(
    image: Image, labels: NDArray[np.int32], rng: np.random.Generator
) -> tuple[Image, NDArray[np.int32]]:
    """A square around one cell, of few diameters, resized and dimmed."""
    size = float(np.median(cell_sizes(labels)))
    half = max(16, round(size * rng.uniform(4, 9) / 2))
    rows, columns = np.nonzero(labels == rng.choice(np.unique(labels[labels > 0])))
    middle = int(rng.integers(len(rows)))
    window = tuple(
        slice(max(0, place - half), place + half) for place in (rows[middle], columns[middle])
    )
    image, labels = image[window], labels[window]
    zoom = min(float(np.exp(rng.uniform(np.log(0.2), np.log(3.0)))), MOST_PX / (2 * half))
    shape = tuple(max(24, round(zoom * length)) for length in labels.shape)
    image = resize_image(image, (shape[0], shape[1]))
    low = rng.uniform(0, 0.2)
    image = low + (rng.uniform(0.3, 1.0) - low) * image
    noisy = image + rng.normal(0, rng.uniform(0, 0.03), shape)[(..., *[None] * (image.ndim - 2))]
    return np.clip(noisy, 0, 1).astype(np.float32), resize_labels(labels, (shape[0], shape[1]))


def measure(model: Checkpoint, pair: Any, number: int) -> list[dict[str, Any]]:
    """What is found in the variants of one image and in the whole, in octaves beside the truth."""
    image, coded = load_labelled(pair, model.preprocess, size_px=None)
    labels, _ = split_ignored(coded, IGNORED)
    rows = []
    for variant in range(VARIANTS + 1):
        some, true = image, labels
        if variant < VARIANTS:
            some, true = cut(image, labels, np.random.default_rng((number, variant)))
        sizes = cell_sizes(true)
        right = float(model.cell_size_px or 0) / float(np.median(sizes)) if len(sizes) else 0.0
        if not LEAST_ZOOM <= right <= MOST_ZOOM:
            continue
        row = {"name": pair.name, "variant": variant, "right": right, "n_cells": len(sizes)}
        row["is_whole"] = variant == VARIANTS
        pieces = [some[window] for window in windows(some.shape[:2])]
        start = time.thread_time()
        found = find_scale(pieces, model, settings=own_settings(None, model))
        row |= {"octaves": np.log2(found / right), "processor_s": time.thread_time() - start}
        rows.append(row)
    return rows


def main(name: str, data: Path, table: Path, out: Path) -> None:
    """Measure, write every variant, print what share is off by how much."""
    model = load_model(name)
    wanted = pd.read_csv(table).query("invert == 0").drop_duplicates("name")
    pairs = {pair.name: pair for pair in find_pairs(data)}
    rows = [
        row
        for number, own in enumerate(wanted["name"])
        for row in measure(model, pairs[own], number)
    ]
    found = pd.DataFrame(rows).merge(wanted[["name", "kind", "seen"]], on="name")
    found.to_csv(out, index=False, float_format="%.4f")
    lines = []
    for (seen, is_whole), part in found.groupby(["seen", "is_whole"]):
        off = part["octaves"].abs()
        lines.append(
            {
                "kinds seen": seen,
                "whole": is_whole,
                "median octaves off": off.median(),
                "half an octave or more, %": 100 * (off > 0.5).mean(),
                "an octave or more, %": 100 * (off > 1).mean(),
                "processor s": part["processor_s"].mean(),
                "n": len(part),
            }
        )
    print(table_to_markdown(pd.DataFrame(lines).round(2)))


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument) for argument in sys.argv[2:5]))
