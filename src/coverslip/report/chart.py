"""numbers over frames → a curve as inline SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coverslip.report.html import Html, element, join

WIDTH, HEIGHT = 460, 210
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 14, 36

# With more points than this, dots would hide their own line.
MOST_DOTS = 150


@dataclass(frozen=True)
class Chart:
    """One curve.

    Attributes:
        title: What is drawn, for those who read and those who listen.
        x: Positions, increasing: frames, or times.
        x_label: Name and unit of x.
        y: Values, at least 0.
        show: Writes one value with its unit.
        kind: CSS class that gives the colour: "confluence" or "count".
        joined: Whether the points follow each other in time, and so are joined by a line.
    """

    title: str
    x: Sequence[float]
    x_label: str
    y: Sequence[float]
    show: Callable[[float], str]
    kind: str
    joined: bool = True


def draw_chart(chart: Chart) -> Html:
    """Draw a chart as a figure with its title above; its words scale with the page's colours."""
    ticks = nice_ticks(max(chart.y), whole=chart.kind == "count")
    points = list(zip(_scale_x(chart.x), _scale_y(chart.y, top=ticks[-1]), strict=True))
    drawing = element(
        "svg",
        _grid(chart, ticks),
        _x_axis(chart),
        _line(points) if chart.joined else "",
        _dots(chart, points) if len(points) <= MOST_DOTS else "",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=_say(chart),
    )
    caption = element("figcaption", chart.title)
    return element("figure", caption, drawing, class_=f"chart {chart.kind}")


def nice_ticks(top: float, *, whole: bool) -> list[float]:
    """Round numbers from 0 to at least `top`, three to six of them.

    Args:
        top: Largest value to be shown, at least 0.
        whole: Whether the values are whole numbers; otherwise they are shares of one.
    """
    wanted = max(top, 4.0 if whole else 0.04) / 4
    power = 10.0 ** math.floor(math.log10(wanted))
    steps = (power * factor for factor in (1, 2, 2.5, 5, 10))
    step = next(s for s in steps if s >= wanted * 0.999 and not (whole and s % 1))
    return [step * i for i in range(max(2, math.ceil(top / step * 0.999)) + 1)]


def _scale_x(x: Sequence[float]) -> list[float]:
    low, span = min(x), (max(x) - min(x)) or 1.0
    return [LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT) for value in x]


def _scale_y(y: Sequence[float], *, top: float) -> list[float]:
    return [HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM) for value in y]


def _grid(chart: Chart, ticks: Sequence[float]) -> Html:
    """Horizontal lines with their values."""
    parts = []
    for value, y in zip(ticks, _scale_y(ticks, top=ticks[-1]), strict=True):
        parts.append(_svg("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(_text(_short(chart, value), x=LEFT - 7, y=y + 4, anchor="end"))
    return join(*parts)


def _x_axis(chart: Chart) -> Html:
    """First and last position at the ends, the name between them."""
    y = HEIGHT - BOTTOM + 17
    middle = (LEFT + WIDTH - RIGHT) / 2
    return join(
        _text(_number(min(chart.x)), x=LEFT, y=y, anchor="start"),
        _text(chart.x_label, x=middle, y=y + 8, anchor="middle"),
        _text(_number(max(chart.x)), x=WIDTH - RIGHT, y=y, anchor="end"),
    )


def _line(points: Sequence[tuple[float, float]]) -> Html:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    floor = HEIGHT - BOTTOM
    area = f"{points[0][0]:.1f},{floor} {path} {points[-1][0]:.1f},{floor}"
    return join(
        element("polygon", points=area, class_="area"),
        element("polyline", points=path, class_="line"),
    )


def _dots(chart: Chart, points: Sequence[tuple[float, float]]) -> Html:
    """A dot per point; its value appears under the pointer."""
    radius = 3.2 if len(points) <= 50 else 2.2
    dots = []
    for (cx, cy), x, y in zip(points, chart.x, chart.y, strict=True):
        tip = element("title", f"{chart.x_label} {_number(x)}: {chart.show(y)}")
        dots.append(_svg("circle", tip, cx=cx, cy=cy, r=radius, class_="dot"))
    return join(*dots)


def _text(text: str, *, x: float, y: float, anchor: str) -> Html:
    return _svg("text", text, x=x, y=y, text_anchor=anchor)


def _svg(tag: str, /, *children: str, **attributes: float | str) -> Html:
    """An SVG element whose numbers are as short as the eye needs."""
    short = {
        key: f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
        for key, value in attributes.items()
    }
    return element(tag, *children, **short)


def _say(chart: Chart) -> str:
    """The curve in words, for those who cannot see it."""
    return (
        f"{chart.title}: {chart.show(chart.y[0])} at the first of {len(chart.y)} points, "
        f"{chart.show(chart.y[-1])} at the last, between {chart.show(min(chart.y))} and "
        f"{chart.show(max(chart.y))}."
    )


def _short(chart: Chart, value: float) -> str:
    return f"{value:.0%}" if chart.kind == "confluence" else _number(value)


def _number(value: float) -> str:
    return f"{value:.6g}"
