"""Films of cells that are drawn: discs that move, grow, divide, go astray and come back."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Discs = list[tuple[float, float, float]]


def draw(discs: Discs, size: tuple[int, int] = (120, 160)) -> NDArray[np.int32]:
    """Labels of discs (y, x, radius), numbered from 1 in their order."""
    labels = np.zeros(size, dtype=np.int32)
    y, x = np.mgrid[: size[0], : size[1]]
    for number, (row, column, radius) in enumerate(discs, start=1):
        labels[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = number
    return labels


def film(*frames: Discs, size: tuple[int, int] = (120, 160)) -> NDArray[np.int32]:
    """A film, a list of discs for each frame."""
    return np.stack([draw(one, size) for one in frames])


def links_of(tracks: Any) -> set[tuple[int, int, int, int]]:
    """All links as (frame, label, later frame, its label), those to daughters among them."""
    found, ends = set(), {}
    for track, rows in tracks.cells.groupby("track_id"):
        seen = list(zip(rows["frame"].tolist(), rows["label"].tolist(), strict=True))
        ends[track] = seen[0], seen[-1]
        found |= {(*one, *other) for one, other in pairwise(seen)}
    for row in tracks.lineage.itertuples():
        if row.parent_track_id:
            found.add((*ends[row.parent_track_id][1], *ends[row.track_id][0]))
    return found


def crowd(
    n_frames: int, *, seed: int, size: int = 240, n: int = 25, step: float = 1.5
) -> tuple[NDArray[np.int32], set[tuple[int, int, int, int]], set[tuple[int, int]]]:
    """Cells that wander, grow and divide.

    Returns:
        The labels, numbered anew by chance in every frame; the true links, as of `links_of`; and
        the true divisions, each as a mother's last frame and label.
    """
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(n))
    grid = (np.stack(np.meshgrid(*2 * [np.arange(side)]), -1).reshape(-1, 2) + 0.5) * size / side
    cells = {k: [*place, rng.uniform(0, 1)] for k, place in enumerate(grid)}
    frames, links, divisions = [], set(), set()
    last: dict[int, tuple[int, int]] = {}
    for t in range(n_frames):
        came_from = {k: k for k in cells}
        for k in list(cells) if t else []:
            y, x, age = cells[k]
            if age >= 1:
                del cells[k], came_from[k]
                way = rng.uniform(0, 2 * np.pi)
                for sign in (1, -1):
                    new = 1000 * (t + 1) + len(cells) * 2 + (sign > 0)
                    cells[new] = [y + sign * 7 * np.sin(way), x + sign * 7 * np.cos(way), 0.0]
                    came_from[new] = k
            else:
                cells[k] = [*(np.array([y, x]) + rng.normal(0, step, 2)), age + 0.08]
        push_apart(cells)
        order = rng.permutation(list(cells))
        drawn = [(*cells[k][:2], 5 + 2 * cells[k][2]) for k in order]
        labels = draw(drawn, (size, size))
        seen = set(np.unique(labels).tolist())
        now = {k: (t, n) for n, k in enumerate(order.tolist(), start=1) if n in seen}
        links |= {(*last[came_from[k]], *now[k]) for k in now if came_from[k] in last}
        divisions |= {last[m] for k, m in came_from.items() if k != m and k in now and m in last}
        last = now
        frames.append(labels)
    return np.stack(frames), links, divisions


def push_apart(cells: dict[int, list[float]]) -> None:
    """Move cells that overlap away from one another, in place."""
    for k, one in cells.items():
        for m, other in cells.items():
            way = np.array(one[:2]) - other[:2]
            gap = np.hypot(*way) - (10 + 2 * (one[2] + other[2]))
            if k != m and gap < 0:
                one[:2] = (np.array(one[:2]) - way / (np.hypot(*way) + 1e-9) * gap).tolist()
