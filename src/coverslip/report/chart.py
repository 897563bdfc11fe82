"""numbers over frames → a curve as inline SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from coverslip.report.html import render
from coverslip.report.images import pick_frames

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, FLOOR = 44, 446, 14, 174
FRAME = {
    "width": WIDTH,
    "height": HEIGHT,
    "left": LEFT,
    "right": RIGHT,
    "top": TOP,
    "floor": FLOOR,
}

# With more points than this, dots would hide their own line.
MOST_DOTS = 150

# Of a longer series so many points tell their values, each over a strip of the drawing.
MOST_STRIPS = 400


@dataclass(frozen=True)
class Chart:
    """One curve.

    Attributes:
        title: What is drawn, for those who read and those who listen.
        x: Positions, increasing: frames, or times; at least one.
        x_label: Name and unit of x.
        y: Values, at least 0.
        names: What each point is, shown under the pointer.
        show: Writes one value with its unit.
        kind: CSS class that gives the colour: "confluence" or "count".
        joined: Whether the points follow each other, and so are joined by a line; otherwise each
            stands on its own stem.
    """

    title: str
    x: Sequence[float]
    x_label: str
    y: Sequence[float]
    names: Sequence[str]
    show: Callable[[float], str]
    kind: str
    joined: bool = True


def draw_chart(chart: Chart) -> Markup:
    """Draw a chart as a figure with its title above; the page's style gives it its colours."""
    ticks = nice_ticks(max(chart.y), whole=chart.kind == "count")
    points = list(zip(_scale_x(chart, chart.x), scale_y(chart.y, top=ticks[-1]), strict=True))
    has_dots = len(points) <= MOST_DOTS
    marked = pick_frames(len(points), most=MOST_DOTS if has_dots else MOST_STRIPS)
    return render(
        "curve.html.j2",
        frame=FRAME,
        kind=chart.kind,
        title=chart.title,
        said=_say(chart),
        grid=list(zip(scale_y(ticks, top=ticks[-1]), _short(chart, ticks), strict=True)),
        ticks=_x_ticks(chart),
        x_label=chart.x_label,
        joined=chart.joined,
        points=points,
        marks=[(*points[i], f"{chart.names[i]}: {chart.show(chart.y[i])}") for i in marked],
        strip=0 if has_dots else (RIGHT - LEFT) / min(len(points), MOST_STRIPS),
    )


def nice_ticks(top: float, *, whole: bool) -> list[float]:
    """Round numbers from 0 to at least `top`, three to six of them.

    Args:
        top: Largest value to be shown, at least 0.
        whole: Whether the values are whole numbers; otherwise they are shares of one.
    """
    step = nice_step(max(top, 4.0 if whole else 0.04), whole=whole)
    return [step * i for i in range(max(2, math.ceil(top / step * 0.999)) + 1)]


def nice_step(span: float, *, whole: bool) -> float:
    """The least of 1, 2, 2.5, 5, 10 … (any power of ten) that parts a span in four at most."""
    wanted = max(span / 4, 1.0) if whole else span / 4
    power = 10.0 ** math.floor(math.log10(wanted))
    steps = (power * factor for factor in (1, 2, 2.5, 5, 10))
    return next(step for step in steps if step >= wanted * 0.999 and not (whole and step % 1))


def _scale_x(chart: Chart, x: Sequence[float]) -> list[float]:
    low, span = min(chart.x), (max(chart.x) - min(chart.x)) or 1.0
    return [LEFT + (value - low) / span * (RIGHT - LEFT) for value in x]


def scale_y(y: Sequence[float], *, top: float) -> list[float]:
    """Where values from 0 to `top` lie in the drawing."""
    return [FLOOR - value / top * (FLOOR - TOP) for value in y]


def _x_ticks(chart: Chart) -> list[tuple[float, str, str]]:
    """Round positions: where they lie, what they say, and which end of the words is there."""
    low, high = min(chart.x), max(chart.x)
    step = nice_step((high - low) or 1.0, whole=not chart.x_label.startswith("time"))
    ticks = [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [(x, number(v), "middle") for v, x in zip(ticks, _scale_x(chart, ticks), strict=True)]


def _say(chart: Chart) -> str:
    """The curve in words, for those who cannot see it."""
    return (
        f"{chart.title}: {chart.show(chart.y[0])} at the first of {len(chart.y)} points, "
        f"{chart.show(chart.y[-1])} at the last, between {chart.show(min(chart.y))} and "
        f"{chart.show(max(chart.y))}."
    )


def _short(chart: Chart, values: Sequence[float]) -> list[str]:
    show = "{:.0%}".format if chart.kind == "confluence" else number
    return [show(value) for value in values]


def number(value: float) -> str:
    """A number beside an axis: 0.25, 1500."""
    return f"{value:.6g}"
