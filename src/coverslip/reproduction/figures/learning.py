"""scores of models that learnt from few images → a curve for each start."""

from typing import TYPE_CHECKING

import pandas as pd

from coverslip.figures import (
    FAINT,
    FONT,
    HAIRLINE_PT,
    INK,
    LABEL_PT,
    SMALL_PT,
    add_axes,
    figure_of,
    new_page,
    write,
)
from coverslip.reproduction.figures.legend import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_MM, HEIGHT_MM = 86.0, 74.0  # a column of a journal
LEFT_MM, TOP_MM, RIGHT_MM, BOTTOM_MM = 12.0, 11.0, 3.0, 11.0


def learning_figure(table: pd.DataFrame, *, score: str, name: str) -> "Figure":
    """Draw the mean over draws against the number of images, and the draws themselves as dots.

    Args:
        table: One row per training: start, images (at least 1), and the score from 0 to 1.
        score: The column drawn.
        name: What it is, for the axis.

    Returns:
        A figure of one column's width.

    Raises:
        ValueError: There is no training.
    """
    if table.empty:
        raise ValueError("wanted one training or more")
    page = new_page(WIDTH_MM, HEIGHT_MM)
    width, height = WIDTH_MM - LEFT_MM - RIGHT_MM, HEIGHT_MM - TOP_MM - BOTTOM_MM
    axes = add_axes(page, x=LEFT_MM, y=TOP_MM, width=width, height=height)
    for number, (start, rows) in enumerate(table.groupby("start", sort=False)):
        colour = COLOURS[number % len(COLOURS)]
        mean = 100 * rows.groupby("images")[score].mean()
        axes.plot(rows["images"], 100 * rows[score], "o", color=colour, markersize=2.2, alpha=0.5)
        axes.plot(mean.index, mean, "-", color=colour, linewidth=1.4, label=str(start))
    _set_looks(axes, sorted(table["images"].unique()))
    middle = {"x": LEFT_MM + width / 2, "y": HEIGHT_MM - 1.5}
    write(page, "annotated images", **middle, size=LABEL_PT, ha="center")
    turned = {"x": 2.5, "y": TOP_MM + height / 2, "rotation": 90}
    write(page, f"{name} (%)", **turned, size=LABEL_PT, ha="center", va="center")
    return figure_of(page)


def _set_looks(axes: "Axes", numbers: list[int]) -> None:
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color=FAINT, linewidth=HAIRLINE_PT)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=SMALL_PT, labelcolor=INK, labelfontfamily=FONT)
    for side in axes.spines.values():
        side.set(color=FAINT, linewidth=HAIRLINE_PT)
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),  # above, where no curve can be
        ncols=2,
        frameon=False,
        prop={"family": FONT, "size": SMALL_PT},
    )
