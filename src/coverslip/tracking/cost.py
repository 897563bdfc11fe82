"""two frames' cells → what may have become of each, and what each such story costs.

A cost is minus the logarithm of how likely a story is, but for a constant: twice the cost of a
typical change is rare, not impossible. So each term is that of Student's t, whose tails are long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats, Whole

FREEDOM = 5
FORWARD = 6
BACKWARD = 3


@dataclass(frozen=True)
class Scales:
    """How much cells of this film change from a frame to the next. Lengths in pixels."""

    radius: float
    growth: float = 0.0
    motion: float = 0.0
    shape: float = 0.0
    area: float = 0.25
    division_motion: float = 0.0
    division_area: float = 0.3
    division_shape: float = 0.0
    sisters: float = 0.35
    persistence: float = 0.0
    division: float = 6.0
    ending: float = 12.0
    leaving: float = 6.0

    @classmethod
    def of(cls, radius):
        return cls(radius=radius, motion=.5*radius, shape=.3*radius, division_motion=.5*radius, division_shape=radius)


def rarity(squared: Floats, scale: float, dimensions: int) -> Floats:
    """Minus the logarithm of Student's t density at a squared distance, 0 at distance 0."""
    return (FREEDOM + dimensions) / 2 * np.log1p(squared / (FREEDOM * scale**2))


def shape_distance(one: Floats, other: Floats) -> Floats:
    """Squared Wasserstein distance of two ellipses with one centre: (k, 2, 2) twice → (k,), px²."""
    product = one @ other
    trace = np.trace(product, axis1=1, axis2=2)
    root = np.sqrt(np.maximum(np.linalg.det(product), 0))
    both = np.sqrt(np.maximum(trace + 2 * root, 0))
    sizes = np.trace(one, axis1=1, axis2=2) + np.trace(other, axis1=1, axis2=2)
    return np.maximum(sizes - 2 * both, 0)


def propose(expected: Floats, after: Cells) -> tuple[Whole, Whole]:
    n_after = len(after)
    k = min(FORWARD, n_after)
    _, near = cKDTree(after.place).query(expected, k=range(1, k + 1))
    mothers = np.arange(len(expected))
    ahead = np.column_stack([np.repeat(mothers, k), near.ravel()])
    back_k = min(BACKWARD, len(expected))
    _, back = cKDTree(expected).query(after.place, k=range(1, back_k + 1))
    behind = np.column_stack([back.ravel(), np.repeat(np.arange(n_after), back_k)])
    links = np.unique(np.vstack([ahead, behind]), axis=0)
    pairs = np.array(list(combinations(range(k), 2)), int).reshape(-1, 2)
    divisions = np.column_stack(
        [np.repeat(mothers, len(pairs)), near[:, pairs[:, 0]].ravel(), near[:, pairs[:, 1]].ravel()]
    )
    return links, divisions


def link_costs(before, after, expected, links, s: Scales):
    i, j = links.T
    away = ((expected[i] - after.place[j]) ** 2).sum(axis=1)
    growth = np.log(after.area[j] / before.area[i]) - s.growth
    seen_whole = np.where((before.rim[i] < 1) | (after.rim[j] < 1), 0.3, 1.0)
    shape = shape_distance(before.spread[i], after.spread[j])
    looks = 0.5 * rarity(shape, s.shape, 2) + rarity(growth**2, s.area, 1)
    return rarity(away, s.motion, 2) + seen_whole * looks


def join(after, j, k):
    aj, ak = after.area[j], after.area[k]
    w = (aj / (aj + ak))[:, None]
    mid = w * after.place[j] + (1 - w) * after.place[k]
    d = after.place[j] - after.place[k]
    cov = w[..., None] * after.spread[j] + (1 - w[..., None]) * after.spread[k] + (w * (1 - w))[..., None] * d[:, :, None] * d[:, None, :]
    return aj + ak, mid, cov


def division_costs(before, after, expected, divisions, s: Scales):
    i, j, k = divisions.T
    area, middle, spread = join(after, j, k)
    away = ((expected[i] - middle) ** 2).sum(axis=1)
    growth = np.log(area / before.area[i]) - s.growth
    sisters = np.log(after.area[j] / after.area[k])
    whole = np.where((before.rim[i] < 1) | (after.rim[j] < 1) | (after.rim[k] < 1), 0.3, 1.0)
    apart = np.hypot(*(after.place[j] - after.place[k]).T) / (np.sqrt(area / np.pi))
    shape = shape_distance(before.spread[i], spread)
    return (
        s.division
        + rarity(away, s.division_motion, 2)
        + whole * (rarity(growth**2, s.division_area, 1) + rarity(sisters**2, s.sisters, 1))
        + 0.5 * whole * rarity(shape, s.division_shape, 2)
        + rarity(np.maximum(apart - 1.8, 0) ** 2, 0.6, 1)
    )


def side_costs(cells, shift, s: Scales):
    y, x = (cells.place + shift).T
    h, w = cells.size
    moved = np.minimum.reduce([y, x, h - 1 - y, w - 1 - x])
    rim = np.maximum(np.minimum(cells.rim, moved) - 1, 0)
    return s.ending - (s.ending - s.leaving) * np.exp(-rim / max(s.radius * 0.5, 2 * s.motion))
