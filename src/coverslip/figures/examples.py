"""annotated images → Figure 1: what the data look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coverslip.figures.display import Picture, to_picture
from coverslip.figures.overlay import thumbnail
from coverslip.figures.page import (
    DOTS_PER_MM,
    DOUBLE_MM,
    SMALL_PT,
    SOFT,
    TITLE_PT,
    add_panel,
    figure_of,
    new_page,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP_IN_PAIR_MM, GAP_MM = 0.6, 3.0
TITLE_MM, WORDS_MM, ROW_GAP_MM = 5.0, 3.4, 2.6


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


def examples_figure(rows: Sequence[tuple[str, Sequence[Example]]]) -> "Figure":
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


def _draw_pair(page: "Axes", example: Example, *, x: float, y: float, side: float) -> None:
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
