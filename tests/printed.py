"""What can be read and seen in a figure of matplotlib, without looking at it."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def texts(figure) -> list[str]:
    """All words in a figure, those of its panels too."""
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def pictures(figure) -> list[np.ndarray]:
    """The arrays of all panels, in the order in which they were drawn."""
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


def collisions(figure) -> list[str]:
    """Words that stick out of the page, or lie upon other words or a panel."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    page = figure.bbox
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for axes in figure.axes
        for text in axes.texts
        if text.get_text()
    ]
    bad = [
        f"{words!r} sticks out"
        for words, box in boxes
        if box.x0 < page.x0 - 1 or box.x1 > page.x1 + 1 or box.y0 < -1 or box.y1 > page.y1 + 1
    ]
    bad += [
        f"{a!r} on {b!r}"
        for (a, first), (b, second) in combinations(boxes, 2)
        if overlap(first, second)
    ]
    panels = [axes.bbox for axes in figure.axes if axes.images]
    bad += [
        f"{words!r} on a panel" for words, box in boxes for panel in panels if overlap(box, panel)
    ]
    return bad


def overlap(a, b) -> bool:
    """Two boxes share more than a line."""
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5
