"""stories and their costs → the cheapest set in which every cell has exactly one story.

An integer program, solved to the optimum by HiGHS (`scipy.optimize.milp`). Most cells have one
story that is by far the best; they are set aside first, so that the program stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Floats, Whole

    Choice = NDArray[np.bool_]

# A link this much dearer than the cheapest of both its cells is never in the best set; a division
# this much dearer than what its cells would do without it, neither. Both were looked at on films
# with 20 to 350 cells a frame: with more, the best set was the same.
LINK_SLACK, DIVISION_SLACK = 6.0, 4.0


def choose_stories(
    links: Whole,
    link_cost: Floats,
    divisions: Whole,
    division_cost: Floats,
    *,
    ends: Floats,
    begins: Floats,
) -> tuple[Whole, Whole, float]:
    """Choose the cheapest set of stories in which every cell has one.

    Args:
        links: (k, 2), a cell of the first frame, one of the second.
        link_cost: (k,).
        divisions: (l, 3), a mother, two daughters.
        division_cost: (l,).
        ends: (n,), what it costs that a cell of the first frame has no successor.
        begins: (m,), what it costs that one of the second has no predecessor.

    Returns:
        Those links and divisions that are chosen, and the cost of all stories, ends and beginnings
        among them.

    Example:
        Two cells; either could be the left one, but then the right one is far from home.

        >>> links = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> cost = np.array([2.0, 3.0, 1.0, 9.0])
        >>> none = np.empty((0, 3), int)
        >>> nine = np.full(2, 9.0)
        >>> choose_stories(links, cost, none, np.zeros(0), ends=nine, begins=nine)[0]
        array([[0, 1],
               [1, 0]])
    """
    good = link_cost < ends[links[:, 0]] + begins[links[:, 1]]
    links, link_cost = links[good], link_cost[good]
    good = _may_divide(links, link_cost, divisions, division_cost, ends=ends, begins=begins)
    divisions, division_cost = divisions[good], division_cost[good]
    good = _near_best(links, link_cost, len(ends), len(begins))
    links, link_cost = links[good], link_cost[good]
    plain = _without_rival(links, divisions, len(ends), len(begins))
    rest, alone = links[~plain], ends[links[:, 0]] + begins[links[:, 1]]
    gain = np.concatenate(
        [
            (link_cost - alone)[~plain],
            division_cost - ends[divisions[:, 0]] - begins[divisions[:, 1:]].sum(axis=1),
        ]
    )
    chosen = _solve(gain, rest, divisions, len(ends))
    saved = float(gain[chosen].sum() + (link_cost[plain] - alone[plain]).sum())
    links = np.vstack([links[plain], rest[chosen[: len(rest)]]])
    return links, divisions[chosen[len(rest) :]], float(ends.sum() + begins.sum()) + saved


def _solve(gain: Floats, links: Whole, divisions: Whole, n_before: int) -> Choice:
    """The stories that are taken, (len(gain),) of yes and no: no cell twice, all gains least."""
    if not len(gain):
        return np.zeros(0, bool)
    story = np.arange(len(gain))
    a_link, a_division = story[: len(links)], story[len(links) :]
    cells = [links[:, 0], n_before + links[:, 1], divisions[:, 0]]
    cells += [n_before + divisions[:, 1], n_before + divisions[:, 2]]
    stories = [a_link, a_link, a_division, a_division, a_division]
    used, row = np.unique(np.concatenate(cells), return_inverse=True)
    entries = np.ones(len(row)), (row, np.concatenate(stories))
    once = LinearConstraint(coo_array(entries, shape=(len(used), len(gain))).tocsc(), ub=1)
    found = milp(gain, constraints=once, bounds=Bounds(0, 1), integrality=[1] * len(gain))
    chosen: Choice = np.asarray(found.x) > 0.5
    return chosen


def _near_best(links: Whole, cost: Floats, n: int, m: int) -> Choice:
    best_before, best_after = np.full(n, np.inf), np.full(m, np.inf)
    np.minimum.at(best_before, links[:, 0], cost)
    np.minimum.at(best_after, links[:, 1], cost)
    return (cost < best_before[links[:, 0]] + LINK_SLACK) | (
        cost < best_after[links[:, 1]] + LINK_SLACK
    )


def _without_rival(links: Whole, divisions: Whole, n: int, m: int) -> Choice:
    """Links whose two cells are in no other story: they are taken, since they beat ending."""
    before = np.bincount(np.concatenate([links[:, 0], divisions[:, 0]]), minlength=n)
    after = np.bincount(np.concatenate([links[:, 1], divisions[:, 1:].ravel()]), minlength=m)
    plain: Choice = (before[links[:, 0]] == 1) & (after[links[:, 1]] == 1)
    return plain


def _may_divide(
    links: Whole, link_cost: Floats, divisions: Whole, cost: Floats, *, ends: Floats, begins: Floats
) -> Choice:
    """Divisions cheaper than to link one daughter, and begin the other or give it away."""
    i, j, k = divisions.T
    keep_j = np.minimum(_look_up(links, link_cost, i, j, len(begins)), ends[i] + begins[j])
    keep_k = np.minimum(_look_up(links, link_cost, i, k, len(begins)), ends[i] + begins[k])
    other = _cheapest_other(links, link_cost, begins)
    alone = np.minimum(keep_j + begins[k], keep_k + begins[j])
    given_away = np.minimum(keep_j + other(i, k), keep_k + other(i, j))
    worth: Choice = (cost < alone) & (cost < given_away + DIVISION_SLACK)
    return worth


def _look_up(links: Whole, cost: Floats, i: Whole, j: Whole, m: int) -> Floats:
    """The cost of the link from i to j; infinite where there is none."""
    key = links[:, 0] * m + links[:, 1]
    order = np.argsort(key)
    if not len(key):
        return np.full(len(i), np.inf)
    place = np.searchsorted(key[order], i * m + j)
    place = np.minimum(place, len(key) - 1)
    found = key[order][place] == i * m + j
    return np.where(found, cost[order][place], np.inf)


def _cheapest_other(links: Whole, cost: Floats, begins: Floats) -> Callable[[Whole, Whole], Floats]:
    """A function of (i, j): the cheapest way to explain j without i."""
    order = np.lexsort((cost, links[:, 1]))
    by, sorted_cost = links[order], cost[order]
    first = np.searchsorted(by[:, 1], np.arange(len(begins)))
    many = np.bincount(by[:, 1], minlength=len(begins))
    best, second = np.full(len(begins), np.inf), np.full(len(begins), np.inf)
    mother = np.full(len(begins), -1)
    best[many > 0], mother[many > 0] = sorted_cost[first[many > 0]], by[first[many > 0], 0]
    second[many > 1] = sorted_cost[first[many > 1] + 1]
    return lambda i, j: np.minimum(np.where(mother[j] == i, second[j], best[j]), begins[j])
