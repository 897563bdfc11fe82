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
from coverslip.tracking.chains import chain
from coverslip.tracking.cost import CUT_PX, division_costs, join_cells, link_costs, side_costs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats, Whole
    from coverslip.tracking.chains import Chains
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
    """The pixels of a mask that are nearer to the second cell, each in units of its own extent."""
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
    expected = {one.begin: one.expected for one in linked if one.end == one.begin + 1}
    chains = chain(frames, linked)
    found: list[Mend] = []
    for t in range(1, len(frames) - 1):
        moment = _Moment(t, frames, chains, expected, scales)
        lone, lost = _lone_cells(moment), _lost_cells(moment)
        if not len(frames[t]) or not len(lone) + len(lost):
            continue
        labels = labels_of(t)
        new_label = int(frames[t].label.max()) + 1
        taken: set[int] = set()
        mends: list[Mend] = [*_joins(moment, lone, labels), *_splits(moment, lost, labels)]
        for mend in mends:
            touched = {mend.label, mend.other} if isinstance(mend, Join) else {mend.label}
            if touched & taken:
                continue
            taken |= touched
            found.append(replace(mend, new_label=new_label) if isinstance(mend, Split) else mend)
            new_label += isinstance(mend, Split)
    return found


@dataclass(frozen=True, eq=False)
class _Moment:
    """A frame of a film, with the frames before and after it."""

    t: int
    frames: Sequence[Cells]
    chains: Chains
    expected_in: Mapping[int, Floats]
    scales: Scales

    @property
    def before(self) -> Cells:
        return self.frames[self.t - 1]

    @property
    def cells(self) -> Cells:
        return self.frames[self.t]

    @property
    def after(self) -> Cells:
        return self.frames[self.t + 1]

    def nodes(self, t: int) -> slice:
        return slice(int(self.chains.offset[t]), int(self.chains.offset[t + 1]))

    def node(self, k: int) -> int:
        return int(self.chains.offset[self.t]) + k

    def cell_before(self, k: int) -> int | None:
        """Which cell of the frame just before a cell was, or came from."""
        past = max(self.chains.before[self.node(k)], self.chains.mother[self.node(k)])
        return self._index(past, self.t - 1)

    def cell_after(self, k: int) -> int | None:
        return self._index(self.chains.after[self.node(k)], self.t + 1)

    def _index(self, node: int, frame: int) -> int | None:
        here = node >= 0 and self.chains.frame[node] == frame
        return int(self.chains.index[node]) if here else None


def _lone_cells(moment: _Moment) -> Whole:
    """Cells of one frame only: they were not there before, and do not go on."""
    nodes = moment.nodes(moment.t)
    alone = (moment.chains.before[nodes] < 0) & (moment.chains.after[nodes] < 0)
    alone &= moment.cells.rim >= CUT_PX
    divides = np.isin(np.arange(nodes.start, nodes.stop), _mothers(moment, moment.t + 1))
    return np.flatnonzero(alone & ~divides)


def _lost_cells(moment: _Moment) -> Whole:
    """Cells of the frame before that were not seen in this one."""
    nodes = moment.nodes(moment.t - 1)
    future = moment.chains.after[nodes]
    missed = (future < 0) | (moment.chains.frame[future] == moment.t + 1)
    missed &= moment.before.rim >= CUT_PX
    divides = np.isin(np.arange(nodes.start, nodes.stop), _mothers(moment, moment.t))
    return np.flatnonzero(missed & ~divides)


def _mothers(moment: _Moment, t: int) -> Whole:
    mothers: Whole = moment.chains.mother[moment.nodes(t)]
    return mothers[mothers >= 0]


def _cost(
    before: Cells, i: int, after: Cells, j: int, *, expected: Floats, scales: Scales
) -> float:
    return float(link_costs(before, after, expected, links=np.array([[i, j]]), scales=scales)[0])


def _joins(moment: _Moment, lone: Whole, labels: NDArray[Any]) -> Iterator[Join]:
    """Cells of one frame only that make a neighbour what it was before and is after."""
    cells = moment.cells
    for k in lone.tolist():
        near = np.hypot(*(cells.place - cells.place[k]).T)
        for j in np.argsort(near)[1:4].tolist():
            i, m = moment.cell_before(j), moment.cell_after(j)
            if i is None or m is None or not _are_one(moment, i, j, k, m):
                continue
            if are_near(labels, cells, j, k):
                yield Join(moment.t, int(cells.label[j]), int(cells.label[k]))
                break


def _are_one(moment: _Moment, i: int, j: int, k: int, m: int) -> bool:
    """Whether it costs less that i became j and k together, which became m."""
    cells, scales = moment.cells, moment.scales
    past, future = moment.expected_in[moment.t - 1], moment.expected_in[moment.t]
    both = join_cells(cells, np.array([j]), np.array([k]))
    to_both = _cost(moment.before, i, both, 0, expected=past, scales=scales)
    moved = both.place + future[[j]] - cells.place[[j]]
    from_both = _cost(both, 0, moment.after, m, expected=moved, scales=scales)
    end = float(side_costs(cells, np.zeros(2), scales=scales)[k])
    apart = _cost(cells, j, moment.after, m, expected=future, scales=scales) + end
    mother = moment.chains.mother
    if mother[moment.node(k)] == mother[moment.node(j)] >= 0:
        sisters = np.array([[i, j, k]])
        apart += float(
            division_costs(moment.before, cells, past, divisions=sisters, scales=scales)[0]
        )
    else:
        apart += _cost(moment.before, i, cells, j, expected=past, scales=scales) + end
    return to_both + from_both + MARGIN < apart


def are_near(labels: NDArray[Any], cells: Cells, j: int, k: int) -> bool:
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


def _splits(moment: _Moment, lost: Whole, labels: NDArray[Any]) -> Iterator[Split]:
    """Masks in which a second cell went up for one frame: it ended before, and goes on after."""
    before, cells = moment.before, moment.cells
    expected = moment.expected_in[moment.t - 1]
    reach = moment.scales.radius + 2 * moment.scales.motion
    for gone in lost.tolist():
        mask = _nearest_mask(labels, cells, expected[gone], reach)
        if mask is None or moment.chains.before[moment.node(mask)] < 0:
            continue
        one, two = moment.cell_before(mask), _become(moment, mask, gone)
        if one is None or two is None or not _is_both(moment, (one, gone), mask, two):
            continue
        ways = expected[[one, gone]]
        after = moment.after.place[list(two)]
        places = (ways + (after[::-1] if _crossed(ways, after) else after)) / 2
        middle = np.average(places, axis=0, weights=before.area[[one, gone]])
        yield Split(
            moment.t,
            int(cells.label[mask]),
            new_label=0,
            places=places + cells.place[mask] - middle,
            spreads=before.spread[[one, gone]],
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


def _become(moment: _Moment, mask: int, gone: int) -> tuple[int, int] | None:
    """The two cells that a mask becomes: its daughters, or itself and the lost one."""
    after, mother = moment.cell_after(mask), moment.chains.mother
    future = int(moment.chains.after[moment.nodes(moment.t - 1)][gone])
    if after is not None and future >= 0:
        return after, int(moment.chains.index[future])
    nodes = moment.nodes(moment.t + 1)
    daughters = np.flatnonzero(mother[nodes] == moment.node(mask)).tolist()
    return (daughters[0], daughters[1]) if future < 0 and len(daughters) == 2 else None


def _is_both(moment: _Moment, before: tuple[int, int], mask: int, after: tuple[int, int]) -> bool:
    """Whether a mask is as large as two cells together, as they were or will be, not as the one."""
    grown = moment.scales.growth
    were, will_be = moment.before.area[list(before)], moment.after.area[list(after)]
    area = np.log(moment.cells.area[mask])
    past, future = np.log(were.sum()) + grown, np.log(will_be.sum()) - grown
    both = abs(area - (past + future) / 2)
    alone = abs(area - (np.log(were[0]) + grown + np.log(will_be.max()) - grown) / 2)
    return bool(both < alone and both < 3 * moment.scales.area + abs(past - future) / 2)


def _crossed(before: Floats, after: Floats) -> bool:
    """Whether two cells come out of a mask more nearly the other way round."""
    straight = np.hypot(*(before - after).T).sum()
    return bool(np.hypot(*(before - after[::-1]).T).sum() < straight)


def mended_cells(
    frames: Sequence[Cells],
    mends: Sequence[Mend],
    labels_of: Callable[[int], NDArray[Any]],
    *,
    image_of: Callable[[int], NDArray[Any] | None] | None = None,
) -> list[Cells]:
    """The cells of all frames after the mends."""
    new = list(frames)
    for t in sorted({mend.frame for mend in mends}):
        labels = mend_labels(labels_of(t), [one for one in mends if one.frame == t])
        new[t] = find_cells(labels, image=None if image_of is None else image_of(t))
    return new
