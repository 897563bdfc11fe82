"""finished runs → Figure 7: Jaccard against the work of a forward pass, every system a point."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from coverslip.figures import (
    DOUBLE_MM,
    FAINT,
    FONT,
    HAIRLINE_PT,
    INK,
    LABEL_PT,
    PT_PER_MM,
    SMALL_PT,
    SOFT,
    TITLE_PT,
    add_axes,
    figure_of,
    new_page,
    text_mm,
    write,
)
from coverslip.reproduction.figures.output import PaperFigure
from coverslip.reproduction.systems import RP, SYSTEMS
from coverslip.reproduction.tables.statistics import by_image, score_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from coverslip.reproduction.datasets import DataSet
    from coverslip.reproduction.result_file import Run

STAND_OUT = (RP, "swift")
HEIGHT_MM, TOP_MM, BOTTOM_MM = 86.0, 6.0, 12.0
LEFT_MM, GAP_MM = 12.0, 14.0
HALF_MM = 0.75  # of a dot
STRONG, OTHERS = "#d55e00", "#0072b2"
TYPE_MM = SMALL_PT / PT_PER_MM  # height of a line of small type
TICKS = [digit * 10.0**power for power in range(-2, 6) for digit in (1, 2, 5)]
ROOM = 0.08  # share of the axes' range left free at each end, for the names
CAPTION = (
    "Mean Jaccard index over the test images, with test-time augmentation, against the work of one "
    "forward pass at the size of the data set (a multiplication and an addition count as two; "
    "logarithmic), budget {budget}. Methods without learning are named below. Trainings: {compared}"
)


def figure7(datasets: Sequence[DataSet], runs: Sequence[Run], *, budget: str) -> PaperFigure | None:
    """Draw what a network's work buys.

    Only splits that every network shown was run on count, so that all points are of the same
    images and trainings.

    Args:
        datasets: a panel for each that was run.
        runs: of one budget.
        budget: its name.

    Returns:
        None where no network was run.
    """
    panels, words = [], []
    for dataset in datasets:
        own = [run for run in runs if run.dataset == dataset.name and run.system in SYSTEMS]
        shared = shared_splits(own)
        dots = [d for key in SYSTEMS if (d := to_dot(key, own, shared)) is not None]
        if any(dot.cost is not None for dot in dots):
            panels.append((f"{dataset.title}, {dataset.size_px} × {dataset.size_px} px", dots))
            words.append(f"{dataset.title}: {', '.join(sorted(shared))}.")
    if not panels:
        return None
    figure = scatter_figure(
        panels, cost_label="GFLOP per image", score_label="mean Jaccard index (%)"
    )
    return PaperFigure("figure7", figure, CAPTION.format(budget=budget, compared=" ".join(words)))


def shared_splits(runs: Sequence[Run]) -> set[str]:
    """The folds or seeds that every network with any run was run on."""
    networks = {run.system for run in runs if run.gflop and not run.diverged}
    done = [
        {run.split for run in runs if run.system == key and not run.diverged} for key in networks
    ]
    return set.intersection(*done) if done else set()


def to_dot(key: str, runs: Sequence[Run], splits: set[str]) -> Dot | None:
    """A system's mean score and work; None if it was not run on those splits."""
    own = [run for run in runs if run.system == key and run.split in splits]
    table = score_runs(own, size="resized", tta="paper")
    if table.empty:
        return None
    score = 100 * float(by_image(table)["jaccard"].mean())
    return Dot(SYSTEMS[key].label, own[0].gflop, score, stands_out=key in STAND_OUT)


@dataclass(frozen=True)
class Dot:
    """One system.

    Attributes:
        name: Written beside it.
        cost: Along the horizontal axis, which is logarithmic; None: it has none, and its score is
            named below the others.
        score: Along the vertical axis.
        stands_out: PaperFigure in a colour of its own.
    """

    name: str
    cost: float | None
    score: float
    stands_out: bool = False


@dataclass(frozen=True)
class Box:
    """A rectangle in mm of a panel, upwards and to the right."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Whether they share any area."""
        return min(self.right, other.right) > max(self.left, other.left) and min(
            self.top, other.top
        ) > max(self.bottom, other.bottom)


def scatter_figure(
    panels: Sequence[tuple[str, Sequence[Dot]]], *, cost_label: str, score_label: str
) -> Figure:
    """Draw score against cost, a panel for each data set.

    Args:
        panels: Title and dots of each, one with a cost at least.
        cost_label: Of the horizontal axes.
        score_label: Of the vertical axes.

    Returns:
        A figure of two columns' width.

    Raises:
        ValueError: No panel, or one without any dot that has a cost.
    """
    if not panels or not all(any(dot.cost for dot in dots) for _, dots in panels):
        raise ValueError("wanted one panel or more, each with a dot that has a cost")
    page = new_page(DOUBLE_MM, HEIGHT_MM)
    width = (DOUBLE_MM - LEFT_MM - (len(panels) - 1) * GAP_MM) / len(panels)
    height = HEIGHT_MM - TOP_MM - BOTTOM_MM
    for number, (title, dots) in enumerate(panels):
        x = LEFT_MM + number * (width + GAP_MM)
        letter = f"({chr(ord('a') + number)}) " if len(panels) > 1 else ""
        write(page, letter + title, x=x, y=3.0, size=TITLE_PT, weight="bold")
        axes = add_axes(page, x=x, y=TOP_MM, width=width, height=height)
        costly = [dot for dot in dots if dot.cost is not None]
        _set_scales(axes, costly)
        _draw_dots(axes, costly, width=width, height=height)
        middle = {"x": x + width / 2, "y": TOP_MM + height + 7.0}
        write(page, cost_label, **middle, size=LABEL_PT, ha="center")
        words = "; ".join(f"{dot.name} {dot.score:.1f}" for dot in dots if dot.cost is None)
        if words:
            words = f"without learning: {words}"
            size = min(SMALL_PT, SMALL_PT * width / text_mm(words + " ", size=SMALL_PT))
            write(page, words, x=x, y=HEIGHT_MM - 0.8, size=size, color=SOFT)
        turned = {"x": x - 9.5, "y": TOP_MM + height / 2, "rotation": 90}
        write(page, score_label, **turned, size=LABEL_PT, ha="center", va="center")
    return figure_of(page)


def _set_scales(axes: Axes, dots: Sequence[Dot]) -> None:
    """A logarithmic axis of costs, a linear one of scores, and quiet looks."""
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, ScalarFormatter

    costs = [dot.cost or 0 for dot in dots]
    scores = [dot.score for dot in dots]
    spare = max(ROOM * (max(scores) - min(scores)), 0.5)
    axes.set_xscale("log")
    axes.set_xlim(min(costs) / 1.6, max(costs) * 1.6)
    axes.set_ylim(min(scores) - spare, max(scores) + spare)
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8))
    axes.grid(color=FAINT, linewidth=HAIRLINE_PT)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelsize=SMALL_PT, labelcolor=INK)
    axes.tick_params(labelfontfamily=FONT)
    axes.set_facecolor("none")
    for side in axes.spines.values():
        side.set(color=FAINT, linewidth=HAIRLINE_PT)


def _draw_dots(axes: Axes, dots: Sequence[Dot], *, width: float, height: float) -> None:
    """Points, and each name where it covers nothing, or as little as can be."""
    places = [_place(axes, dot, width=width, height=height) for dot in dots]
    taken = [Box(x - HALF_MM, y - HALF_MM, x + HALF_MM, y + HALF_MM) for x, y in places]
    for dot, (x, y) in zip(dots, places, strict=True):
        colour = STRONG if dot.stands_out else OTHERS
        box = _free_box(dot, x, y, taken, width=width, height=height)
        taken.append(box)
        size_pt = 2 * HALF_MM * PT_PER_MM
        axes.plot(
            [x / width], [y / height], "o", color=colour, ms=size_pt, transform=axes.transAxes
        )
        _draw_leader(axes, box, x, y, width=width, height=height)
        axes.text(
            box.left / width,
            (box.bottom + box.top) / 2 / height,
            dot.name,
            transform=axes.transAxes,
            va="center_baseline",
            fontsize=SMALL_PT,
            fontfamily=FONT,
            color=colour,
            weight="bold" if dot.stands_out else "normal",
        )


def _draw_leader(axes: Axes, box: Box, x: float, y: float, *, width: float, height: float) -> None:
    """A hairline from a dot to a name that does not stand right beside it."""
    middle = (box.bottom + box.top) / 2
    if abs(middle - y) < TYPE_MM:
        return
    near = min(max(x, box.left), box.right)
    edge = box.bottom if middle > y else box.top
    xs, ys = [x / width, near / width], [y / height, edge / height]
    looks: dict[str, Any] = {"color": SOFT, "linewidth": HAIRLINE_PT, "zorder": 1}
    axes.plot(xs, ys, transform=axes.transAxes, **looks)


def _place(axes: Axes, dot: Dot, *, width: float, height: float) -> tuple[float, float]:
    """Where a dot lies in its panel, in mm from the lower left."""
    at = axes.transData.transform((dot.cost or 0, dot.score))
    x, y = axes.transAxes.inverted().transform(at)
    return float(x) * width, float(y) * height


def _free_box(
    dot: Dot, x: float, y: float, taken: Sequence[Box], *, width: float, height: float
) -> Box:
    """The first place beside a dot where its name fits; else the one that covers the fewest."""
    long = text_mm(dot.name, size=SMALL_PT, bold=dot.stands_out) + 0.5
    sides = [x + 2 * HALF_MM, x - 2 * HALF_MM - long, x - long / 2]
    lifts = [0.0, 2.4, -2.4, 4.2, -4.2, 6.0, -6.0, 8.0, -8.0, 10.0, -10.0]
    boxes = [
        Box(left, y + lift - TYPE_MM / 2, left + long, y + lift + TYPE_MM / 2)
        for lift, left in product(lifts, sides)
    ]
    inside = [
        b for b in boxes if b.left >= 0 and b.right <= width and 0 <= b.bottom < b.top <= height
    ]
    return min(inside or boxes, key=lambda box: sum(box.overlaps(other) for other in taken))
