"""an image and a trained network → Figure 3: test-time augmentation as it went, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from coverslip import PredictSettings, SegmentSettings, load_pair, predict_prepared
from coverslip.figures import (
    DOUBLE_MM,
    INK,
    LABEL_PT,
    LINE_PT,
    SMALL_PT,
    TITLE_PT,
    add_axes,
    add_panel,
    arrow,
    figure_of,
    fold_text,
    frame,
    new_page,
    probability_to_rgb,
    to_picture,
    write,
)
from coverslip.reproduction.figures.grid import mask_to_picture
from coverslip.reproduction.figures.output import PaperFigure, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from coverslip import Checkpoint, Pair
    from coverslip.figures import Picture

Turn = Callable[[NDArray[np.float32]], NDArray[np.float32]]
# The paper's five: words, how the first two axes are turned, and how they are turned back.
VIEWS: tuple[tuple[str, Turn, Turn], ...] = (
    ("as it is", np.asarray, np.asarray),
    ("quarter turn", partial(np.rot90, k=1), partial(np.rot90, k=-1)),
    ("upside down", np.flipud, np.flipud),
    ("left to right", np.fliplr, np.fliplr),
    ("transposed", partial(np.swapaxes, axis1=0, axis2=1), np.transpose),
)
WORDS_MM, GAP_MM, STEP_MM = 24.0, 3.5, 4.6  # left of the panels; between columns; between rows
TITLE_MM, HEADING_MM, MERGE_MM, BELOW_MM = 6.0, 4.0, 8.5, 2.0
BAR_MM, TICK_MM = 2.6, 1.0
CAPTION = (
    "Test-time augmentation, with the predictions of {model} for one image of {data}. The image is "
    "seen in five ways; each view's prediction is turned back, and their mean, above "
    "{threshold:g}, is the mask. Their standard deviation, the spread, shows where they disagree. "
    "The image is {rule}: nobody chose it.{note}"
)


@dataclass(frozen=True)
class Words:
    """What Figure 3 says about itself.

    Attributes:
        data: the data set.
        model: the network and where it comes from.
        rule: which image it is, and of what.
        note: a sentence to end with.
    """

    data: str
    model: str
    rule: str
    note: str = ""


def figure3(pair: Pair, model: Checkpoint, *, size_px: int, words: Words) -> PaperFigure:
    """Predict five views of an image and draw what becomes of them.

    Args:
        pair: the image.
        model: a trained network of one logit.
        size_px: side of the square that the image is resized to.
        words: for title and caption.

    Raises:
        CoverslipError: the image cannot be read or predicted.
    """
    image, _ = load_pair(pair, model.preprocess, size_px=size_px)
    views = predict_views(image, model)
    turned = np.stack([view.turned for view in views])
    merged = Merged(turned.mean(axis=0), turned.std(axis=0), model.threshold)
    title = f"{sentence(words.data)}, predicted by {words.model}"
    caption = CAPTION.format(**asdict(words), threshold=model.threshold)
    return PaperFigure("figure3", tta_figure(views, merged, title=title), caption, [pair.name])


def predict_views(image: NDArray[np.float32], model: Checkpoint) -> list[View]:
    """The paper's five views of an image in [0, 1], each with its own prediction.

    The mean and the standard deviation of what is turned back are those that `predict` gives with
    test-time augmentation.
    """
    settings = SegmentSettings(predict=PredictSettings(backend="torch"))
    views = []
    for name, turn, turn_back in VIEWS:
        seen = np.ascontiguousarray(turn(image))
        probs = predict_prepared(seen, model, settings=settings).probs[0]
        picture = seen if seen.ndim == 3 else np.repeat(seen[..., None], 3, axis=2)
        views.append(View(name, picture, probs, turn_back(probs)))
    return views


@dataclass(frozen=True)
class View:
    """An image seen one way, and what a network says about it.

    Attributes:
        name: How it is seen: "quarter turn".
        image: (H, W) or (H, W, 3), flipped or turned.
        probs: (H, W), the prediction of that.
        turned: (H, W), the same turned back.
    """

    name: str
    image: NDArray[Any]
    probs: NDArray[np.floating[Any]]
    turned: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Merged:
    """What becomes of the views.

    Attributes:
        mean: (H, W), of the predictions turned back.
        spread: (H, W), their standard deviation.
        threshold: Above it, a pixel is cell.
    """

    mean: NDArray[np.floating[Any]]
    spread: NDArray[np.floating[Any]]
    threshold: float = 0.5


def tta_figure(views: Sequence[View], merged: Merged, *, title: str = "") -> Figure:
    """Draw test-time augmentation: views, their predictions, turned back, mean and spread.

    Args:
        views: Two or more; the first is the image as it is.
        merged: Their mean and spread.
        title: Above all.

    Returns:
        A figure of two columns' width.

    Raises:
        ValueError: Fewer than two views.
    """
    if len(views) < 2:
        raise ValueError(f"{len(views)} views: test-time augmentation has two or more")
    n = max(5, len(views))
    side = (DOUBLE_MM - WORDS_MM - (n - 1) * GAP_MM) / n
    lefts = [WORDS_MM + i * (side + GAP_MM) for i in range(n)]
    top = HEADING_MM + (TITLE_MM if title else 0)
    tops = [top + i * (side + STEP_MM) for i in range(3)]
    tops.append(tops[-1] + side + MERGE_MM + HEADING_MM)
    page = new_page(DOUBLE_MM, tops[-1] + side + BELOW_MM)
    write(page, title, x=0, y=3.4, size=TITLE_PT, weight="bold")
    steps = ("Views", "Predicted probability", "Turned back")
    for number, (words, y) in enumerate(zip((*steps, "Merged"), tops, strict=True), start=1):
        _write_step(page, number, words, y=y)
    for view, x in zip(views, lefts, strict=False):
        write(page, view.name, x=x + side / 2, y=top - 1.2, size=SMALL_PT, ha="center")
        _draw_view(page, view, x=x, tops=tops, side=side)
    _draw_merged(page, views[0], merged, lefts=lefts, y=tops[-1], side=side)
    middles = [left + side / 2 for left in lefts]
    _draw_merging(page, middles[: len(views)], y=tops[2] + side, targets=(middles[0], middles[3]))
    return figure_of(page)


def spread_top(spread: NDArray[np.floating[Any]]) -> float:
    """The end of the scale of a spread: its largest value, rounded up to a tenth, at least that."""
    return max(1, math.ceil(round(float(spread.max()) * 10, 5))) / 10


def _draw_view(page: Axes, view: View, *, x: float, tops: list[float], side: float) -> None:
    """A column: from the image seen one way to its prediction, turned back."""
    pictures = (to_picture(view.image), *map(probability_to_rgb, (view.probs, view.turned)))
    for picture, y in zip(pictures, tops, strict=False):
        add_panel(page, picture, x=x, y=y, side=side)
    for y in tops[1:3]:
        arrow(page, [(x + side / 2, y - STEP_MM + 0.7), (x + side / 2, y - 0.7)])


def _draw_merging(
    page: Axes, sources: Sequence[float], *, y: float, targets: Sequence[float]
) -> None:
    """Lines from all views meet and lead to what is made of all."""
    line: dict[str, Any] = {"color": INK, "linewidth": LINE_PT, "solid_capstyle": "butt"}
    bar = y + 2.6
    for x in sources:
        page.plot([x, x], [y + 0.7, bar], **line)
    page.plot([sources[0], max(*sources, *targets)], [bar, bar], **line)
    for x in targets:
        arrow(page, [(x, bar), (x, y + MERGE_MM - 0.2)])


def _draw_merged(
    page: Axes, single: View, merged: Merged, *, lefts: list[float], y: float, side: float
) -> None:
    """Mean, its mask, the mask without all this, and the spread with the scales."""
    top = spread_top(merged.spread)
    after, before = (probs > merged.threshold for probs in (merged.mean, single.turned))
    panels: list[tuple[str, Picture]] = [
        ("mean", probability_to_rgb(merged.mean)),
        (f"mean > {merged.threshold:g}: the mask", mask_to_picture(after)),
        ("without augmentation", mask_to_picture(before)),
        ("spread: the uncertainty", probability_to_rgb(merged.spread, top=top)),
    ]
    for (words, picture), x in zip(panels, lefts, strict=False):
        add_panel(page, picture, x=x, y=y, side=side)
        write(page, words, x=x + side / 2, y=y - 1.2, size=SMALL_PT, ha="center")
    arrow(page, [(lefts[0] + side + 0.5, y + side / 2), (lefts[1] - 0.5, y + side / 2)])
    for x, end, words in ((2.0, 1.0, "probability"), (side / 2 + 2.0, top, "spread")):
        _draw_scale(page, end, words, x=lefts[4] + x, y=y, height=side)


def _write_step(page: Axes, number: int, words: str, *, y: float) -> None:
    text = fold_text(words, width_mm=WORDS_MM - 6, size=LABEL_PT)
    looks: dict[str, Any] = {"size": LABEL_PT, "va": "top", "linespacing": 1.25}
    write(page, str(number), x=0, y=y, weight="bold", **looks)
    write(page, text, x=3.2, y=y, **looks)


def _draw_scale(page: Axes, end: float, words: str, *, x: float, y: float, height: float) -> None:
    """A bar from 0 to `end`, upwards, with three numbers and its name along it."""
    bar = add_axes(page, x=x, y=y, width=BAR_MM, height=height)
    ramp = np.linspace(1, 0, 256)[:, None]
    bar.imshow(probability_to_rgb(ramp), aspect="auto", interpolation="antialiased")
    bar.set_axis_off()
    frame(bar)
    for share in (0.0, 0.5, 1.0):
        place = {0.0: "baseline", 0.5: "center", 1.0: "top"}[share]
        number = f"{share * end:.3g}"
        write(
            page,
            number,
            x=x + BAR_MM + TICK_MM,
            y=y + height * (1 - share),
            size=SMALL_PT,
            va=place,
        )
    write(
        page,
        words,
        x=x - 0.6,
        y=y + height / 2,
        size=SMALL_PT,
        rotation=90,
        va="center",
        ha="right",
    )
