"""cells of every frame of a time-lapse → who became whom: cell tracking frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from coverslip.tracking.cells import take, typical_radius
from coverslip.tracking.cost import (
    division_costs,
    guess_scales,
    join_cells,
    link_costs,
    propose,
    side_costs,
)
from coverslip.tracking.motion import find_drift, foretell, persistence
from coverslip.tracking.scales import learn_scales, see_changes
from coverslip.tracking.settings import TrackSettings
from coverslip.tracking.solve import choose_stories

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coverslip.tracking.cells import Cells, Floats, Whole
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.kept import KeptWork

# Runs of three frames that the scales are learnt from, evenly over the film, and how often.
SAMPLE, ROUNDS = 25, 3
# A link is sure if each is the other's cheapest, no other is within 3 of it, and it costs less
# than 5, as a cell does that neither divides nor jumps.
SURE, USUAL = 3.0, 5.0
# Where more than this share of the cells divide, two frames are linked up to so many times.
MANY_DIVISIONS, RELINK = 0.1, 3
# Where fewer than this share of the links are sure beforehand, the drift is in doubt.
DOUBT = 0.5
# Cells that keep less of their own motion than this keep none.
LITTLE = 0.15
NO_LINKS, NO_DIVISIONS = np.empty((0, 2), dtype=np.int64), np.empty((0, 3), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Linked:
    """Who became whom between two frames; all cells are indices into their frame's `Cells`.

    Attributes:
        links: (k, 2), a cell of the first frame, the same cell in the second.
        divisions: (l, 3), a mother, two daughters.
        expected: (n, 2), where the cells of the first frame were expected in the second.
        drift: (2,), by how much the view moved.
        begin, end: The numbers of the two frames.
        cost: Of all their stories.
    """

    begin: int
    end: int
    links: Whole
    divisions: Whole
    expected: Floats
    drift: Floats
    cost: float = 0.0


def link_cells(
    frames: Sequence[Cells],
    *,
    settings: TrackSettings | None = None,
    work: KeptWork | None = None,
) -> tuple[list[Linked], Scales]:
    """Link the cells of a film.

    Scales are learnt from a sample of the film first. Then every pair of frames is linked at the
    least cost, then the gaps: what ended in mid-field is linked with what began there later.

    Args:
        frames: The cells of each frame, in the order of time; a frame may have none.
        settings: None: the defaults.
        work: Where links are kept, and taken from; None: nowhere.

    Returns:
        The links between neighbouring frames, in the order of time, then those over gaps; and the
        scales that were learnt.
    """
    settings = settings or TrackSettings()
    n = len(frames) - 1
    scales = (
        _learn(frames, settings) if work is None else work.scales(lambda: _learn(frames, settings))
    )

    def link(which: Iterable[int]) -> dict[int, Linked]:
        return link_neighbours(frames, which, scales=scales, settings=settings)

    if work is None:
        pairs = link(range(n))
    else:
        pairs = {t: one for run in work.runs(n) for t, one in work.links(run, link).items()}
    linked = [pairs[t] for t in range(len(frames) - 1)]
    return linked + close_gaps(frames, linked, scales=scales, settings=settings), scales


def link_neighbours(
    frames: Sequence[Cells], which: Iterable[int], *, scales: Scales, settings: TrackSettings
) -> dict[int, Linked]:
    """Link some frames of a film, each with the next.

    Args:
        frames: The cells of all frames.
        which: The numbers of the frames.
        scales: Of the film.
        settings: Of the user.

    Returns:
        Who became whom, by the first frame's number.
    """
    linked = {}
    seen: dict[int, Linked] = {}
    for t in which:
        past = seen.get(t - 1) or (_expect(frames, t - 1, scales) if t else None)
        seen = {t: _expect(frames, t, scales)}
        linked[t] = _link_pair(frames, _keep(frames, past, seen[t], scales), scales, settings)
    return linked


def _learn(frames: Sequence[Cells], settings: TrackSettings) -> Scales:
    """The scales of a film, from a sample of it that is linked several times."""
    scales = guess_scales(typical_radius(frames))
    n = len(frames) - 1
    runs = np.linspace(0, max(n - 2, 0), min(SAMPLE, n)).astype(int)
    sample = [int(t) for t in np.unique([runs, runs + 1]) if t < n]
    for _ in range(ROUNDS):
        motions = {t: _expect(frames, t, scales) for t in sample}
        own = [_own_motion(frames, motions[t], motions[t + 1]) for t in motions if t + 1 in motions]
        scales = replace(scales, persistence=persistence(own))
        pairs = link_neighbours(frames, sample, scales=scales, settings=settings).values()
        if pairs:
            changes = [see_changes(frames[one.begin], frames[one.end], one) for one in pairs]
            scales = learn_scales(changes, scales)
    return scales


def _expect(frames: Sequence[Cells], t: int, scales: Scales) -> Linked:
    """Where the cells of a frame should be in the next, and the links that are sure beforehand."""
    before, after = frames[t], frames[t + 1]
    drift = find_drift(before, after, radius=scales.radius)
    sure = _sure_links(before, after, before.place + drift, scales)
    moved = after.place[sure[:, 1]] - before.place[sure[:, 0]]
    if len(sure) > 1:
        drift = np.median(moved, axis=0)
    expected = before.place + foretell(before, sure[:, 0], moved, drift=drift)
    return Linked(t, t + 1, links=sure, divisions=NO_DIVISIONS, expected=expected, drift=drift)


def _sure_links(before: Cells, after: Cells, expected: Floats, scales: Scales) -> Whole:
    if not len(before) or not len(after):
        return NO_LINKS
    links, _ = propose(expected, after)
    cost = link_costs(before, after, expected, links=links, scales=scales)
    order = np.argsort(cost, kind="stable")
    links, cost = links[order], cost[order]
    sure = np.ones(len(links), dtype=bool)
    for side in (0, 1):
        who, first, place = np.unique(links[:, side], return_index=True, return_inverse=True)
        rest = np.full(len(who), np.inf)
        others = np.ones(len(links), dtype=bool)
        others[first] = False
        np.minimum.at(rest, place[others], cost[others])
        best = ~others
        sure &= best & (cost + SURE < rest[place])
    return links[sure & (cost < USUAL)]


def _own_motion(frames: Sequence[Cells], past: Linked, now: Linked) -> tuple[Floats, Floats]:
    """The motions of cells beyond what was expected, in a frame and in the next."""
    _, in_past, in_now = np.intersect1d(past.links[:, 1], now.links[:, 0], return_indices=True)
    return _surplus(frames, past)[in_past], _surplus(frames, now)[in_now]


def _surplus(frames: Sequence[Cells], linked: Linked) -> Floats:
    i, j = linked.links.T
    surplus: Floats = frames[linked.end].place[j] - linked.expected[i]
    return surplus


def _keep(frames: Sequence[Cells], past: Linked | None, now: Linked, scales: Scales) -> Linked:
    """Expect of a cell that it keeps a part of its own motion, as far as the film's cells do."""
    if past is None or scales.persistence < LITTLE:
        return now
    expected = np.array(now.expected)
    expected[past.links[:, 1]] += scales.persistence * _surplus(frames, past)
    return replace(now, expected=expected)


def _link_pair(
    frames: Sequence[Cells], motion: Linked, scales: Scales, settings: TrackSettings
) -> Linked:
    """Link two frames at the least cost, given where the cells are expected.

    Where few links are sure, as where most cells divide at once, so is the drift. Then the way of
    all cells' common centre of mass is tried as well, and the cheaper is taken.
    """
    before, after = frames[motion.begin], frames[motion.end]
    tried = [_relink(before, after, motion, scales, settings)]
    n = min(len(before), len(after))
    if n and len(motion.links) < DOUBT * n:
        drift = _centre(after) - _centre(before)
        other = replace(motion, drift=drift, expected=before.place + drift)
        tried.append(_relink(before, after, other, scales, settings))
    return min(tried, key=lambda one: one.cost)


def _centre(cells: Cells) -> Floats:
    centre: Floats = np.average(cells.place, axis=0, weights=cells.area)
    return centre


def _relink(
    before: Cells, after: Cells, motion: Linked, scales: Scales, settings: TrackSettings
) -> Linked:
    """Link two frames; again where many cells divide, since their ways say better where to look."""
    best = motion
    for turn in range(RELINK):
        links, divisions, cost = link_two(
            before,
            after,
            motion.expected,
            drift=motion.drift,
            scales=scales,
            settings=settings,
        )
        motion = replace(motion, links=links, divisions=divisions, cost=cost)
        if not turn or cost < best.cost:
            best = motion
        if len(divisions) <= MANY_DIVISIONS * len(before):
            break
        both = join_cells(after, divisions[:, 1], divisions[:, 2])
        known = np.concatenate([links[:, 0], divisions[:, 0]])
        moved = np.vstack([after.place[links[:, 1]], both.place]) - before.place[known]
        drift = np.median(moved, axis=0)
        expected = before.place + foretell(before, known, moved, drift=drift)
        motion = replace(motion, expected=expected, drift=drift)
    return best


def link_two(
    before: Cells,
    after: Cells,
    expected: Floats,
    *,
    drift: Floats,
    scales: Scales,
    settings: TrackSettings,
) -> tuple[Whole, Whole, float]:
    """Choose the links and divisions between two sets of cells that cost least."""
    if not len(before) or not len(after):
        return NO_LINKS, NO_DIVISIONS, scales.ending * (len(before) + len(after))
    links, divisions = propose(expected, after)
    if settings.max_distance_px is not None:
        links, divisions = _within(links, divisions, expected, after, settings.max_distance_px)
    if not settings.divisions:
        divisions = NO_DIVISIONS
    return choose_stories(
        links,
        link_costs(before, after, expected, links=links, scales=scales),
        divisions,
        division_costs(before, after, expected, divisions=divisions, scales=scales),
        ends=side_costs(before, drift, scales=scales),
        begins=side_costs(after, -drift, scales=scales),
    )


def _within(
    links: Whole, divisions: Whole, expected: Floats, after: Cells, limit: float
) -> tuple[Whole, Whole]:
    """Stories in which no cell moves farther than a limit."""

    def way(story: Whole, to: int) -> Floats:
        distance: Floats = np.hypot(*(after.place[story[:, to]] - expected[story[:, 0]]).T)
        return distance

    near = (way(divisions, 1) <= limit) & (way(divisions, 2) <= limit)
    return links[way(links, 1) <= limit], divisions[near]


def close_gaps(
    frames: Sequence[Cells], linked: Sequence[Linked], *, scales: Scales, settings: TrackSettings
) -> list[Linked]:
    """Link cells that ended with cells that began some frames later, the shortest gaps first.

    Args:
        frames: The cells of all frames.
        linked: Who became whom between all neighbouring frames, in the order of time.
        scales: Of the film.
        settings: Of the user.

    Returns:
        Links and divisions over gaps, where there are any.
    """
    ended = [np.ones(len(cells), dtype=bool) for cells in frames]
    begun = [np.ones(len(cells), dtype=bool) for cells in frames]
    for one in linked:
        _strike(one, ended, begun)
    found: list[Linked] = []
    for steps in range(2, settings.max_gap + 2):
        wide = scales.over(steps)
        for t in range(len(frames) - steps):
            i, j = np.flatnonzero(ended[t]), np.flatnonzero(begun[t + steps])
            if not len(i) or not len(j):
                continue
            drift = np.sum([one.drift for one in linked[t : t + steps]], axis=0)
            before, after = take(frames[t], i), take(frames[t + steps], j)
            expected = before.place + drift
            links, divisions, _ = link_two(
                before, after, expected, drift=drift, scales=wide, settings=settings
            )
            gap = Linked(
                t,
                t + steps,
                links=np.column_stack([i[links[:, 0]], j[links[:, 1]]]),
                divisions=np.column_stack([i[divisions[:, 0]], j[divisions[:, 1:]]]),
                expected=frames[t].place + drift,
                drift=drift,
            )
            _strike(gap, ended, begun)
            found += [gap] if len(links) or len(divisions) else []
    return found


def _strike(linked: Linked, ended: list[np.ndarray], begun: list[np.ndarray]) -> None:
    """Note which cells go on, and which have a past."""
    ended[linked.begin][linked.links[:, 0]] = False
    ended[linked.begin][linked.divisions[:, 0]] = False
    begun[linked.end][linked.links[:, 1]] = False
    begun[linked.end][linked.divisions[:, 1:].ravel()] = False
