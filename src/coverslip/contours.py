"""labels → outlines: the closed lines around every cell, on the edges of its pixels.

An outline runs between pixels, not through their centres, so nothing is cut off: what lies inside
of it is the cell's pixels and no others. Coordinates count corners: the image's first pixel is the
square from (0, 0) to (1, 1). For polygons there are parts with their holes (`find_outlines`), for
lines to look at the fewest rings (`labels_to_rings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage import measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Ring = NDArray[np.int32]

# Numbers the connected pixels of equal value; scikit-image says nothing of its types.
number_pieces: Callable[..., NDArray[Any]] = measure.label

# Directions of travel, and where one is after a step in each.
EAST, SOUTH, WEST, NORTH = range(4)
STEP_Y = np.array([0, 1, 0, -1])
STEP_X = np.array([1, 0, -1, 0])


@dataclass(frozen=True)
class Outline:
    """One cell.

    Attributes:
        label: Its number in the label image.
        parts: Its pieces, in reading order; pixels that touch at a corner alone are two pieces.
            Each piece is a list of rings, the outer one first, then its holes. A ring is (n, 2)
            int32, y and x of its corners, without the first again at the end; the cell is on the
            right of one who walks along it, so outer rings run clockwise as seen, holes counter-
            clockwise. No ring meets itself.
    """

    label: int
    parts: list[list[Ring]]


@dataclass(frozen=True)
class _Edges:
    """All sides of pixels between a cell and something else, with the cell on the right.

    Attributes:
        y: Where it begins.
        x: Where it begins.
        heading: Where it leads, EAST to NORTH.
        piece: The number of what it bounds.
    """

    y: NDArray[np.int64]
    x: NDArray[np.int64]
    heading: NDArray[np.int64]
    piece: NDArray[np.integer[Any]]


def find_outlines(labels: NDArray[np.integer[Any]]) -> list[Outline]:
    """Find the outline of every cell.

    Args:
        labels: (H, W) integer, 0 is background; the numbers may have gaps.

    Returns:
        One for each number, ascending.

    Raises:
        ValueError: Labels that are not (H, W) integers.

    Example:
        >>> import numpy as np
        >>> from coverslip.contours import find_outlines
        >>> outline = find_outlines(np.array([[0, 0, 0], [0, 5, 5], [0, 0, 0]]))[0]
        >>> outline.label, len(outline.parts)
        (5, 1)
        >>> outline.parts[0][0].tolist()  # y and x of the corners
        [[1, 1], [1, 3], [2, 3], [2, 1]]
    """
    _check(labels)
    # Within a piece, rings that touch at a corner come apart there, and none crosses itself.
    pieces = number_pieces(labels, connectivity=1, background=0).astype(np.int32)
    cells: dict[int, dict[int, list[Ring]]] = {}
    for piece, ring in _find_rings(pieces):
        y, x = ring[0]  # from there it leads east, along the top of this very pixel
        # The topmost edge of a piece is of its outer ring, so that one comes first.
        cells.setdefault(int(labels[y, x]), {}).setdefault(piece, []).append(ring)
    return [Outline(number, list(cells[number].values())) for number in sorted(cells)]


def labels_to_rings(labels: NDArray[np.integer[Any]]) -> dict[int, list[Ring]]:
    """Walk around every cell, to draw it as lines.

    Args:
        labels: (H, W) integer, 0 is background; the numbers may have gaps.

    Returns:
        For each number its rings, as those of an `Outline`, but that pixels which touch at a corner
        share a ring, which meets itself there. The even-odd rule fills them.

    Raises:
        ValueError: Labels that are not (H, W) integers.

    Example:
        >>> import numpy as np
        >>> from coverslip.contours import labels_to_rings
        >>> rings = labels_to_rings(np.array([[2, 2], [2, 2]]))
        >>> {number: [ring.tolist() for ring in lines] for number, lines in rings.items()}
        {2: [[[0, 0], [0, 2], [2, 2], [2, 0]]]}
    """
    _check(labels)
    cells: dict[int, list[Ring]] = {}
    for number, ring in _find_rings(labels):
        cells.setdefault(number, []).append(ring)
    return cells


def _check(labels: NDArray[Any]) -> None:
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise ValueError(f"the labels are {labels.dtype} {labels.shape}; wanted integers (H, W)")


def _find_rings(pieces: NDArray[np.integer[Any]]) -> list[tuple[int, Ring]]:
    """All rings in reading order of their top left corners, each with the number that it bounds."""
    padded = np.pad(pieces, 1)
    edges = _find_edges(padded)
    return _walk(edges, _follow(edges, padded))


def _find_edges(pieces: NDArray[np.integer[Any]]) -> _Edges:
    """Look between all neighbouring pixels; those that lead east come first, in reading order."""
    above, below = pieces[:-1, 1:-1], pieces[1:, 1:-1]
    left, right = pieces[1:-1, :-1], pieces[1:-1, 1:]
    level, upright = above != below, left != right
    # Of each side: the pixels on the right of it, and where it begins in relation to them.
    sides = [
        (EAST, below, level & (below > 0), 0, 0),
        (SOUTH, left, upright & (left > 0), 0, 0),
        (WEST, above, level & (above > 0), 0, 1),
        (NORTH, right, upright & (right > 0), 1, 0),
    ]
    parts = []
    for heading, cells, there, dy, dx in sides:
        y, x = np.nonzero(there)
        parts.append((y + dy, x + dx, np.full(len(y), heading), cells[y, x]))
    y, x, headings, piece = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Edges(y, x, headings, piece)


def _follow(edges: _Edges, pieces: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Which edge comes after each: to the left if the piece goes on there, ahead, or to the right.

    That the left is preferred joins two pixels of a piece that touch at a corner, which parts the
    rings on both sides of that corner.
    """
    y, x = edges.y + STEP_Y[edges.heading], edges.x + STEP_X[edges.heading]
    # The pixels ahead of the corner (y, x); in `pieces`, with its rim, pixel (r, c) is at +1.
    ahead_left = pieces[
        y + np.array([0, 1, 1, 0])[edges.heading], x + np.array([1, 1, 0, 0])[edges.heading]
    ]
    ahead_right = pieces[
        y + np.array([1, 1, 0, 0])[edges.heading], x + np.array([1, 0, 0, 1])[edges.heading]
    ]
    turn = np.where(ahead_left == edges.piece, -1, np.where(ahead_right == edges.piece, 0, 1))
    keys = _keys(edges.y, edges.x, edges.heading, shape=pieces.shape)
    wanted = _keys(y, x, (edges.heading + turn) % 4, shape=pieces.shape)
    return np.searchsorted(keys, wanted)


def _keys(
    y: NDArray[np.int64],
    x: NDArray[np.int64],
    heading: NDArray[np.int64],
    *,
    shape: tuple[int, ...],
) -> NDArray[np.int64]:
    """One number for each place and heading; it ascends in the order of `_find_edges`."""
    return (heading * shape[0] + y) * shape[1] + x


def _walk(edges: _Edges, after: NDArray[np.int64]) -> list[tuple[int, Ring]]:
    """Go round every ring once: its piece and its corners, from its top left one on."""
    order: list[int] = []
    starts: list[int] = []
    following = after.tolist()
    seen = bytearray(len(following))
    # Every ring has an edge that leads east, and the first of them begins at a corner.
    for first in range(int(np.count_nonzero(edges.heading == EAST))):
        if not seen[first]:
            starts.append(len(order))
            edge = first
            while not seen[edge]:
                seen[edge] = 1
                order.append(edge)
                edge = following[edge]
    return _cut(edges, np.array(order, dtype=np.int64), starts)


def _cut(edges: _Edges, order: NDArray[np.int64], starts: list[int]) -> list[tuple[int, Ring]]:
    """Keep the corners of the walk alone, and cut it into its rings."""
    if not starts:
        return []
    heading = edges.heading[order]
    is_corner = np.append(True, heading[1:] != heading[:-1])
    is_corner[starts] = True
    kept = order[is_corner]
    corners = np.stack([edges.y[kept], edges.x[kept]], axis=1).astype(np.int32)
    cuts = np.cumsum(is_corner)[starts] - 1
    rings = np.split(corners, cuts[1:])
    return list(zip(edges.piece[kept[cuts]].tolist(), rings, strict=True))
