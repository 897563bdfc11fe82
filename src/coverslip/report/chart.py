"""numbers over frames → a curve as inline SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coverslip.report.html import Html, element, join
from coverslip.report.images import pick_frames
from coverslip.report.svg import number, svg, text

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 14, 46

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


def draw_chart(chart: Chart) -> Html:
    """Draw a chart as a figure with its title above; the page's style gives it its colours."""
    ticks = nice_ticks(max(chart.y), whole=chart.kind == "count")
    points = list(zip(_scale_x(chart, chart.x), _scale_y(chart.y, top=ticks[-1]), strict=True))
    drawing = element(
        "svg",
        _grid(chart, ticks),
        _x_axis(chart),
        _line(points) if chart.joined else _stems(points),
        _dots(chart, points) if len(points) <= MOST_DOTS else _strips(chart, points),
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
    return [LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT) for value in x]


def _scale_y(y: Sequence[float], *, top: float) -> list[float]:
    return [HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM) for value in y]


def _grid(chart: Chart, ticks: Sequence[float]) -> Html:
    """Horizontal lines with their values."""
    parts = []
    for value, y in zip(ticks, _scale_y(ticks, top=ticks[-1]), strict=True):
        parts.append(svg("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(text(_short(chart, value), x=LEFT - 7, y=y + 4, anchor="end"))
    return join(*parts)


def _x_axis(chart: Chart) -> Html:
    """Round positions, and the name below them."""
    low, high = min(chart.x), max(chart.x)
    step = nice_step((high - low) or 1.0, whole=not chart.x_label.startswith("time"))
    ticks = [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    y = HEIGHT - BOTTOM + 17
    numbers = (
        text(number(value), x=x, y=y, anchor="middle")
        for value, x in zip(ticks, _scale_x(chart, ticks), strict=True)
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return join(*numbers, text(chart.x_label, x=middle, y=y + 17, anchor="middle"))


def _line(points: Sequence[tuple[float, float]]) -> Html:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    floor = HEIGHT - BOTTOM
    area = f"{points[0][0]:.1f},{floor} {path} {points[-1][0]:.1f},{floor}"
    return join(
        element("polygon", points=area, class_="area"),
        element("polyline", points=path, class_="line"),
    )


def _stems(points: Sequence[tuple[float, float]]) -> Html:
    floor = HEIGHT - BOTTOM
    return join(*(svg("line", x1=x, x2=x, y1=floor, y2=y, class_="stem") for x, y in points))


def _dots(chart: Chart, points: Sequence[tuple[float, float]]) -> Html:
    """A dot per point; its name and value appear under the pointer."""
    radius = 3.0 if len(points) <= 30 else 2.2
    dots = []
    for i, (cx, cy) in enumerate(points):
        dots.append(svg("circle", _tip(chart, i), cx=cx, cy=cy, r=radius, class_="dot"))
    return join(*dots)


def _strips(chart: Chart, points: Sequence[tuple[float, float]]) -> Html:
    """Where dots would be too many: unseen strips that tell the same under the pointer."""
    strips = []
    half = (WIDTH - LEFT - RIGHT) / min(len(points), MOST_STRIPS) / 2
    for i in pick_frames(len(points), most=MOST_STRIPS):
        strips.append(
            svg(
                "rect",
                _tip(chart, i),
                x=points[i][0] - half,
                y=TOP,
                width=2 * half,
                height=HEIGHT - BOTTOM - TOP,
                class_="strip",
            )
        )
    return join(*strips)


def _tip(chart: Chart, i: int) -> Html:
    return element("title", f"{chart.names[i]}: {chart.show(chart.y[i])}")


def _say(chart: Chart) -> str:
    """The curve in words, for those who cannot see it."""
    return (
        f"{chart.title}: {chart.show(chart.y[0])} at the first of {len(chart.y)} points, "
        f"{chart.show(chart.y[-1])} at the last, between {chart.show(min(chart.y))} and "
        f"{chart.show(max(chart.y))}."
    )


def _short(chart: Chart, value: float) -> str:
    return f"{value:.0%}" if chart.kind == "confluence" else number(value)
