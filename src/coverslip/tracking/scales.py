"""who became whom in a part of a film → how much its cells usually move, grow and change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from coverslip.tracking.cost import CUT_PX, join_cells, shape_distance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coverslip.tracking.cells import Cells, Floats
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.link import Linked

# A default counts as much as so many cells seen.
TRUST = 8
# Medians of chi-squared with one and with two degrees of freedom.
MEDIAN_1, MEDIAN_2 = 0.455, 1.386


@dataclass(frozen=True)
class Changes:
    """What became of the cells of some frames. Squared lengths in px²; areas as logarithms."""

    away: Floats
    shape: Floats
    growth: Floats
    division_away: Floats
    division_shape: Floats
    division_growth: Floats
    sisters: Floats


def see_changes(before: Cells, after: Cells, linked: Linked) -> Changes:
    """Collect the changes between two frames; sizes and shapes of whole cells alone."""
    i, j = linked.links.T
    away = ((linked.expected[i] - after.place[j]) ** 2).sum(axis=1)
    whole = (before.rim[i] >= CUT_PX) & (after.rim[j] >= CUT_PX)
    i, j = i[whole], j[whole]
    mother, one, other = linked.divisions.T
    both = join_cells(after, one, other)
    uncut = (before.rim[mother] >= CUT_PX) & (both.rim >= CUT_PX)
    return Changes(
        away=away,
        shape=shape_distance(before.spread[i], after.spread[j]),
        growth=np.log(after.area[j] / before.area[i]),
        division_away=((linked.expected[mother] - both.place) ** 2).sum(axis=1),
        division_shape=shape_distance(before.spread[mother], both.spread)[uncut],
        division_growth=np.log(both.area / before.area[mother])[uncut],
        sisters=np.log(after.area[one] / after.area[other])[uncut],
    )


def learn_scales(changes: Iterable[Changes], scales: Scales) -> Scales:
    """Estimate the film's scales from what became of its cells, by medians.

    Few cells say little: an estimate is drawn to its default as if eight more had been seen.
    """
    seen = list(changes)
    names = Changes.__dataclass_fields__
    all_of = {name: np.concatenate([getattr(one, name) for one in seen]) for name in names}
    r = scales.radius
    growth = float(np.median(all_of["growth"])) if len(all_of["growth"]) else 0.0
    motion = _deviation(all_of["away"] / MEDIAN_2, r / 2, least=0.08 * r, most=2 * r)
    mothers = max(1.5 * motion, 0.3 * r)
    grown = (all_of["growth"] - growth) ** 2 / MEDIAN_1
    divided = (all_of["division_growth"] - growth) ** 2 / MEDIAN_1
    return replace(
        scales,
        growth=growth,
        motion=motion,
        shape=_deviation(all_of["shape"] / MEDIAN_2, 0.3 * r, least=0.05 * r, most=r),
        area=_deviation(grown, 0.25, least=0.05, most=0.5),
        division_motion=_deviation(
            all_of["division_away"] / MEDIAN_2, mothers, least=0.1 * r, most=2 * r
        ),
        division_area=_deviation(divided, 0.25, least=0.1, most=0.5),
        division_shape=_deviation(
            all_of["division_shape"] / MEDIAN_2, r, least=0.1 * r, most=2 * r
        ),
        sisters=_deviation(all_of["sisters"] ** 2 / MEDIAN_1, 0.35, least=0.15, most=0.6),
    )


def _deviation(squares: Floats, default: float, *, least: float, most: float) -> float:
    """The standard deviation by the median of the squares, drawn to the default, within limits."""
    n = len(squares)
    middle = float(np.median(squares)) if n else 0.0
    drawn = np.sqrt((n * middle + TRUST * default**2) / (n + TRUST))
    return float(np.clip(drawn, least, most))
