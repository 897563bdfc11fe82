"""scores of images made worse, step by step → a small panel for each degradation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.figures.page import (
    DOUBLE_MM,
    FAINT,
    FONT,
    HAIRLINE_PT,
    INK,
    LINE_PT,
    SMALL_PT,
    SOFT,
    add_axes,
    figure_of,
    new_page,
    text_mm,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 5
NARROW_MM = 145.0  # the width for one panel or two: room for the legend
LEFT_MM, GAP_MM, PANEL_MM = 9.0, 3.0, 26.0  # numbers left of the panels; between them; their height
ABOVE_MM, BELOW_MM, LEGEND_MM = 5.0, 9.5, 5.0  # title; strengths and their unit; what is drawn
BLUE = "#0072b2"
PADDING = 0.4  # left and right of the strengths, in steps


@dataclass(frozen=True)
class Ladder:
    """The strengths of one degradation.

    Attributes:
        title: What is done to the images.
        unit: What the strengths count.
        strengths: In the order in which they are to stand.
    """

    title: str
    unit: str
    strengths: tuple[float, ...]


def robustness_figure(
    table: pd.DataFrame,
    ladders: Mapping[str, Ladder],
    *,
    undisturbed: str = "none",
    score: str = "jaccard",
    name: str = "Jaccard index",
) -> "Figure":
    """Draw the median and the quartiles over images at every strength of every degradation.

    Args:
        table: One row per image, degradation and strength, and the score.
        ladders: What is drawn, by the values of `degradation`; those without a row are left out.
        undisturbed: The value of `degradation` where nothing was done.
        score: The column drawn, 0 to 1.
        name: What it is called.

    Returns:
        A figure of two columns' width, or less for one panel or two.

    Raises:
        ValueError: Nothing to draw, or no undisturbed score.
    """
    shown = {key: ladder for key, ladder in ladders.items() if (table["degradation"] == key).any()}
    usual = table.loc[table["degradation"] == undisturbed, score]
    if not shown or usual.empty:
        raise ValueError("wanted scores of one degradation or more, and undisturbed ones")
    n_rows = math.ceil(len(shown) / COLUMNS)
    row_mm = ABOVE_MM + PANEL_MM + BELOW_MM
    n_columns = min(COLUMNS, len(shown))
    page_mm = DOUBLE_MM if n_columns > 2 else NARROW_MM
    width = (page_mm - LEFT_MM - (n_columns - 1) * GAP_MM) / n_columns
    page = new_page(page_mm, n_rows * row_mm + LEGEND_MM)
    for place, (key, ladder) in enumerate(shown.items()):
        row, column = divmod(place, COLUMNS)
        x, y = LEFT_MM + column * (width + GAP_MM), row * row_mm + ABOVE_MM
        write(page, ladder.title, x=x, y=y - 1.4, weight="bold")
        write(page, ladder.unit, x=x + width / 2, y=y + PANEL_MM + 6.4, size=SMALL_PT, ha="center")
        panel = add_axes(page, x=x, y=y, width=width, height=PANEL_MM)
        steps = quartiles(table[table["degradation"] == key], ladder.strengths, score=score)
        draw_panel(panel, steps, usual=float(usual.median()))
        if column:
            panel.set_yticklabels([])
    for row in range(n_rows):
        middle = row * row_mm + ABOVE_MM + PANEL_MM / 2
        write(page, name, x=1.6, y=middle, rotation=90, ha="center", va="center")
    draw_legend(page, n_images=len(usual), usual=float(usual.median()), y=n_rows * row_mm + 2.6)
    return figure_of(page)


def quartiles(
    rows: pd.DataFrame, strengths: tuple[float, ...], *, score: str
) -> dict[float, tuple[float, float, float]]:
    """Strength → first quartile, median and third quartile; those strengths that have rows."""
    steps = {}
    for strength in strengths:
        values = rows.loc[rows["strength"] == strength, score].to_numpy(dtype=float)
        if len(values):
            low, middle, high = np.percentile(values, [25, 50, 75]).tolist()
            steps[strength] = (low, middle, high)
    return steps


def draw_panel(
    panel: "Axes", steps: dict[float, tuple[float, float, float]], *, usual: float
) -> None:
    """Strengths at even steps, whatever they count."""
    places = list(range(len(steps)))
    low, middle, high = zip(*steps.values(), strict=True)
    panel.axhline(usual, color=SOFT, linewidth=LINE_PT, linestyle=(0, (3, 2)))
    if len(places) > 1:
        panel.fill_between(places, low, high, color=BLUE, alpha=0.2, linewidth=0)
    else:  # a band of one step would not be seen
        panel.vlines(places, low, high, color=BLUE, alpha=0.3, linewidth=3)
    panel.plot(places, middle, color=BLUE, linewidth=1.2, marker="o", markersize=2.2)
    panel.set(xlim=(-PADDING, len(places) - 1 + PADDING), ylim=(0, 1))
    panel.set_xticks(places, [f"{strength:g}" for strength in steps])
    panel.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    panel.grid(axis="y", color=FAINT, linewidth=HAIRLINE_PT)
    panel.set_axisbelow(True)
    panel.tick_params(labelsize=SMALL_PT, length=1.5, width=HAIRLINE_PT, pad=1.5, labelcolor=INK)
    panel.tick_params(labelfontfamily=FONT)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        panel.spines[side].set(linewidth=HAIRLINE_PT, color=SOFT)


def draw_legend(page: "Axes", *, n_images: int, usual: float, y: float) -> None:
    """What line, band and dashes are."""
    images = "1 image" if n_images == 1 else f"{n_images} images"
    x = LEFT_MM
    lines: dict[str, dict[str, Any]] = {
        f"median over {images}": {"color": BLUE, "linewidth": 1.2},
        "from the first to the third quartile": {"color": BLUE, "alpha": 0.2, "linewidth": 5},
        f"undisturbed, median {usual:.3f}": {"color": SOFT, "linestyle": (0, (3, 2))},
    }
    for words, looks in lines.items():
        page.plot([x, x + 6], [y, y], **{"linewidth": LINE_PT, "solid_capstyle": "butt", **looks})
        write(page, words, x=x + 7.5, y=y, size=SMALL_PT, va="center_baseline")
        x += 7.5 + text_mm(words, size=SMALL_PT) + 6
