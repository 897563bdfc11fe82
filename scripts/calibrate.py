"""a model that ships + its training images → the ranges of its features, for int8, in its file.

python scripts/calibrate.py nuclei dsb2018 --list dsb2018/split.csv --where split=train
    --balance modality --val-fraction 0.1 [--write]

Ranges come from tiles of images that it learnt from. Then float32 and int8 are compared on the
inner validation images, which took no part: mean average precision, how far the labels of the two
agree, and seconds of the processor. With --write the ranges go into the model's file.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from skimage.io import imread

import coverslip
from coverslip.checkpoints import save_checkpoint
from coverslip.checkpoints.zoo import FOLDER
from coverslip.inference.runtime import measure_ranges
from coverslip.io import read_labels
from coverslip.metrics import cell_f1, count_cells, mean_average_precision
from coverslip.pipeline import predict_prepared, prepare_image, probs_to_labels
from coverslip.preprocessing import normalise, resize_image
from coverslip.training.splits import read_groups, select_pairs, split_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.io import Pair

SIDE = 256  # of a tile for the ranges: what most images are cut to


def main(words: Sequence[str]) -> None:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--where", required=True)
    parser.add_argument("--balance")
    parser.add_argument("--val-fraction", type=float, default=0.1)
    parser.add_argument("--tiles", type=int, default=40)
    parser.add_argument("--images", type=int, default=1000, help="so many to compare on")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(words)
    pairs = coverslip.find_pairs(options.data)
    pairs = select_pairs(pairs, options.list, where=options.where)
    groups = read_groups(pairs, options.list, column=options.balance) if options.balance else None
    train, val = split_pairs(pairs, fraction=options.val_fraction, seed=0, groups=groups)
    model = coverslip.load_model(options.model)
    step = max(1, len(train) // options.tiles)
    ranges = ranges_of(model, train[::step])
    int8 = replace(model, ranges=ranges)
    table = compare(int8, val[:: max(1, len(val) // options.images)])
    sys.stdout.write(f"{options.model}, {len(table)} images\n{table.mean().round(4).to_string()}\n")
    if options.write:
        save_checkpoint(FOLDER / f"{options.model}.safetensors", int8, half=True)


def scale_by_truth(model: Any, labels: NDArray[np.generic]) -> float:
    """The scale at which the cells of an image are as large as those that the model learnt."""
    areas = np.bincount(labels.ravel().astype(np.int64))[1:]
    usual = np.sqrt(np.median(areas[areas > 0]) * 4 / np.pi) if (areas > 0).any() else 0
    return float(np.clip(model.cell_size_px / usual, 0.2, 4)) if usual else 1.0


def ranges_of(model: Any, pairs: Sequence[Pair]) -> dict[str, tuple[float, float]]:
    """The ranges over a tile from the middle of each image, at the size that the model learnt."""
    tiles = []
    for pair in pairs:
        image = prepare_image(imread(pair.image), model)
        scale = scale_by_truth(model, read_labels(pair.masks[0]))
        height, width = (max(32, round(scale * n)) for n in image.shape[:2])
        image = resize_image(image, (height, width))
        height, width = (min(SIDE, n // 16 * 16) for n in (height, width))
        top, left = ((n - m) // 2 for n, m in zip(image.shape, (height, width), strict=False))
        tiles.append(normalise(image[top : top + height, left : left + width], model.preprocess))
    return measure_ranges(model.runnable("onnxruntime"), tiles)


def compare(model: Any, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Scores of float32 and int8 on each image, and how far their labels agree."""
    rows = []
    for pair in pairs:
        image, truth = imread(pair.image), read_labels(pair.masks[0])
        scale, row, found = scale_by_truth(model, truth), {}, {}
        for precision in ("float32", "int8"):
            predict = coverslip.PredictSettings(precision=precision, device="cpu")
            settings = coverslip.SegmentSettings(
                scale=scale, predict=predict, threshold=model.threshold, min_area_px=16
            )
            prepared = prepare_image(image, model)
            begun = time.process_time()
            probs = predict_prepared(prepared, model, settings=settings).probs
            seconds = time.process_time() - begun
            row[f"CPU-s per MP {precision}"] = seconds / (image.shape[0] * image.shape[1] / 1e6)
            found[precision] = probs_to_labels(probs, model.maps, settings=settings)
            row[f"AP {precision}"] = mean_average_precision(count_cells(truth, found[precision]))
        counts = count_cells(found["float32"], found["int8"])
        row |= {f"F1 at {t}": cell_f1(counts, threshold=t) for t in (0.5, 0.75)}
        row |= {f"cells {k}": float(v.max()) for k, v in found.items()}
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
