"""pictures of thresholds × cell sizes → one HTML page, with the command to copy under each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coverslip.report.html import data_url, render_still
from coverslip.report.pictures import encode_picture

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
    """
    # A click on a command selects all of it, which is style alone.
    return render_still(
        "tune.html.j2",
        style="tune",
        title=title,
        notes=notes,
        rows=[
            (heading, [(choice, to_source(choice.picture)) for choice in choices])
            for heading, choices in rows
        ],
    )


def to_source(picture: NDArray[np.uint8]) -> str:
    """A picture as a link that holds it."""
    return data_url(encode_picture(picture, side_px=SIDE_PX), "image/jpeg")
