"""annotated images → Figure 1: examples of the data, and the caption that says which they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from scipy import ndimage

from coverslip import open_image, read_frame, read_truth
from coverslip.figures import (
    DOTS_PER_MM,
    DOUBLE_MM,
    SMALL_PT,
    SOFT,
    TITLE_PT,
    add_panel,
    figure_of,
    new_page,
    thumbnail,
    to_picture,
    write,
)
from coverslip.reproduction.figures.output import PaperFigure, sentence
from coverslip.reproduction.figures.pick_images import QUANTILE_WORDS, at_quantiles, group_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from coverslip import Pair
    from coverslip.figures import Picture
    from coverslip.reproduction.datasets import DataSet

GAP_IN_PAIR_MM, GAP_MM = 0.6, 3.0
TITLE_MM, WORDS_MM, ROW_GAP_MM = 5.0, 3.4, 2.6
CAPTION = (
    "Examples of the data: each image, and the outlines of its truth; the colours only tell "
    "neighbours apart. Of each data set and modality, the test images of the first split {where} "
    "of the number of annotated cells, which stands below: nobody chose them. Images that are not "
    "square show their central square; the numbers are those of the whole image."
)


def figure1(datasets: Sequence[DataSet]) -> PaperFigure:
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
    return PaperFigure(
        "figure1", examples_figure(rows), CAPTION.format(where=QUANTILE_WORDS), names
    )


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


@dataclass(frozen=True)
class Example:
    """One annotated image.

    Attributes:
        image: (H, W) or (H, W, 3), any real type, finite.
        labels: (H, W) mask or instance ids, 0 = background.
        words: A few, to stand below it.
    """

    image: NDArray[Any]
    labels: NDArray[Any]
    words: str = ""


def examples_figure(rows: Sequence[tuple[str, Sequence[Example]]]) -> Figure:
    """Draw examples of data sets, each image beside itself with the outlines of its truth.

    Args:
        rows: For each data set or modality, from the top, its title and one or more examples. The
            titles get the letters (a), (b) and so on where there is more than one.

    Returns:
        A figure of two columns' width. Images that are not square show their central square.

    Raises:
        ValueError: No row, or a row without an example.
    """
    if not rows or not all(examples for _, examples in rows):
        raise ValueError("no examples to draw: wanted one row or more, each with an example")
    n = max(len(examples) for _, examples in rows)
    side = (DOUBLE_MM - (n - 1) * GAP_MM - n * GAP_IN_PAIR_MM) / (2 * n)
    row_mm = TITLE_MM + side + WORDS_MM
    page = new_page(DOUBLE_MM, len(rows) * (row_mm + ROW_GAP_MM) - ROW_GAP_MM)
    for number, (title, examples) in enumerate(rows):
        top = number * (row_mm + ROW_GAP_MM)
        letter = f"({chr(ord('a') + number)}) " if len(rows) > 1 else ""
        write(page, letter + title, x=0, y=top + 3.2, size=TITLE_PT, weight="bold")
        for column, example in enumerate(examples):
            x = column * (2 * side + GAP_IN_PAIR_MM + GAP_MM)
            _draw_pair(page, example, x=x, y=top + TITLE_MM, side=side)
    return figure_of(page)


def _draw_pair(page: Axes, example: Example, *, x: float, y: float, side: float) -> None:
    image, labels = _central_square(example.image), _central_square(example.labels)
    side_px = round(side * DOTS_PER_MM)
    outlined = thumbnail(image, labels, side_px=side_px)
    add_panel(page, _resize(to_picture(image), len(outlined)), x=x, y=y, side=side)
    add_panel(page, outlined, x=x + side + GAP_IN_PAIR_MM, y=y, side=side)
    write(page, example.words, x=x, y=y + side + 2.6, size=SMALL_PT, color=SOFT)


def _resize(picture: Picture, side_px: int) -> Picture:
    """To the size of the outlined picture beside it, so that both are equally sharp."""
    image = Image.fromarray(picture).resize((side_px, side_px), Image.Resampling.LANCZOS)
    return np.array(image)


def _central_square(array: NDArray[Any]) -> NDArray[Any]:
    side = min(array.shape[:2])
    top, left = ((length - side) // 2 for length in array.shape[:2])
    return array[top : top + side, left : left + side]
