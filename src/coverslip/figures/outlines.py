"""labels → the outline of every cell, as closed lines on the edges of its pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.int64]

# East, south, west, north, as steps of (y, x): with y downwards, a cell lies on the right hand.
STEPS = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])


def labels_to_outlines(labels: NDArray[np.integer[Any]]) -> dict[int, list[Ring]]:
    """Walk around every cell.

    Args:
        labels: (H, W) instance ids, 0 = background.

    Returns:
        For each id its rings, (n, 2) integers: the corners (y, x) of a closed line on pixel edges,
        0 to H and 0 to W, the first not repeated. Outer rings turn clockwise as seen, holes
        counter-clockwise; the even-odd rule fills them. Pixels that touch at a corner share a ring.
    """
    ids, y, x, side = _edges(labels)
    following = _follow(ids, y * (labels.shape[1] + 1) + x, side, width=labels.shape[1] + 1)
    outlines: dict[int, list[Ring]] = {}
    for ring in _cycles(following, side):
        outlines.setdefault(int(ids[ring[0]]), []).append(np.stack([y[ring], x[ring]], axis=1))
    return outlines


def _edges(labels: NDArray[np.integer[Any]]) -> tuple[NDArray[Any], Ring, Ring, Ring]:
    """Sides of pixels where an id ends: the id, the corner (y, x) it starts at, its direction."""
    padded = np.pad(labels, 1)
    inner = padded[1:-1, 1:-1]
    beyond = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    starts = ((0, 0), (0, 1), (1, 1), (1, 0))
    parts = []
    for side, (other, (down, right)) in enumerate(zip(beyond, starts, strict=True)):
        y, x = np.nonzero((inner > 0) & (inner != other))
        parts.append((inner[y, x], y + down, x + right, np.full(len(y), side)))
    ids, ys, xs, sides = (np.concatenate(part) for part in zip(*parts, strict=True))
    return ids, ys, xs, sides


def _follow(ids: NDArray[Any], corner: Ring, side: Ring, *, width: int) -> Ring:
    """The edge that comes after each: left if there is one, so that diagonal pixels stay joined."""
    _, cell = np.unique(ids, return_inverse=True)
    n_corners = int(corner.max(initial=0)) + width + 2
    key = (cell.reshape(-1) * n_corners + corner) * 4 + side
    order = np.argsort(key)
    steps = STEPS[:, 0] * width + STEPS[:, 1]
    end = key - side + steps[side] * 4
    following = np.full(len(key), -1)
    for turn in (1, 0, 3):  # right, straight on, left: the last that is there stays
        wanted = end + (side + turn) % 4
        place = np.minimum(np.searchsorted(key, wanted, sorter=order), max(len(key) - 1, 0))
        found = key[order[place]] == wanted
        following[found] = order[place[found]]
    return following


def _cycles(following: Ring, side: Ring) -> list[list[int]]:
    """Follow the edges until each is used; of each ring those that begin at a turn."""
    after, sides = following.tolist(), side.tolist()
    unused = bytearray(b"\1") * len(after)
    rings = []
    for start in range(len(after)):
        ring, edge = [], start
        while unused[edge]:
            unused[edge] = 0
            behind, edge = edge, after[edge]
            if sides[edge] != sides[behind]:
                ring.append(edge)
        if ring:
            rings.append(ring)
    return rings
