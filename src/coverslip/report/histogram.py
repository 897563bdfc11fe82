"""a measurement of all cells → a histogram as inline SVG."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from coverslip.report.cells import INTENSITY, area_column, find_column, name_and_unit
from coverslip.report.chart import FRAME, LEFT, RIGHT, nice_step, nice_ticks, number, scale_y
from coverslip.report.html import render
from coverslip.report.values import plural

# About so many bars: enough for a shape, few enough that each holds some cells.
N_BARS = 24

# The largest values share the last bar, else one giant flattens the rest: those beyond this
# percentile, and those that lie farther above the upper quartile than so many interquartile ranges
# (Tukey's "far out").
TOP_PERCENT = 99.5
FAR_OUT = 3.0

# Room for a figure of the numbers below the axis.
FIGURE_WIDTH = 8.0


@dataclass(frozen=True)
class Bars:
    """How many values lie between round numbers.

    Attributes:
        edges: n + 1 round numbers.
        counts: n counts; those of the last bar may lie beyond its end.
        is_open: Whether some do.
    """

    edges: list[float]
    counts: list[int]
    is_open: bool


def count_bars(values: "pd.Series[float]") -> Bars:
    """Sort finite values into bars of a round width, at least one value."""
    numbers = np.asarray(values, dtype=np.float64)
    low, high = float(numbers.min()), _highest(numbers)
    step = nice_step((high - low or abs(high) or 1.0) * 4 / N_BARS, whole=False)
    first = math.floor(low / step + 1e-9)
    n_bars = max(1, math.floor(high / step + 1e-9) + 1 - first)
    edges = [round((first + i) * step, 12) for i in range(n_bars + 1)]
    counts, _ = np.histogram(np.minimum(numbers, edges[-1]), bins=edges)
    return Bars(edges, counts.tolist(), is_open=bool(numbers.max() > edges[-1]))


def _highest(numbers: NDArray[np.float64]) -> float:
    """Where the last bar ends, about; all values may be the same."""
    lower, upper, top = (float(q) for q in np.percentile(numbers, [25, 75, TOP_PERCENT]))
    return min(top, upper + FAR_OUT * (upper - lower)) if upper > lower else top


def histograms(cells: pd.DataFrame, *, shown: list[str]) -> list[Markup]:
    """Draw area and intensity of all cells; `shown` are the columns of the page's script."""
    columns = (area_column(cells), find_column(cells, INTENSITY))
    return [
        _histogram(values, column, index=shown.index(column))
        for column in columns
        if column is not None and column in shown and len(values := _finite(cells[column]))
    ]


def _finite(values: "pd.Series[float]") -> "pd.Series[float]":
    numbers = values.astype(float)
    return numbers[np.isfinite(numbers)]


def _histogram(values: "pd.Series[float]", column: str, *, index: int) -> Markup:
    bars = count_bars(values)
    name, unit = name_and_unit(column)
    ticks = nice_ticks(max(bars.counts), whole=True)
    width = (RIGHT - LEFT) / len(bars.counts)
    tops = scale_y(bars.counts, top=ticks[-1])
    return render(
        "histogram.html.j2",
        frame=FRAME,
        kind="histogram",
        title=f"{name} of the cells",
        said=_say(values, name=name, unit=unit),
        grid=list(zip(scale_y(ticks, top=ticks[-1]), map(number, ticks), strict=True)),
        ticks=_x_ticks(bars),
        x_label=f"{name} ({unit})" if unit else name,
        column=index,
        edges=list(map(number, bars.edges)),
        bars=[
            (LEFT + i * width + 0.5, y, f"{bar_name(bars, i, unit=unit)}: {plural(n, 'cell')}")
            for i, (y, n) in enumerate(zip(tops, bars.counts, strict=True))
        ],
        bar_width=width - 1,
    )


def bar_name(bars: Bars, i: int, *, unit: str) -> str:
    """From where to where a bar goes: 50 – 60 µm²."""
    is_open = bars.is_open and i == len(bars.counts) - 1
    end = "and more" if is_open else f"– {number(bars.edges[i + 1])}"
    return f"{number(bars.edges[i])} {end} {unit}".strip()


def _x_ticks(bars: Bars) -> list[tuple[float, str, str]]:
    """Some of the edges: where they lie, what they say, and which end of the words is there."""
    low, high = bars.edges[0], bars.edges[-1]
    step = nice_step(0.7 * (high - low), whole=False)
    edges = [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    last = f"≥ {number(bars.edges[-2])}" if bars.is_open else number(high)
    ticks = []
    for edge in edges:
        x = LEFT + (edge - low) / (high - low) * (RIGHT - LEFT)
        if x + FIGURE_WIDTH * (len(number(edge)) / 2 + 1 + len(last)) < RIGHT:
            ticks.append((x, number(edge), "middle"))
    return [*ticks, (RIGHT, last, "end")]


def _say(values: "pd.Series[float]", *, name: str, unit: str) -> str:
    """The histogram in words, for those who cannot see it."""
    low, middle, high = (f"{q:.3g} {unit}".strip() for q in values.quantile([0.05, 0.5, 0.95]))
    return (
        f"{name} of {plural(len(values), 'cell')}: median {middle}, nine of ten between {low} and "
        f"{high}."
    )
