"""data sets → Figure 1: examples with their truth, and the caption that says which they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from coverslip.experiments.figures.drawn import Drawn, sentence
from coverslip.experiments.figures.shown import QUANTILE_WORDS, at_quantiles, group_by
from coverslip.figures.examples import Example, examples_figure
from coverslip.files import open_image, read_frame, read_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.experiments.datasets import DataSet
    from coverslip.files import Pair

CAPTION = (
    "Examples of the data: each image, and the outlines of its truth; the colours only tell "
    "neighbours apart. Of each data set and modality, the test images of the first split {where} "
    "of the number of annotated cells, which stands below: nobody chose them. Images that are not "
    "square show their central square; the numbers are those of the whole image."
)


def figure1(datasets: Sequence[DataSet]) -> Drawn:
    """Draw three test images of every modality, few to many cells.

    Raises:
        FileError: an image or its truth cannot be read.
    """
    rows: list[tuple[str, list[Example]]] = []
    names: list[str] = []
    for dataset in datasets:
        pairs = {pair.name: pair for pair in dataset.splits[0].test}
        counts = {name: float(read_cells(pair).max()) for name, pair in pairs.items()}
        for modality, group in group_by(counts, dataset.modality).items():
            shown = [image.name for image in at_quantiles(group, of="cells")]
            title = ", ".join(filter(None, (dataset.title, modality.replace("-", " "))))
            rows.append((sentence(title), [_example(pairs[name]) for name in shown]))
            names += [f"{dataset.name}/{name}" for name in shown]
    return Drawn("figure1", examples_figure(rows), CAPTION.format(where=QUANTILE_WORDS), names)


def _example(pair: Pair) -> Example:
    labels = read_cells(pair)
    n = int(labels.max())
    image = read_frame(open_image(pair.image))
    return Example(image, labels, f"{n} cell{'' if n == 1 else 's'}")


def read_cells(pair: Pair) -> NDArray[np.int32]:
    """Labels 1 to n; the pieces of a mask, which has no ids, are its cells."""
    labels = read_truth(pair)
    if labels.max(initial=0) <= 1:
        return np.asarray(ndimage.label(labels > 0)[0], dtype=np.int32)
    ids = np.unique(np.append(labels, 0))
    return np.searchsorted(ids, labels).astype(np.int32)
