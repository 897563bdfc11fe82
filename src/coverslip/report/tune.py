"""pictures of thresholds × cell sizes → one HTML page, with the command to copy under each."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from coverslip.report.html import render
from coverslip.report.pictures import encode_picture

# The page has no script: a click on a command selects all of it, which is style alone.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
SIDE_PX = 420


@dataclass(frozen=True)
class Choice:
    """One picture of the page.

    Attributes:
        name: the threshold, in words.
        picture: (h, w, 3) uint8, the cells outlined.
        n_cells: in the picture.
        confluence: share of the picture that is cell.
        command: that gives these cells.
        is_own: whether it is what happens without any option.
    """

    name: str
    picture: NDArray[np.uint8]
    n_cells: int
    confluence: float
    command: str
    is_own: bool = False


def tune_page(
    title: str, rows: Sequence[tuple[str, Sequence[Choice]]], *, notes: Sequence[str] = ()
) -> str:
    """Write the page: a row for each cell size, in it a picture for each threshold.

    Args:
        title: heading of the page.
        rows: heading and pictures of each.
        notes: what the reader should know.

    Returns:
        HTML5, with style and pictures inside: nothing is loaded, and no script runs.
    """
    folder = files("coverslip.report")
    style = "\n".join(folder.joinpath(f"{n}.css").read_text("utf-8") for n in ("style", "tune"))
    page = render(
        "tune.html.j2",
        title=title,
        style=Markup(style),
        script="",
        policy=POLICY,
        notes=notes,
        rows=[
            (heading, [(choice, to_source(choice.picture)) for choice in choices])
            for heading, choices in rows
        ],
    )
    return f"{page}\n"


def to_source(picture: NDArray[np.uint8]) -> str:
    """A picture as a link that holds it."""
    file = encode_picture(picture, side_px=SIDE_PX)
    return f"data:image/jpeg;base64,{base64.b64encode(file).decode('ascii')}"
