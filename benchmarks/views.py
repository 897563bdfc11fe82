"""Which views of test-time augmentation are worth their time: mean average precision of each.

python benchmarks/views.py MODEL DATA --list CSV --where 'split=train' [--images 24]

Each image is predicted under the eight symmetries once, at the size of cells that the model learnt,
as its truth tells; the image with each of the others, and all that `--tta` names, are then scored.
Choose by images that the model learnt from or that chose its checkpoint, never by those on which
scores are reported. Seconds are those of the processor, of the views that a choice needs.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from skimage.io import imread

import coverslip
from coverslip.io import read_labels
from coverslip.metrics import count_cells, mean_average_precision
from coverslip.pipeline import prepare_image, probs_to_labels, resize_maps
from coverslip.preprocessing import normalise, resize_image
from coverslip.provenance import provenance
from coverslip.reproduction.tables.write import table_to_markdown
from coverslip.tiling import TTA
from coverslip.tiling.symmetry import SYMMETRIES
from coverslip.training.splits import select_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.io import Pair


def main() -> None:
    """Score every choice on every image and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--where", required=True)
    parser.add_argument("--images", type=int, default=24)
    options = parser.parse_args()
    pairs = select_pairs(coverslip.find_pairs(options.data), options.list, where=options.where)
    model = coverslip.load_model(options.model)
    step = max(1, len(pairs) // options.images)
    rows = [row for pair in pairs[::step][: options.images] for row in score_views(model, pair)]
    table = pd.DataFrame(rows).groupby("views", sort=False).mean(numeric_only=True).reset_index()
    sys.stdout.write(f"{table_to_markdown(table, digits=2)}\n\n")
    sys.stdout.write(f"{options.model}, {len(rows) // len(choices())} images; {provenance()}\n")


def choices() -> dict[str, tuple[str, ...]]:
    """What is scored: views by the name of the choice."""
    names = {symmetry: name for name, symmetry in SYMMETRIES.items()}
    named = {f"--tta {tta}": tuple(names[one] for one in views) for tta, views in TTA.items()}
    pairs = {f"identity + {two}": ("identity", two) for two in list(SYMMETRIES)[1:]}
    return {**named, **pairs}


def score_views(model: Any, pair: Pair) -> list[dict[str, object]]:
    """A row for each choice, of one image."""
    image, truth = imread(pair.image), read_labels(pair.masks[0])
    shape = (image.shape[0], image.shape[1])
    prepared = prepare_image(image, model)
    scale = scale_by_truth(model, truth)
    height, width = (max(32, round(scale * length)) for length in shape)
    arrays = normalise(resize_image(prepared, (height, width)), model.preprocess)
    probs, seconds = predict_views(model, arrays)
    settings = coverslip.SegmentSettings(threshold=model.threshold, min_area_px=16)
    rows: list[dict[str, object]] = []
    for name, views in choices().items():
        mean = np.stack([probs[view] for view in views]).mean(axis=0, dtype=np.float32)
        labels = probs_to_labels(resize_maps(mean, shape), model.maps, settings=settings)
        precision = mean_average_precision(count_cells(truth, labels))
        cpu_s = sum(seconds[view] for view in views) / (shape[0] * shape[1] / 1e6)
        rows.append({"views": name, "mean AP": 100 * precision, "CPU-s per megapixel": cpu_s})
    return rows


def predict_views(
    model: Any, arrays: NDArray[np.float32]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
    """The probabilities under each symmetry, turned back, and seconds of the processor."""
    predictor = model.predictor(coverslip.PredictSettings(device="cpu"))
    probs, seconds = {}, {}
    for name, symmetry in SYMMETRIES.items():
        begun = time.process_time()
        turned = np.ascontiguousarray(symmetry.forward(arrays))
        probs[name] = symmetry.inverse(predictor.predict(turned).probs)
        seconds[name] = time.process_time() - begun
    return probs, seconds


def scale_by_truth(model: Any, labels: NDArray[np.generic]) -> float:
    """The scale at which the cells of an image are as large as those that the model learnt."""
    areas = np.bincount(labels.ravel().astype(np.int64))[1:]
    usual = np.sqrt(np.median(areas[areas > 0]) * 4 / np.pi) if (areas > 0).any() else 0
    return float(np.clip(model.cell_size_px / usual, 0.2, 4)) if usual else 1.0


if __name__ == "__main__":
    main()
