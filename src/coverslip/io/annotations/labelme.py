"""labelme's JSON of one image → labels.

Points are places on the picture, in real numbers, and count corners: the first pixel lies between 0
and 1. labelme's own script for masks drops the fractions and draws the rim too, which makes each
cell about a pixel wider and higher than it was drawn; here a cell is what was drawn.
Source: https://github.com/wkentaro/labelme (labelme/utils/shape.py)
"""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from coverslip.errors import FileError
from coverslip.io.annotations.rasterise import (
    Canvas,
    Cell,
    box_ring,
    draw_cells,
    ellipse_ring,
    no_areas,
)
from coverslip.io.formats.guard import check_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

NO_CELLS = ("_background_", "__ignore__")
LINES = ("point", "points", "line", "linestrip")
EMPTY = np.zeros(0, np.intp)


def is_labelme(content: Any) -> bool:
    """Whether a JSON file is one of labelme's."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list)


def draw(path: Path, content: dict[str, Any], canvas: Callable[[], Canvas]) -> NDArray[np.int32]:
    """Draw the shapes: polygons, rectangles, circles and masks; points and lines are no cells.

    Shapes of one label and one group are one cell.

    Args:
        path: The file, for messages.
        content: Of the file.
        canvas: Gives the image's size, where the file does not say it.

    Returns:
        (H, W), numbered from 1 in the order of the file.

    Raises:
        FileError: A shape of another kind, or without its points.
    """
    height, width = content.get("imageHeight"), content.get("imageWidth")
    if isinstance(height, int) and isinstance(width, int):
        check_size(path, height=height, width=width)
        sheet = Canvas(height, width)
    else:
        sheet = canvas()
    groups: dict[object, list[Cell]] = {}
    for number, shape in enumerate(content["shapes"]):
        label, group = shape.get("label"), shape.get("group_id")
        if label in NO_CELLS or shape.get("shape_type") in LINES:
            continue
        key = number if group is None else (label, group)
        groups.setdefault(key, []).append(_to_cell(path, shape))
    kinds = [shape.get("shape_type") in LINES for shape in content["shapes"]]
    if kinds and all(kinds):
        raise no_areas(path, len(kinds))
    return draw_cells(path, [_join(parts) for parts in groups.values()], sheet)


def _join(parts: list[Cell]) -> Cell:
    pixels = [part.pixels for part in parts if part.pixels is not None]
    rows, columns = (np.concatenate([one[axis] for one in pixels] or [EMPTY]) for axis in (0, 1))
    return Cell(parts=[ring for part in parts for ring in part.parts], pixels=(rows, columns))


def _to_cell(path: Path, shape: dict[str, Any]) -> Cell:
    kind = shape.get("shape_type") or "polygon"
    points = np.array(shape["points"], np.float64).reshape(-1, 2)
    if kind == "polygon":
        return Cell(parts=[[points[:, ::-1]]])
    if len(points) < 2:
        raise FileError(f"{path}: a {kind} without its two points. Draw it again in labelme.")
    (x0, y0), (x1, y1) = points[:2].tolist()
    if kind == "rectangle":
        (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
        return Cell(parts=[[box_ring(left, top, right, bottom)]])
    if kind == "circle":
        radius = math.hypot(x1 - x0, y1 - y0)
        return Cell(parts=[[ellipse_ring((y0, x0), (radius, radius))]])
    if kind == "mask":
        with Image.open(io.BytesIO(base64.b64decode(shape["mask"])), formats=["PNG"]) as picture:
            check_size(path, height=picture.height, width=picture.width)
            rows, columns = np.nonzero(np.array(picture.convert("L")))
        return Cell(pixels=(rows + round(y0), columns + round(x0)))
    raise FileError(
        f"{path}: a shape of the kind {kind}; polygon, rectangle, circle and mask are read. Draw "
        "it as a polygon."
    )
