"""Annotated images of many sources → one training folder, and the list of their kinds.

python scripts/gather.py DATA OUT [KINDS.csv]

DATA holds a folder for each source, as SOURCES names them. OUT gets images/, labels/ and list.csv,
a row for each image:

- name: source and number or name of the image;
- source: of SOURCES;
- kind: modality, source and look: for DSB2018 the modality and the image's size, for others one;
- balance: kind, parted where a source is to be seen more often than the root of its number;
- split: train, or val for those that choose a checkpoint. Never in it: the 161 validation images of
  DSB2018, and fold 0 of the phase contrast, on which scores are reported.

Labels from 32768 on are of pixels without loss (coverslip train --ignored-from 32768): a rim of
2 px around the loose labels of the phase contrast, but not between touching cells; and what is
farther than 24 px from the one neuron of an image that is labelled.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

from coverslip.training.weights import touches

if TYPE_CHECKING:
    from numpy.typing import NDArray

IGNORED = 32768
RIM_PX = 2
NEURON_PX = 24


class Source(NamedTuple):
    """Where a source lies and how it is split."""

    folder: str
    modality: str
    labels: str = "labels"
    parts: int = 1  # kinds that it counts as, where it is to be seen more often
    block: int = 1  # images that follow one another and are alike, so that they stay together
    every: int = 8  # one block in so many validates


SOURCES = {
    "dsb": Source("dsb2018", "fluorescence", every=16),
    "phase": Source("phase_contrast", "phase contrast", parts=9),
    "cho": Source("bbbc030_cho_dic", "DIC", parts=2, every=12),
    "cornea": Source("corneal_endothelium", "specular microscopy"),
    "ecoli": Source("tracks/ecoli_vanvliet_trpL", "phase contrast", "TRA", block=4, every=5),
    "neurons": Source("pfc_neurons_bf", "bright field", every=11),
    "kromp": Source("bsst265_fluo_nuclei", "fluorescence", parts=2),
    "thick": Source("nachtflug_tissue_nuclei", "fluorescence", block=4),
    "u2os": Source("bbbc039_u2os_nuclei", "fluorescence", every=11),
}


def main(data: Path, out: Path, kinds: Path | None) -> None:
    """Copy, and write down what each image is."""
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    rows = [row for name, source in SOURCES.items() for row in gather(name, source, data, out)]
    table = pd.DataFrame(rows)
    if table["name"].duplicated().any():
        raise SystemExit("two images have one name")
    table.to_csv(out / "list.csv", index=False)
    if kinds is not None:
        table.to_csv(kinds, index=False)
    sys.stdout.write(table.groupby(["kind", "split"]).size().unstack().to_string() + "\n")


def gather(name: str, source: Source, data: Path, out: Path) -> list[dict[str, Any]]:
    """Copy the images and labels of one source."""
    folder = data / source.folder
    chosen = choose(name, folder)
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(chosen):
        image = np.asarray(Image.open(path))
        labels = read_labels(folder / source.labels, path)
        if not labels.any():  # coverslip train refuses it
            continue
        kind, balance = kind_of(name, source, path, image=image, number=number)
        own = f"{name}_{path.stem[:32]}"
        Image.fromarray(image).save(out / "images" / f"{own}.png")
        Image.fromarray(mark_ignored(name, labels)).save(out / "labels" / f"{own}.png")
        held = number // source.block % source.every == source.every // 2
        rows.append(
            {
                "name": own,
                "source": name,
                "kind": kind,
                "balance": balance,
                "split": "val" if held else "train",
                "n_cells": len(np.unique(labels[labels > 0])),
            }
        )
    return rows


def choose(name: str, folder: Path) -> list[Path]:
    """The images of a source that may be learnt from, in order."""
    paths = sorted((folder / "images").iterdir())
    if name == "dsb":
        split = read_column(folder / "split.csv", "split")
        modality = read_column(folder / "split.csv", "modality")
        paths = [path for path in paths if split[path.stem] == "train"]
        # kind by kind, so that each of them is among those that validate
        return sorted(paths, key=lambda path: (modality[path.stem], Image.open(path).size))
    if name == "phase":
        fold = read_column(folder / "folds.csv", "fold")
        return [path for path in paths if fold[path.stem] != "0"]
    return paths


def kind_of(
    name: str, source: Source, path: Path, *, image: NDArray[np.uint8], number: int
) -> tuple[str, str]:
    """An image's kind, and the group in which it is balanced."""
    if name == "dsb":
        modality = read_column(path.parents[1] / "split.csv", "modality")[path.stem]
        size = f"{round(image.shape[0], -1)}x{round(image.shape[1], -1)}"
        return (f"{modality}, dsb {size}",) * 2
    kind = f"{source.modality}, {name}"
    return kind, f"{kind} {number % source.parts}" if source.parts > 1 else kind


@cache
def read_column(table: Path, column: str) -> dict[str, str]:
    """Name → value, of a table that is read once."""
    rows = pd.read_csv(table, dtype=str).set_index("name")
    return dict(rows[column])


def read_labels(folder: Path, image: Path) -> NDArray[np.int64]:
    """The labels of an image; those of the tracks have another name."""
    path = folder / image.name
    if not path.exists():
        path = folder / image.name.replace("t", "man_track", 1)
    return np.asarray(Image.open(path)).astype(np.int64)


def mark_ignored(name: str, labels: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The labels with `IGNORED` added to the pixels that are not to be learnt."""
    ignored = np.zeros(labels.shape, dtype=bool)
    if name == "phase":
        ignored = rim(labels)
    if name == "neurons":
        ignored = ndimage.distance_transform_edt(labels == 0) > NEURON_PX
    marked: NDArray[np.uint16] = (labels + IGNORED * ignored).astype(np.uint16)
    return marked


def rim(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """What lies within `RIM_PX` of the border of a cell with the background."""
    inside = labels > 0
    depth = ndimage.distance_transform_edt(inside)
    height = ndimage.distance_transform_edt(~inside)
    near = np.where(inside, depth, height) <= RIM_PX
    found: NDArray[np.bool_] = near & ~touches(labels.astype(np.int32))
    return found


if __name__ == "__main__":
    kinds_csv = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    main(Path(sys.argv[1]), Path(sys.argv[2]), kinds_csv)
