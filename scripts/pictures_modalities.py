"""Held-out images of several modalities → what was found in each, and where it is wrong.

python scripts/pictures_modalities.py DATA FINE_TUNED OUT.jpg

DATA has a folder of images and labels for each source (docs/results/kinds.md); FINE_TUNED is a
model that learnt five images in DIC. Above, the cells as they were found; below, green is invented
and magenta missed. None of the models learnt from the image that it is shown on; the images are the
medians of theirs, in DIC, stains and cornea by mean AP, of neurons, where that is 0, by Jaccard.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import coverslip
from coverslip.figures import error_map, overlay, side_by_side
from coverslip.io import read_labels

SIDE_PX = 220


@dataclass(frozen=True)
class Shown:
    """An image, whose model, and how large its busiest square is: a share of its shorter side."""

    image: str
    labels: str
    model: str
    share: float = 1.0


def main(data: Path, fine_tuned: str, out: Path) -> None:
    """Segment and draw."""
    dic = find(data / "bbbc030_cho_dic", "cho55")
    nuclei = data / "dsb2018"
    shown = [
        Shown(*dic, "general", 0.6),
        Shown(*dic, fine_tuned, 0.6),
        Shown(*find(nuclei, "00ae65c1c6631ae6"), "nuclei"),
        Shown(*find(nuclei, "091944f1d2611c91"), "nuclei", 0.4),
        Shown(*find(data / "pfc_neurons_bf", "pfc_011"), "general"),
        Shown(*find(data / "corneal_endothelium", "ec_29"), "general"),
    ]
    rows = [[], []]
    for one in shown:
        image = coverslip.read_frame(coverslip.open_image(data / one.image))
        labels = read_labels(data / one.labels)
        found = coverslip.segment(image, one.model)
        window = busiest(labels > 0, share=one.share)
        rows[0].append(square(overlay(image, found.labels)[window]))
        rows[1].append(square(error_map(image, labels > 0, found.labels > 0)[window]))
    both = [side_by_side(row) for row in rows]
    gap = np.full((8, both[0].shape[1], 3), 255, np.uint8)
    Image.fromarray(np.concatenate([both[0], gap, both[1]])).save(out, quality=85)


def find(folder: Path, name: str) -> tuple[str, str]:
    """The image of a name, and its labels, as paths from the folder of all data."""
    (image,) = (folder / "images").glob(f"*{name}*")
    (labels,) = (folder / "labels").glob(f"*{name}*")
    return tuple(str(path.relative_to(folder.parent)) for path in (image, labels))


def busiest(mask: np.ndarray, *, share: float) -> tuple[slice, slice]:
    """The square, of a share of the shorter side, in which most pixels are cell."""
    side = round(min(mask.shape) * share)
    tops, lefts = (np.linspace(0, length - side, 9, dtype=int) for length in mask.shape)
    windows = [(slice(y, y + side), slice(x, x + side)) for y in tops for x in lefts]
    return max(windows, key=lambda window: mask[window].sum())


def square(picture: np.ndarray) -> np.ndarray:
    """A picture in `SIDE_PX`."""
    return np.asarray(Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
