"""A model on a gathered folder (scripts/gather.py) → its median image of every kind, with errors.

python scripts/pictures_kinds.py MODEL GATHERED SCORES.csv OUT.jpg

SCORES has the columns model, name, kind and mean_ap; its rows of MODEL say which image of a kind is
the median one. Green is invented, magenta missed; what is not known is left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from coverslip.checkpoints import load_model
from coverslip.figures import error_map, side_by_side
from coverslip.io import find_pairs
from coverslip.pipeline import segment
from coverslip.preprocessing import resize_image
from coverslip.training import load_labelled
from coverslip.training.weights import split_ignored

IGNORED = 32768  # of scripts/gather.py
SIDE_PX = 300
A_ROW = 5


def main(name: str, gathered: Path, table: Path, out: Path) -> None:
    """Choose, segment, draw."""
    scores = pd.read_csv(table)
    scores = scores[scores["model"] == Path(name).name].sort_values("mean_ap")
    model = load_model(name)
    pairs = {pair.name: pair for pair in find_pairs(gathered)}
    drawn = []
    for _, rows in scores.groupby("kind"):
        pair = pairs[rows["name"].iloc[len(rows) // 2]]
        image, coded = load_labelled(pair, model.preprocess, size_px=None)
        labels, ignored = split_ignored(coded, IGNORED)
        found = segment(image, model).labels
        picture = error_map(image, (labels > 0) & ~ignored, (found > 0) & ~ignored)
        drawn.append(square(picture))
    rows_of = [side_by_side(drawn[i : i + A_ROW]) for i in range(0, len(drawn), A_ROW)]
    width = max(row.shape[1] for row in rows_of)
    padded = [np.pad(row, ((0, 8), (0, width - row.shape[1]), (0, 0))) for row in rows_of]
    Image.fromarray(np.concatenate(padded)).save(out, quality=85)


def square(picture: np.ndarray) -> np.ndarray:
    """The middle of a picture, as large as its shorter side, in `SIDE_PX`."""
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    cut = picture[top : top + side, left : left + side]
    return np.rint(resize_image(cut, (SIDE_PX, SIDE_PX))).astype(np.uint8)


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument) for argument in sys.argv[2:5]))
