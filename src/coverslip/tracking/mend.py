"""who became whom → masks that were parted or joined in one frame only, put right by their tracks.

A cell that is two in a single frame, and one before and after it, was parted by mistake; two cells
that are one in a single frame were joined by mistake. The film says so, a single image could not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.tracking.cells import find_cells
from coverslip.tracking.cost import CUT_PX, division_costs, join_cells, link_costs, side_costs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.link import Linked

# Pieces of one cell lie at most so many pixels apart.
APART_PX = 3
# A mend must be cheaper than what it replaces by this much.
MARGIN = 2.0


@dataclass(frozen=True)
class Join:
    """Two labels of a frame that are one cell: the second becomes the first."""

    frame: int
    label: int
    other: int


@dataclass(frozen=True, eq=False)
class Split:
    """A label of a frame that is two cells: pixels nearer to the second get a new number.

    Attributes:
        frame, label: Of the mask.
        new_label: Of the second cell.
        places: (2, 2), where the two should be, rows and columns.
        spreads: (2, 2, 2), the covariances of their pixels.
    """

    frame: int
    label: int
    new_label: int
    places: Floats
    spreads: Floats


Mend = Join | Split


def mend_labels(labels: NDArray[Any], mends: Sequence[Mend]) -> NDArray[Any]:
    """Give the labels of a frame with its mends made; the input stays as it is.

    Example:
        >>> import numpy as np
        >>> mend_labels(np.array([[1, 1, 2, 0, 3]]), [Join(0, label=1, other=2)])
        array([[1, 1, 1, 0, 3]])
    """
    mended = labels
    for one in mends:
        if mended is labels:
            mended = labels.astype(np.int64)
        if isinstance(one, Join):
            mended[mended == one.other] = one.label
        else:
            mended[_second_half(mended, one)] = one.new_label
    return mended


def _second_half(labels: NDArray[Any], split: Split) -> tuple[NDArray[Any], ...]:
    """The pixels of a mask that are nearer to the second cell, in units of each cell's own extent."""
    where = np.nonzero(labels == split.label)
    away = np.column_stack(where)[None] - split.places[:, None]
    distance = np.einsum("cni,cij,cnj->cn", away, np.linalg.inv(split.spreads), away)
    second = distance[1] < distance[0]
    return tuple(axis[second] for axis in where)


def find_mends(
    frames: Sequence[Cells],
    linked: Sequence[Linked],
    *,
    scales: Scales,
    labels_of: Callable[[int], NDArray[Any]],
) -> list[Mend]:
    """Find the masks that were parted or joined in one frame only.

    Args:
        frames: The cells of all frames.
        linked: Who became whom, neighbouring frames in the order of time, then gaps.
        scales: Of the film.
        labels_of: Gives the (H, W) labels of a frame.

    Returns:
        In the order of time; a label is in one at most.
    """
    story = _Story(frames, linked)
    found: list[Mend] = []
    for t in range(1, len(frames) - 1):
        taken: set[int] = set()
        new_label = int(frames[t].label.max(initial=0)) + 1
        for mend in (*_joins(story, t, scales, labels_of), *_splits(story, t, scales, labels_of)):
            touched = {mend.label, mend.other} if isinstance(mend, Join) else {mend.label}
            if touched & taken:
                continue
            taken |= touched
            if isinstance(mend, Split):
                mend = replace(mend, new_label=new_label)
                new_label += 1
            found.append(mend)
    return found


class _Story:
    """Who came before and after each cell: dictionaries from (frame, cell) to (frame, cell)."""

    def __init__(self, frames: Sequence[Cells], linked: Sequence[Linked]) -> None:
        self.frames = frames
        self.by_pair = {one.begin: one for one in linked if one.end == one.begin + 1}
        self.after: dict[tuple[int, int], tuple[int, int]] = {}
        self.before: dict[tuple[int, int], tuple[int, int]] = {}
        self.daughters: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.mother: dict[tuple[int, int], tuple[int, int]] = {}
        for one in linked:
            for i, j in one.links.tolist():
                self.after[one.begin, i], self.before[one.end, j] = (one.end, j), (one.begin, i)
            for i, *both in one.divisions.tolist():
                self.daughters[one.begin, i] = [(one.end, j) for j in both]
                self.mother.update({(one.end, j): (one.begin, i) for j in both})

    def past(self, cell: tuple[int, int]) -> tuple[int, int] | None:
        return self.before.get(cell) or self.mother.get(cell)

    def goes_on(self, cell: tuple[int, int]) -> bool:
        return cell in self.after or cell in self.daughters

    def expected(self, t: int) -> Floats:
        return self.by_pair[t].expected


def _cost(
    before: Cells, i: int, after: Cells, j: int, *, expected: Floats, scales: Scales
) -> float:
    return float(link_costs(before, after, expected, links=np.array([[i, j]]), scales=scales)[0])


def _joins(
    story: _Story, t: int, scales: Scales, labels_of: Callable[[int], NDArray[Any]]
) -> Iterator[Join]:
    """Cells of one frame only that make a neighbour what it was before and is after."""
    cells = story.frames[t]
    ends = side_costs(cells, np.zeros(2), scales=scales) if len(cells) else np.zeros(0)
    for k in range(len(cells)):
        if story.goes_on((t, k)) or (t, k) in story.before or cells.rim[k] < CUT_PX:
            continue
        near = np.hypot(*(cells.place - cells.place[k]).T)
        for j in np.argsort(near)[1:4].tolist():
            past, future = story.past((t, j)), story.after.get((t, j))
            if past is None or future is None or (past[0], future[0]) != (t - 1, t + 1):
                continue
            both = join_cells(cells, np.array([j]), np.array([k]))
            before, after = story.frames[t - 1], story.frames[t + 1]
            i, m = past[1], future[1]
            to_both = _cost(before, i, both, 0, expected=story.expected(t - 1), scales=scales)
            shift = (story.expected(t)[[j]] - cells.place[[j]]) + both.place
            from_both = _cost(both, 0, after, m, expected=shift, scales=scales)
            today = _cost(cells, j, after, m, expected=story.expected(t), scales=scales) + ends[k]
            today += _price_of_past(story, t, i, j, k, ends=ends, scales=scales)
            if to_both + from_both + MARGIN < today and _are_near(labels_of(t), cells, j, k):
                yield Join(t, int(cells.label[j]), int(cells.label[k]))
                break


def _price_of_past(
    story: _Story, t: int, i: int, j: int, k: int, *, ends: Floats, scales: Scales
) -> float:
    """What it cost that j comes from i, and that k is there: its sister, or from nowhere."""
    before, cells, expected = story.frames[t - 1], story.frames[t], story.expected(t - 1)
    if story.mother.get((t, k)) == story.mother.get((t, j)) is not None:
        division = np.array([[i, j, k]])
        return float(division_costs(before, cells, expected, divisions=division, scales=scales)[0])
    return _cost(before, i, cells, j, expected=expected, scales=scales) + float(ends[k])


def _are_near(labels: NDArray[Any], cells: Cells, j: int, k: int) -> bool:
    """Whether two masks are at most a few pixels apart."""
    reach = 3 * np.sqrt(np.trace(cells.spread[k])) + APART_PX + 1
    low = np.maximum(cells.place[k] - reach, 0).astype(int)
    high = (cells.place[k] + reach).astype(int) + 1
    window = labels[low[0] : high[0], low[1] : high[1]]
    one, other = window == cells.label[j], window == cells.label[k]
    if not one.any() or not other.any():
        return False
    distance: NDArray[Any] = ndimage.distance_transform_edt(~other)
    return float(distance[one].min()) <= APART_PX


def _splits(
    story: _Story, t: int, scales: Scales, labels_of: Callable[[int], NDArray[Any]]
) -> Iterator[Split]:
    """Masks in which a second cell went up for one frame: it ended before, and goes on after."""
    before, cells, after = story.frames[t - 1], story.frames[t], story.frames[t + 1]
    for lost in range(len(before)):
        gap = story.after.get((t - 1, lost))
        if before.rim[lost] < CUT_PX or (gap is None and story.goes_on((t - 1, lost))):
            continue
        if gap is not None and gap[0] != t + 1:
            continue
        place = story.expected(t - 1)[lost]
        reach = scales.radius + 2 * scales.motion
        mask = _nearest_mask(labels_of(t), cells, place, reach)
        past = None if mask is None else story.before.get((t, mask))
        if mask is None or past is None or past[0] != t - 1:
            continue
        two = _after_two(story, t, mask, gap)
        if two is None or not _is_both(before, past[1], lost, cells, mask, scales):
            continue
        first = story.expected(t - 1)[past[1]]
        if _crossed(np.stack([first, place]), after.place[list(two)]):
            two = (two[1], two[0])
        places = (np.stack([first, place]) + after.place[list(two)]) / 2
        shift = cells.place[mask] - np.average(places, axis=0, weights=before.area[[past[1], lost]])
        yield Split(
            t,
            int(cells.label[mask]),
            new_label=0,
            places=places + shift,
            spreads=before.spread[[past[1], lost]],
        )


def _nearest_mask(labels: NDArray[Any], cells: Cells, place: Floats, reach: float) -> int | None:
    """The cell whose mask comes nearest to a place, if it comes within reach."""
    low = np.maximum(place - reach, 0).astype(int)
    high = np.maximum(place + reach + 1, 0).astype(int)
    window = labels[low[0] : high[0], low[1] : high[1]]
    where = np.nonzero(window)
    if not len(where[0]):
        return None
    away = np.hypot(*(np.column_stack(where) + low - place).T)
    nearest = int(np.argmin(away))
    if away[nearest] > reach:
        return None
    return int(np.searchsorted(cells.label, window[where[0][nearest], where[1][nearest]]))


def _after_two(
    story: _Story, t: int, mask: int, gap: tuple[int, int] | None
) -> tuple[int, int] | None:
    """The two cells of the next frame that a mask of two cells becomes."""
    if gap is not None:
        future = story.after.get((t, mask))
        return (future[1], gap[1]) if future is not None and future[0] == t + 1 else None
    daughters = story.daughters.get((t, mask), [])
    if len(daughters) == 2 and daughters[0][0] == t + 1:
        return daughters[0][1], daughters[1][1]
    return None


def _is_both(before: Cells, one: int, lost: int, cells: Cells, mask: int, scales: Scales) -> bool:
    """Whether a mask is as large as two cells together rather than as the one."""
    grown = np.log(cells.area[mask] / before.area[one]) - scales.growth
    both = np.log(cells.area[mask] / (before.area[one] + before.area[lost])) - scales.growth
    return bool(abs(both) < abs(grown) and abs(both) < 3 * scales.area)


def _crossed(before: Floats, after: Floats) -> bool:
    """Whether two cells come out of a mask more nearly the other way round."""
    straight = np.hypot(*(before - after).T).sum()
    return bool(np.hypot(*(before - after[::-1]).T).sum() < straight)


def mended_cells(
    frames: Sequence[Cells], mends: Sequence[Mend], labels_of: Callable[[int], NDArray[Any]]
) -> list[Cells]:
    """The cells of all frames after the mends."""
    new = list(frames)
    for t in sorted({mend.frame for mend in mends}):
        new[t] = find_cells(mend_labels(labels_of(t), [one for one in mends if one.frame == t]))
    return new
