"""numbers and lines → elements of SVG, as short as the eye needs."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.report.html import Html, element

Ring = NDArray[np.integer[Any]]


def svg(tag: str, /, *children: str, **attributes: float | str) -> Html:
    """An SVG element whose numbers have one decimal at most."""
    short = {
        key: f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
        for key, value in attributes.items()
    }
    return element(tag, *children, **short)


def text(content: str, *, x: float, y: float, anchor: str) -> Html:
    """A word or number beside an axis."""
    return svg("text", content, x=x, y=y, text_anchor=anchor)


def number(value: float) -> str:
    """A number beside an axis: 0.25, 1500."""
    return f"{value:.6g}"


def rings_to_path(rings: Sequence[Ring], *, scale: float = 1.0) -> str:
    """Write the outline of one cell as the `d` of a path, from step to step.

    Args:
        rings: Closed lines of corners, (n, 2) integers (y, x), whose sides are along the axes.
        scale: Size of the drawing over that of the image; corners are rounded to whole numbers.

    Returns:
        One "M", then relative steps: "M3 5h2v2h-2z". What shrinks to nothing becomes a square of 1.
    """
    path, here = "", (0, 0)
    for ring in rings:
        # Plain numbers: for the few corners of a cell, arrays would take three times as long.
        corners = [(int(y * scale + 0.5), int(x * scale + 0.5)) for y, x in ring.tolist()]
        steps = _steps(corners)
        if not steps:
            continue
        y, x = corners[0]
        path += f"m{x - here[1]} {y - here[0]}{steps}z" if path else f"M{x} {y}{steps}z"
        here = (y, x)
    y, x = (int(value * scale) for value in rings[0][0])
    return path or f"M{x} {y}h1v1h-1z"


def _steps(corners: Sequence[tuple[int, int]]) -> str:
    """From corner to corner, without the last side, which "z" draws; "" if it has no area."""
    if any(len(set(line)) == 1 for line in zip(*corners, strict=True)):
        return ""
    words: list[str] = []
    axis, length = "", 0
    for (y, x), (to_y, to_x) in pairwise(corners):
        if y == to_y and x == to_x:
            continue
        step = "h" if y == to_y else "v"
        if step != axis:
            words.append(f"{axis}{length}" if length else "")
            axis, length = step, 0
        length += to_y - y + to_x - x
    return "".join(words) + (f"{axis}{length}" if length else "")
