"""Ways to find the scale of an image × images of known scale → how far each way is off.

python benchmarks/scale.py MODEL DATA LIST.csv OUT.csv

Each image of a list (columns name, kind, seen) is cut around one of its cells, so that it holds few
(a square of 4 to 9 of its own median diameters), resized by 0.2 to 3 and dimmed by chance, with a
seed of its own. What is right is known: the scale at which the median of the true cells has the
size that the model learnt. Ways: `find_scale` as it ships, and `find_scale_by_evidence`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from coverslip.checkpoints import load_model
from coverslip.io import find_pairs
from coverslip.pipeline import predict_prepared, probs_to_labels
from coverslip.pipeline.scale import LEAST_ZOOM, MOST_ZOOM, SPECK_PX, find_scale, limit_zoom
from coverslip.pipeline.settings import own_settings, scale_of
from coverslip.preprocessing import resize_image, resize_labels
from coverslip.report import table_to_markdown
from coverslip.segmentation import cell_sizes, drop_cells
from coverslip.training import load_labelled
from coverslip.training.weights import split_ignored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.checkpoints import Checkpoint
    from coverslip.pipeline import SegmentSettings

    Image = NDArray[np.float32]

IGNORED = 32768  # of scripts/gather.py
VARIANTS = 3  # of each image
MOST_PX = 900  # of a variant's side
FIRST = (2.0, 1.0, 0.5, 0.25, 0.125)  # an octave apart: a model bears half of one either way
NEAR = 2**0.25  # a scale is found when the next is nearer than this
LOOKS = 3
KEPT = 0.9  # share of the evidence that a step must leave
BEARS = 3.0  # times larger or smaller than learnt, a cell is a clump or a bit


class Look(NamedTuple):
    """What is seen of the cells in an image's pieces at one scale."""

    size: float  # median diameter of whole cells in px of the image; nan: none
    evidence: float  # sum of 2p - 1 over what is called cell, in px of the image


def find_scale_by_evidence(
    pieces: Sequence[Image], model: Checkpoint, *, settings: SegmentSettings
) -> float:
    """Find the scale at which a model has the most to say for its cells.

    It looks at scales an octave apart, from the smallest on, as far as they can be reached; begins
    where the evidence for cells of about the learnt size is largest, and goes on to where their
    median size points, as long as the evidence does not fall.

    Args:
        pieces: of the image, each (h, w) or (h, w, 3) of `prepare_image`.
        model: with the size of the cells that it learnt.
        settings: its scale and test-time augmentation are passed over.

    Returns:
        From `LEAST_ZOOM` to `MOST_ZOOM`; 1 where nothing is called cell.
    """
    learnt = float(model.cell_size_px or 0)
    quick = replace(settings, predict=replace(settings.predict, tta="none"))
    seen = {scale: look(pieces, model, settings=replace(quick, scale=scale)) for scale in FIRST}
    best = max(seen, key=lambda scale: seen[scale].evidence)
    if not seen[best].evidence > 0:
        return 1.0
    for _ in range(LOOKS):
        scale = limit_zoom(learnt / seen[best].size)
        if 1 / NEAR < scale / best < NEAR:
            return scale
        seen[scale] = look(pieces, model, settings=replace(quick, scale=scale))
        if not seen[scale].evidence > KEPT * seen[best].evidence:
            return best
        best = scale
    return best


def look(pieces: Sequence[Image], model: Checkpoint, *, settings: SegmentSettings) -> Look:
    """Find the cells in the pieces of an image at one scale, and weigh the evidence for them.

    Only cells from a third to three times the learnt diameter speak: bits and clumps are mistakes.
    """
    scale, learnt = scale_of(settings), float(model.cell_size_px or 0)
    settings = replace(settings, min_area_px=max(1, round(SPECK_PX / scale**2)), drop_border=False)
    sizes, evidence = [np.zeros(0)], 0.0
    for piece in pieces:
        maps = predict_prepared(piece, model, settings=settings).probs
        labels = probs_to_labels(maps, model.maps, settings=settings)
        if not labels.any():
            continue
        own = np.concatenate([[np.inf], cell_sizes(labels) * scale])
        fits = ((own > learnt / BEARS) & (own < learnt * BEARS))[labels]
        evidence += float((2 * maps[0] - 1)[fits].sum())
        whole = drop_cells(labels, touching_border=True)
        sizes.append(cell_sizes(whole if whole.any() else labels))
    found = np.concatenate(sizes)
    return Look(float(np.median(found)) if len(found) else float("nan"), evidence)


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
    """What each way finds in the variants of one image, in octaves beside the truth."""
    image, coded = load_labelled(pair, model.preprocess, size_px=None)
    labels, _ = split_ignored(coded, IGNORED)
    rows = []
    for variant in range(VARIANTS):
        some, true = cut(image, labels, np.random.default_rng((number, variant)))
        sizes = cell_sizes(true)
        right = float(model.cell_size_px or 0) / float(np.median(sizes)) if len(sizes) else 0.0
        if not LEAST_ZOOM <= right <= MOST_ZOOM:
            continue
        row = {"name": pair.name, "variant": variant, "right": right, "n_cells": len(sizes)}
        for name, way in (("ships", find_scale), ("evidence", find_scale_by_evidence)):
            start = time.thread_time()
            found = way([some], model, settings=own_settings(None, model))
            row[name] = np.log2(found / right)
            row[f"{name}_s"] = time.thread_time() - start
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
    for seen, part in [("all", found), *found.groupby("seen"), *found.groupby("kind")]:
        for way in ("ships", "evidence"):
            off = part[way].abs()
            lines.append(
                {
                    "images": seen,
                    "way": way,
                    "median octaves off": off.median(),
                    "half an octave or more, %": 100 * (off > 0.5).mean(),
                    "an octave or more, %": 100 * (off > 1).mean(),
                    "processor s": part[f"{way}_s"].mean(),
                    "n": len(part),
                }
            )
    print(table_to_markdown(pd.DataFrame(lines).round(2)))


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument) for argument in sys.argv[2:5]))
