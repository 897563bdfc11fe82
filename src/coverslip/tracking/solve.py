"""stories of single cells and their costs → the cheapest set in which every cell has one story."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

SLACK_LINK = 6
SLACK_DIVISION = 4

def solve(links, link_cost, divisions, division_cost, ends, begins):
    n, m = len(ends), len(begins)
    good = link_cost < ends[links[:, 0]] + begins[links[:, 1]]
    links, link_cost = links[good], link_cost[good]
    cheapest_i = np.full(n, np.inf); np.minimum.at(cheapest_i, links[:, 0], link_cost)
    cheapest_j = np.full(m, np.inf); np.minimum.at(cheapest_j, links[:, 1], link_cost)
    cost_of = coo_array((link_cost + 1e-9, (links[:, 0], links[:, 1])), shape=(n, m)).tocsr()
    # divisions that two simpler stories beat
    if len(divisions):
        i, j, k = divisions.T
        def single(a, b):
            c = np.asarray(cost_of[a, b]).ravel().astype(float)
            return np.where(c == 0, np.inf, c)
        cij, cik = single(i, j), single(i, k)
        order = np.lexsort((link_cost, links[:, 1]))
        L = links[order]; C = link_cost[order]
        first = np.searchsorted(L[:, 1], np.arange(m)); last = np.searchsorted(L[:, 1], np.arange(m), 'right')
        best = np.full(m, np.inf); who = np.full(m, -1); second = np.full(m, np.inf)
        has = last > first; best[has] = C[first[has]]; who[has] = L[first[has], 0]
        two = last > first + 1; second[two] = C[first[two] + 1]
        other = lambda a, b: np.minimum(np.where(who[b] == a, second[b], best[b]), begins[b])
        simple = np.minimum.reduce([ends[i] + begins[j] + begins[k], cij + begins[k], cik + begins[j]])
        slack = np.maximum(division_cost - np.minimum(cij, ends[i]) - other(i, k), division_cost - np.minimum(cik, ends[i]) - other(i, j))
        keep = (division_cost < simple) & (slack < SLACK_DIVISION)
        divisions, division_cost = divisions[keep], division_cost[keep]
    near = (link_cost < cheapest_i[links[:, 0]] + SLACK_LINK) | (link_cost < cheapest_j[links[:, 1]] + SLACK_LINK)
    links, link_cost = links[near], link_cost[near]
    # a pair that has no other story needs no search
    di = np.bincount(links[:, 0], minlength=n) + 2 * np.bincount(divisions[:, 0], minlength=n)
    dj = np.bincount(links[:, 1], minlength=m) + 2 * np.bincount(divisions[:, 1:].ravel(), minlength=m)
    plain = (di[links[:, 0]] == 1) & (dj[links[:, 1]] == 1)
    hl = links[~plain]
    gain = np.concatenate([link_cost[~plain] - ends[hl[:, 0]] - begins[hl[:, 1]], division_cost - ends[divisions[:, 0]] - begins[divisions[:, 1]] - begins[divisions[:, 2]]])
    if not len(gain):
        return links[plain], divisions
    v = np.arange(len(gain)); nl = len(hl)
    rows = np.concatenate([hl[:, 0], n + hl[:, 1], divisions[:, 0], n + divisions[:, 1], n + divisions[:, 2]])
    cols = np.concatenate([v[:nl], v[:nl], v[nl:], v[nl:], v[nl:]])
    used, rows = np.unique(rows, return_inverse=True)
    M = coo_array((np.ones(len(rows)), (rows, cols)), shape=(len(used), len(gain))).tocsc()
    res = milp(gain, constraints=LinearConstraint(M, -np.inf, 1), bounds=Bounds(0, 1), integrality=np.ones(len(gain)))
    x = res.x > .5
    return np.vstack([links[plain], hl[x[:nl]]]), divisions[x[nl:]]
