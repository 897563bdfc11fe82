"""NAME_rectangles.json beside a mask → which pixels of its image are annotated.

Finished parts of an image: what lies outside of them is neither cell nor background to a training.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coverslip.errors import DataError
from coverslip.io.annotations.readers import annotated_file
from coverslip.io.discovery import stem

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io.pairing import Pair


RECTANGLES = "_rectangles.json"


class Rectangle(NamedTuple):
    """A part of an image, in pixels; the end lies beyond it, as in Python.

    Example:
        >>> from coverslip.io.rectangles import Rectangle
        >>> Rectangle(0, 10, 64, 74).y1
        64
    """

    y0: int
    x0: int
    y1: int
    x1: int


def rectangles_file(pair: Pair) -> Path:
    """Where the finished parts of a pair's image are written: beside its mask.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import Pair
        >>> from coverslip.io.rectangles import rectangles_file
        >>> rectangles_file(Pair("a", Path("images/a.tif"), (Path("labels/a.png"),))).name
        'a_rectangles.json'
    """
    return annotated_file(pair.masks[0]).parent / f"{stem(pair.image)}{RECTANGLES}"


def read_rectangles(pair: Pair) -> list[Rectangle] | None:
    """Read which parts of an image are finished; None where no file says so: all of it is.

    Raises:
        DataError: the file is not of that form, or has no rectangle.
    """
    file = rectangles_file(pair)
    if not file.is_file():
        return None
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))["rectangles"]
        found = [Rectangle(*(int(number) for number in row)) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f'{file}: not readable ({error}); wanted {{"rectangles": [[y0, x0, y1, x1], ...]}} in '
            "pixels: write it so, or remove it where the whole image is annotated."
        ) from error
    if not found:
        raise DataError(
            f"{file}: no rectangle, so that nothing of {pair.image} is annotated: add one, or move "
            "the image away."
        )
    return found


def known_pixels(pair: Pair, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Which pixels (H, W) of a pair's image are annotated; None: all of them.

    Raises:
        DataError: the file is not of that form, or a rectangle lies outside of the image.
    """
    rectangles = read_rectangles(pair)
    if rectangles is None:
        return None
    height, width = shape[:2]
    known = np.zeros((height, width), dtype=bool)
    for one in rectangles:
        if not (0 <= one.y0 < one.y1 <= height and 0 <= one.x0 < one.x1 <= width):
            raise DataError(
                f"{rectangles_file(pair)}: the rectangle {list(one)} does not lie in the image of "
                f"{height} x {width} pixels; wanted y0 < y1 and x0 < x1 within it: correct it."
            )
        known[one.y0 : one.y1, one.x0 : one.x1] = True
    return known
