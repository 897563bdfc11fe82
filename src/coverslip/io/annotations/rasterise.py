"""outlines of cells → labels: the pixels whose centres lie inside.

Coordinates count corners, as in `coverslip.contours`: the image's first pixel is the square from
(0, 0) to (1, 1), and its centre is (0.5, 0.5). What a tool means otherwise, its own module mends
before it comes here. Drawing is the inverse of `coverslip.contours.find_outlines`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST_ID = np.iinfo(np.int32).max
CROSSINGS = 2**22  # of edges and rows, found at once
FAR_PX = 1e9  # no corner of an outline lies so far from its picture


@dataclass(frozen=True)
class Canvas:
    """The picture that was annotated.

    Attributes:
        height: In px.
        width: Likewise.
        n_times: Of a time-lapse, or None where the picture has no such axis.
        n_depths: Of a z-stack, or None.
    """

    height: int
    width: int
    n_times: int | None = None
    n_depths: int | None = None

    @property
    def n_frames(self) -> int:
        """Times × depths."""
        return (self.n_times or 1) * (self.n_depths or 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W), with times and depths before it where it has them."""
        lengths = [n for n in (self.n_times, self.n_depths) if n is not None]
        return (*lengths, self.height, self.width)

    def frame(self, *, time: int, depth: int) -> int:
        """The number of a frame, from 0; a picture of one frame has no other."""
        if self.n_frames == 1:
            return 0
        return time * (self.n_depths or 1) + depth


@dataclass(frozen=True)
class Cell:
    """One annotated object.

    Attributes:
        parts: Its pieces, each a list of closed rings (n, 2), y and x of their corners, the first
            not again at the end; a ring inside of another is a hole (even-odd rule).
        pixels: Rows and columns, where a format names pixels and no outline.
        number: What the file calls it, from 1; None where it has no number.
        frame: In which frame it lies, from 0.
    """

    parts: Sequence[Sequence[NDArray[Any]]] = ()
    pixels: tuple[NDArray[Any], NDArray[Any]] | None = None
    number: int | None = None
    frame: int = 0


def draw_cells(path: Path, cells: Sequence[Cell], canvas: Canvas) -> NDArray[np.int32]:
    """Draw cells; of two that claim a pixel, the later one has it.

    Args:
        path: Their file, for messages.
        cells: In the file's order. They keep their numbers if all of them have one, and no two of
            a frame the same; if not, they are numbered from 1 on.
        canvas: What they are drawn on; what lies beyond its edges is cut off.

    Returns:
        Labels of the canvas's shape, 0 for background.

    Raises:
        FileError: A cell in a frame that is not there, corners that are no finite numbers, or
            cells none of which has a pixel of the picture.

    Example:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> from coverslip.io.annotations.rasterise import Canvas, Cell, draw_cells
        >>> triangle = np.array([(0, 0), (3, 0), (3, 3)])  # y and x
        >>> print(draw_cells(Path("a.json"), [Cell(parts=[[triangle]])], Canvas(3, 4)))
        [[0 0 0 0]
         [1 0 0 0]
         [1 1 0 0]]
    """
    frames = np.zeros((canvas.n_frames, canvas.height, canvas.width), np.int32)
    for cell, number in zip(cells, _numbers(cells), strict=True):
        if not 0 <= cell.frame < canvas.n_frames:
            raise FileError(
                f"{path}: a cell in frame {cell.frame}, counted from 0, where its image has "
                f"{canvas.n_frames}. Name the image that was annotated."
            )
        for part in cell.parts:
            _draw_part(path, frames[cell.frame], part, number)
        if cell.pixels is not None:
            _draw_pixels(frames[cell.frame], cell.pixels, number)
    if cells and not frames.any():
        raise FileError(
            f"{path}: it has {len(cells)} cells, none of which has a pixel of the picture of "
            f"{canvas.height} × {canvas.width} pixels. Name the image that was annotated."
        )
    return frames.reshape(canvas.shape)


def no_areas(path: Path, n: int) -> FileError:
    """What is said of annotations of which none is an area."""
    return FileError(
        f"{path}: {n} annotations, none of them an area: points and lines do not say which pixels "
        "a cell has. Draw the cells as polygons."
    )


def _numbers(cells: Sequence[Cell]) -> list[int]:
    known = [(cell.frame, cell.number) for cell in cells]
    is_good = len(set(known)) == len(known) and all(
        number is not None and 0 < number <= LARGEST_ID for _, number in known
    )
    return [number or 0 for _, number in known] if is_good else list(range(1, len(cells) + 1))


def _draw_part(
    path: Path, labels: NDArray[np.int32], rings: Sequence[NDArray[Any]], number: int
) -> None:
    rings = [np.asarray(ring, np.float64).reshape(-1, 2) for ring in rings if len(ring) > 2]
    if not rings:
        return
    corners = np.concatenate(rings)
    if not (np.abs(corners) < FAR_PX).all():  # nor is NaN
        raise FileError(
            f"{path}: an outline with NaN, Inf or {FAR_PX:g} px and more among its corners. Export "
            "it again."
        )
    limits = np.array(labels.shape)
    # The pixels whose centres can lie inside; of a centre on an edge, the one right of it or below.
    first = np.clip(np.ceil(corners.min(0) - 0.5), 0, limits).astype(int)
    last = np.clip(np.ceil(corners.max(0) - 0.5), 0, limits).astype(int)
    if (first >= last).any():
        return
    window = labels[first[0] : last[0], first[1] : last[1]]
    edges = np.concatenate([np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in rings])
    window[_is_inside(edges - np.tile(first, 2), window.shape)] = number


def _is_inside(edges: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels have an odd number of edges on their left.

    Args:
        edges: (n, 4): y and x of one end, y and x of the other.
        shape: Height and width.
    """
    height, width = shape
    turns = np.zeros((height, width + 1), np.uint8)
    size = max(1, CROSSINGS // height)
    for start in range(0, len(edges), size):
        y0, x0, y1, x1 = edges[start : start + size].T
        top = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, height).astype(int)
        below = np.clip(np.ceil(np.maximum(y0, y1) - 0.5), 0, height).astype(int)
        count = below - top
        edge = np.repeat(np.arange(len(count)), count)
        row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + top[edge]
        slope = (x1 - x0)[edge] / (y1 - y0)[edge]
        x = x0[edge] + (row + 0.5 - y0[edge]) * slope
        column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
        np.bitwise_xor.at(turns, (row, column), np.uint8(1))
    return np.bitwise_xor.accumulate(turns, axis=1)[:, :-1].astype(bool)


def _draw_pixels(
    labels: NDArray[np.int32], pixels: tuple[NDArray[Any], NDArray[Any]], number: int
) -> None:
    rows, columns = pixels
    height, width = labels.shape
    is_there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    labels[rows[is_there], columns[is_there]] = number


def box_ring(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """The ring of a rectangle."""
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)], np.float64)


def ellipse_ring(
    centre: tuple[float, float], radii: tuple[float, float], *, turn: float = 0.0
) -> NDArray[np.float64]:
    """The ring of an ellipse, with four corners or more for each pixel of its girth.

    Args:
        centre: y and x.
        radii: Along y and x before it is turned.
        turn: In radians, from x towards y.
    """
    n = min(2**16, max(64, math.ceil(8 * math.pi * max(radii))))
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    y, x = radii[0] * np.sin(angle), radii[1] * np.cos(angle)
    return np.stack(
        [
            centre[0] + x * math.sin(turn) + y * math.cos(turn),
            centre[1] + x * math.cos(turn) - y * math.sin(turn),
        ],
        axis=1,
    )
