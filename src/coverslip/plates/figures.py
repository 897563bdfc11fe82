"""wells, replicates and effects → heat maps, superplots and dose-response curves, as figures.

For a paper and for the page: SVG and PDF by matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.figures import (
    FAINT,
    FONT,
    HAIRLINE_PT,
    INK,
    LINE_PT,
    SMALL_PT,
    SOFT,
    add_axes,
    figure_of,
    fold_text,
    new_page,
    text_mm,
    write,
)
from coverslip.plates.replicates import REPLICATE, group_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from coverslip.plates.dose_response import DoseResponse
    from coverslip.plates.wells import PlateSize

# Of replicates: Okabe and Ito's, which the colour-blind can tell apart.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a6d00", "#555555")
MARKS = "osD^vPX*"
MOST_DOTS = 400  # cells drawn of each replicate of a group
SIDE_MM, TITLE_MM, PLOT_MM = 11.0, 6.0, 52.0
NO_WELL = "#f1f3f5"


def plate_figure(
    values: Mapping[tuple[int, int], float], size: PlateSize, *, title: str, unit: str = ""
) -> Figure:
    """The wells of a plate, coloured by a value each; wells without one stay grey.

    Args:
        values: by row and column from 0.
        size: of the plate.
        title: what is drawn.
        unit: of the values.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Circle

    step = min(9.0, 150 / size.columns)
    width, height = 8 + step * size.columns + 22, TITLE_MM + 5 + step * size.rows + 2
    page = new_page(width, height)
    write(page, title, x=0, y=3.2, weight="bold")
    known = [value for value in values.values() if np.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    colours = colormaps["viridis"]
    small = min(SMALL_PT, step * 1.6)
    from coverslip.plates.wells import row_name

    for row in range(size.rows):
        y = TITLE_MM + 5 + step * (row + 0.5)
        write(page, row_name(row), x=5, y=y, size=small, ha="right", va="center_baseline")
        for column in range(size.columns):
            x = 8 + step * (column + 0.5)
            if not row:
                top = TITLE_MM + 3.6
                write(page, str(column + 1), x=x, y=top, size=small, ha="center")
            value = values.get((row, column), np.nan)
            share = (value - low) / (high - low) if high > low else 0.5
            colour = colours(share) if np.isfinite(value) else NO_WELL
            dot = Circle((x, y), 0.44 * step, facecolor=colour, edgecolor=FAINT)
            dot.set_linewidth(HAIRLINE_PT)
            page.add_patch(dot)
    _add_scale(page, x=8 + step * size.columns + 4, height=step * size.rows, ends=(low, high))
    if unit:
        write(page, unit, x=8 + step * size.columns + 4, y=3.2, size=SMALL_PT, color=SOFT)
    return figure_of(page)


def _add_scale(page: Axes, *, x: float, height: float, ends: tuple[float, float]) -> None:
    """A bar of the colours beside a plate, with the values of its ends."""
    top, tall = TITLE_MM + 5.0, min(height, 40.0)
    bar = add_axes(page, x=x, y=top, width=3, height=tall)
    bar.imshow(np.linspace(1, 0, 64)[:, None], aspect="auto", cmap="viridis")
    bar.set_axis_off()
    for value, y in ((ends[1], top), (ends[0], top + tall)):
        write(page, f"{value:.3g}", x=x + 4, y=y, size=SMALL_PT, va="center_baseline")


def superplot_figure(
    cells: pd.DataFrame | None,
    means: pd.DataFrame,
    *,
    conditions: Sequence[str],
    measure: str,
    title: str,
    unit: str = "",
) -> Figure:
    """Cells small, replicates large, for each group (Lord et al. 2020).

    Args:
        cells: columns of the conditions, ``replicate`` and the measurement; None: of images, which
            have no cells.
        means: of `replicate_means`, of this measurement.
        conditions: the columns that make groups.
        measure: the column drawn.
        title: what it is called.
        unit: of it.
    """
    names = list(conditions)
    groups = list(dict.fromkeys(map(tuple, means[names].itertuples(index=False))))
    replicates = list(dict.fromkeys(means[REPLICATE]))
    step = max(13.0, min(24.0, 150 / max(len(groups), 1)))
    width = SIDE_MM + step * len(groups) + 3 + 30
    page = new_page(width, TITLE_MM + PLOT_MM + 16)
    write(page, f"{title} ({unit})" if unit else title, x=0, y=3.2, weight="bold")
    axes = add_axes(page, x=SIDE_MM, y=TITLE_MM, width=step * len(groups), height=PLOT_MM)
    shown = []
    for place, group in enumerate(groups):
        chosen = means[_equal(means, names, group)]
        for number, replicate in enumerate(replicates):
            colour = COLOURS[number % len(COLOURS)]
            if cells is not None:
                own = cells[_equal(cells, names, group) & (cells[REPLICATE] == replicate)]
                shown.append(_draw_cells(axes, own[measure].to_numpy(float), place, colour=colour))
            value = chosen.loc[chosen[REPLICATE] == replicate, "mean"]
            if len(value):
                axes.plot(
                    [place + _offset(number, len(replicates))],
                    [float(value.iloc[0])],
                    marker=MARKS[number // len(COLOURS) % len(MARKS)],
                    color=colour,
                    markeredgecolor="white",
                    markeredgewidth=0.7,
                    markersize=6.5,
                    zorder=4,
                )
        middle = float(chosen["mean"].mean())
        axes.plot(
            [place - 0.28, place + 0.28], [middle, middle], color=INK, linewidth=1.1, zorder=5
        )
    _finish(axes, groups, step=step)
    if shown:
        _limit(axes, np.concatenate(shown), means["mean"].to_numpy(float))
    _add_legend(page, replicates, x=SIDE_MM + step * len(groups) + 4)
    return figure_of(page)


def _equal(table: pd.DataFrame, names: Sequence[str], values: Sequence[Any]) -> Any:
    import pandas as pd

    chosen = pd.Series(True, index=table.index)
    for name, value in zip(names, values, strict=True):
        chosen &= (table[name] == value) | (table[name].isna() & pd.isna(value))
    return chosen


def _offset(number: int, n: int) -> float:
    return 0.0 if n < 2 else (number / (n - 1) - 0.5) * min(0.5, 0.16 * n)


def _draw_cells(
    axes: Axes, values: NDArray[np.float64], place: int, *, colour: str
) -> NDArray[np.float64]:
    """Dots of some cells, spread sideways; what was drawn."""
    values = values[np.isfinite(values)]
    rng = np.random.default_rng(place)
    if len(values) > MOST_DOTS:
        values = rng.choice(values, MOST_DOTS, replace=False)
    x = place + rng.uniform(-0.36, 0.36, len(values))
    axes.plot(x, values, ".", color=colour, alpha=0.5, markersize=3.0, markeredgewidth=0)
    return values


def _limit(axes: Axes, cells: NDArray[np.float64], means: NDArray[np.float64]) -> None:
    """Leave single extreme cells out of the drawing, so that the others can be seen."""
    if not len(cells):
        return
    low, high = np.percentile(cells, [0.5, 99.5])
    low, high = min(low, means.min()), max(high, means.max())
    edge = 0.05 * (high - low or 1.0)
    axes.set_ylim(low - edge, high + edge)


def _finish(axes: Axes, groups: Sequence[tuple[Any, ...]], *, step: float) -> None:
    labels = [fold_text(group_name(group), width_mm=step - 1, size=SMALL_PT) for group in groups]
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_xticks(range(len(groups)), labels)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.grid(axis="y", color=FAINT, linewidth=HAIRLINE_PT)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL_PT, length=1.5, width=HAIRLINE_PT, pad=1.5, labelcolor=INK)
    axes.tick_params(labelfontfamily=FONT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set(linewidth=HAIRLINE_PT, color=SOFT)


def _add_legend(page: Axes, replicates: Sequence[Any], *, x: float) -> None:
    """Which colour is which replicate; of very many, that they are so many."""
    y = TITLE_MM + 2.0
    if len(replicates) > 12:
        write(page, f"{len(replicates)} replicates", x=x, y=y, size=SMALL_PT)
        return
    for number, replicate in enumerate(replicates):
        mark = MARKS[number // len(COLOURS) % len(MARKS)]
        colour = COLOURS[number % len(COLOURS)]
        page.plot([x + 1], [y], marker=mark, color=colour, markersize=4, linestyle="none")
        words = fold_text(group_name([replicate]), width_mm=24, size=SMALL_PT)
        write(page, words, x=x + 3, y=y, size=SMALL_PT, va="center_baseline")
        y += 3.4


def dose_figure(
    points: pd.DataFrame, curve: DoseResponse, *, dose: str, title: str, unit: str = ""
) -> Figure:
    """Means of replicates over the dose, and the curve through them.

    Args:
        points: columns ``dose``, ``mean`` and ``replicate``.
        curve: that was fitted; drawn where it has an EC50.
        dose: name of the dose's axis.
        title: what is drawn.
        unit: of the means.
    """
    page = new_page(92, TITLE_MM + PLOT_MM + 12)
    write(page, f"{title} ({unit})" if unit else title, x=0, y=3.2, weight="bold")
    axes = add_axes(page, x=SIDE_MM, y=TITLE_MM, width=78, height=PLOT_MM)
    given = np.unique(points.loc[points["dose"] > 0, "dose"].to_numpy(float))
    nought = given[0] / (given[1] / given[0]) ** 1.5  # where dose 0 stands on an axis of logarithms
    for number, replicate in enumerate(dict.fromkeys(points["replicate"])):
        own = points[points["replicate"] == replicate]
        x = np.where(own["dose"] > 0, own["dose"], nought)
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(
            x, own["mean"], "o", color=colour, markersize=4.6, markeredgecolor="white", zorder=3
        )
    axes.set_xscale("log")
    if np.isfinite(curve.ec50):
        x = np.geomspace(given[0] / 2, given[-1] * 2, 200)
        axes.plot(x, curve.response(x), color=INK, linewidth=1.1)
        axes.axvline(curve.ec50, color=SOFT, linewidth=LINE_PT, linestyle=(0, (3, 2)))
        if np.isfinite(curve.ec50_low):
            axes.axvspan(curve.ec50_low, curve.ec50_high, color=SOFT, alpha=0.12, linewidth=0)
    ticks = [nought, *given] if (points["dose"] == 0).any() else list(given)
    axes.set_xticks(ticks, [f"{tick:g}" if tick != nought else "0" for tick in ticks])
    axes.minorticks_off()
    _tidy(axes)
    write(page, dose, x=SIDE_MM + 39, y=TITLE_MM + PLOT_MM + 7.5, size=SMALL_PT, ha="center")
    words = say_ec50(curve)
    room = 78 - text_mm(words, size=SMALL_PT)
    write(page, words, x=SIDE_MM + max(room, 0), y=TITLE_MM + PLOT_MM + 11, size=SMALL_PT)
    return figure_of(page)


def say_ec50(curve: DoseResponse) -> str:
    """The EC50 and its interval in words, or why there is none."""
    if not np.isfinite(curve.ec50):
        return f"no EC50: {curve.note}"
    if not np.isfinite(curve.ec50_low):
        return f"EC50 {curve.ec50:.3g}, its interval is unknown"
    return f"EC50 {curve.ec50:.3g}, 95 % interval {curve.ec50_low:.3g} to {curve.ec50_high:.3g}"
