"""The model phase on images that it never saw → the pictures of its card.

python scripts/pictures.py DATA [-o docs/pictures]

DATA has the folders phase_contrast (Usiigaci with folds.csv), timelapse_t98g and timelapse_mda231.
All is predicted as `coverslip segment --model phase --tta paper` does.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from coverslip.checkpoints import load_model
from coverslip.figures import error_map, overlay, side_by_side, thumbnail, to_picture
from coverslip.io import open_image, read_frame, read_labels
from coverslip.metrics import count_cells, count_pixels, jaccard, mean_average_precision
from coverslip.pipeline import own_settings, segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.checkpoints import Checkpoint
    from coverslip.pipeline import SegmentSettings


def main() -> None:
    """Segment, choose, and write the four pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    folder = options.data / "phase_contrast"
    folds = pd.read_csv(folder / "folds.csv", dtype=str)
    tests = [Test(folder, name) for name in folds["name"][folds["fold"] == "0"]]
    by_pixels = best_median_worst(
        tests, lambda one: jaccard(count_pixels(one.truth > 0, one.pred > 0))
    )
    errors = [error_map(one.image, one.truth, one.pred) for one in by_pixels]
    save(options.out / "phase_errors.jpg", side_by_side([shrink(one, 512) for one in errors]))
    by_cells = best_median_worst(
        tests, lambda one: mean_average_precision(count_cells(one.truth, one.pred))
    )
    save(options.out / "touching.jpg", stack([row(one) for one in by_cells]))
    films = {
        "mda231": (options.data / "timelapse_mda231", ("000.jpg", "060.jpg"), 800),
        "t98g": (options.data / "timelapse_t98g" / "frames", ("t25.png", "t35.png"), 700),
    }
    for name, (place, frames, width) in films.items():
        images = [read_frame(open_image(place / frame)) for frame in frames]
        drawn = [thumbnail(image, find(image), side_px=width) for image in images]
        save(options.out / f"{name}.jpg", side_by_side(drawn))


class Test:
    """A test image, its truth and what was found in it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.image = read_frame(open_image(folder / "images" / f"{name}.png"))
        self.truth = read_labels(folder / "labels" / f"{name}.png")
        self.pred = find(self.image)


@cache
def model() -> tuple[Checkpoint, SegmentSettings]:
    """The model, and the settings with which it is shown."""
    loaded = load_model("phase")
    settings = own_settings(None, loaded)
    predict = replace(settings.predict, tta="paper", device="cpu")
    return loaded, replace(settings, predict=predict)


def find(image: NDArray[Any]) -> NDArray[np.uint32]:
    """The cells of an image."""
    loaded, settings = model()
    return segment(image, loaded, settings=settings).labels


def best_median_worst(tests: list[Test], score: Callable[[Test], float]) -> list[Test]:
    """Three of the images, by their scores."""
    ordered = sorted(tests, key=score, reverse=True)
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


def row(test: Test) -> NDArray[np.uint8]:
    """The most crowded quarter: the image, the cells as drawn, the cells as found."""
    height, width = (length // 2 for length in test.truth.shape)
    quarters = [
        (slice(top, top + height), slice(left, left + width))
        for top in (0, height)
        for left in (0, width)
    ]
    crowded = max(quarters, key=lambda part: len(np.unique(test.truth[part])))
    image = to_picture(test.image)[crowded]
    drawn = [overlay(test.image, labels)[crowded] for labels in (test.truth, test.pred)]
    return side_by_side([image, *drawn])


def stack(rows: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Rows below one another, as `side_by_side` sets pictures beside one another."""
    turned = side_by_side([one.transpose(1, 0, 2) for one in rows])
    return np.ascontiguousarray(turned.transpose(1, 0, 2))


def shrink(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """To a width in pixels."""
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def save(path: Path, picture: NDArray[np.uint8]) -> None:
    """As a JPEG for a page."""
    Image.fromarray(picture).save(path, quality=88)


if __name__ == "__main__":
    main()
