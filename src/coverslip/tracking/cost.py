"""cells of two frames → what may have become of each, and what each such story costs.

A story is a link (a cell is the same in the next frame), a division (a mother, two daughters), an
ending or a beginning. Its cost is minus the logarithm of how likely it is, but for a constant. All
terms have the long tails of Student's t: ten times the usual change is rare, not impossible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from coverslip.tracking.cells import Cells, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.tracking.cells import Floats, Whole

# Degrees of freedom of Student's t: fewer are longer tails.
FREEDOM = 5
# Cells of the next frame that a cell may have become, and of the one before that it may have been.
AHEAD, BEHIND = 6, 3
# A cell whose mask comes nearer to the rim than this, in pixels, may be cut off, since some tools
# clear the outermost pixels. Its size and shape tell less than those of a whole one.
CUT_PX, CUT_OFF = 2, 0.3
# Centres of sisters lie up to this far apart, in radii of both together; more is less likely.
SISTERS_APART, APART_SCALE = 1.8, 0.6
# The cost of being missed for one frame.
MISSED = 2.0
# The cost of an end at the rim where a gap is to be closed.
LEFT = 1.0


@dataclass(frozen=True)
class Scales:
    """By how much the cells of this film usually change from a frame to the next.

    Lengths are in pixels; areas are compared by the logarithm of their ratio.

    Attributes:
        radius: Of a round cell of the median area.
        motion: Standard deviation along each axis of a cell's way, beyond what was expected.
        shape: Typical distance between the shapes of a cell and itself.
        area: Standard deviation of the change of area.
        growth: The usual change of area.
        division_motion: As `motion`, from a mother to the middle of her daughters.
        division_area: As `area`, from a mother to both daughters together.
        division_shape: As `shape`, from a mother to both daughters together.
        sisters: Standard deviation of the ratio of two sisters' areas.
        persistence: How much of a cell's own motion it keeps in the next frame, 0 to 1.
        division: The cost of a division as such.
        ending: The cost of an end or a beginning far from the rim.
        leaving: The same at the rim, where cells come and go.
    """

    radius: float
    motion: float
    shape: float
    division_motion: float
    division_shape: float
    area: float = 0.25
    growth: float = 0.0
    division_area: float = 0.25
    sisters: float = 0.35
    persistence: float = 0.0
    division: float = 6.0
    ending: float = 12.0
    leaving: float = 6.0

    def over(self, frames: int) -> Scales:
        """The same over several frames, as by a random walk.

        Each missed frame has its price; at the rim a cell was not missed, it had left.
        """
        if frames == 1:
            return self
        root, price = float(np.sqrt(frames)), MISSED * (frames - 1)
        return replace(
            self,
            motion=self.motion * root,
            shape=self.shape * root,
            area=self.area * root,
            growth=self.growth * frames,
            division_motion=self.division_motion * root,
            ending=self.ending - price / 2,
            leaving=LEFT,
        )


def guess_scales(radius: float) -> Scales:
    """Before anything is known of a film: cells move by half their radius."""
    half = 0.5 * radius
    return Scales(
        radius=radius, motion=half, shape=0.3 * radius, division_motion=half, division_shape=radius
    )


def rarity(squared: Floats, scale: float, *, dimensions: int) -> Floats:
    """Give minus the logarithm of Student's t density, 0 at its middle.

    Example:
        >>> rarity(np.array([0.0, 1.0, 100.0]), 1.0, dimensions=1).round(1)
        array([0. , 0.5, 9.1])
    """
    return (FREEDOM + dimensions) / 2 * np.log1p(squared / (FREEDOM * scale**2))


def shape_distance(one: Floats, other: Floats) -> Floats:
    """Give the squared Wasserstein distance of ellipses with one centre.

    Args:
        one: (k, 2, 2), covariances, px².
        other: (k, 2, 2).

    Returns:
        (k,), px². Olkin and Pukelsheim 1982, doi 10.1016/0024-3795(82)90112-4.
    """
    product = one @ other
    root = np.sqrt(np.maximum(np.linalg.det(product), 0))
    both = np.sqrt(np.maximum(np.trace(product, axis1=1, axis2=2) + 2 * root, 0))
    sizes = np.trace(one, axis1=1, axis2=2) + np.trace(other, axis1=1, axis2=2)
    distance: Floats = np.maximum(sizes - 2 * both, 0)
    return distance


def join_cells(cells: Cells, one: Whole, other: Whole) -> Cells:
    """Take pairs of cells for one cell each: their areas, centroids and covariances together."""
    area = cells.area[one] + cells.area[other]
    share = (cells.area[one] / area)[:, None]
    apart = cells.place[one] - cells.place[other]
    between = (share * (1 - share))[..., None] * apart[:, :, None] * apart[:, None, :]
    share_of = share[..., None]
    return Cells(
        label=cells.label[one],
        area=area,
        place=share * cells.place[one] + (1 - share) * cells.place[other],
        spread=share_of * cells.spread[one] + (1 - share_of) * cells.spread[other] + between,
        rim=np.minimum(cells.rim[one], cells.rim[other]),
        size=cells.size,
        light=share[:, 0] * cells.light[one] + (1 - share[:, 0]) * cells.light[other],
    )


def propose(expected: Floats, after: Cells) -> tuple[Whole, Whole]:
    """List the stories worth a look: those between near cells.

    Args:
        expected: (n, 2), where the cells of the first frame should be in the second.
        after: The m cells of the second.

    Returns:
        Links, (k, 2): a cell of the first frame, one of the second. Divisions, (l, 3): a mother,
        two daughters. All are indices.
    """
    mothers = np.arange(len(expected))
    ahead = min(AHEAD, len(after))
    near = nearest(after.place, expected, ahead)
    behind = min(BEHIND, len(expected))
    back = nearest(expected, after.place, behind)
    forward = np.column_stack([np.repeat(mothers, ahead), near.ravel()])
    backward = np.column_stack([back.ravel(), np.repeat(np.arange(len(after)), behind)])
    pairs = np.array(list(combinations(range(ahead), 2)), dtype=np.int64).reshape(-1, 2)
    first, second = near[:, pairs[:, 0]].ravel(), near[:, pairs[:, 1]].ravel()
    divisions = np.column_stack([np.repeat(mothers, len(pairs)), first, second])
    both = np.vstack([forward, backward]) @ [len(after), 1]
    return np.column_stack(np.divmod(np.unique(both), len(after))), divisions


def link_costs(
    before: Cells, after: Cells, expected: Floats, *, links: Whole, scales: Scales
) -> Floats:
    """Give the cost of each link: how far from where expected, how changed in size and shape."""
    i, j = links.T
    away = ((expected[i] - after.place[j]) ** 2).sum(axis=1)
    growth = np.log(after.area[j] / before.area[i]) - scales.growth
    shape = shape_distance(before.spread[i], after.spread[j])
    looks = rarity(shape, scales.shape, dimensions=2) / 2
    looks += rarity(growth**2, scales.area, dimensions=1)
    whole = np.where((before.rim[i] < CUT_PX) | (after.rim[j] < CUT_PX), CUT_OFF, 1.0)
    return rarity(away, scales.motion, dimensions=2) + whole * looks


def division_costs(
    before: Cells, after: Cells, expected: Floats, *, divisions: Whole, scales: Scales
) -> Floats:
    """Give the cost of each division.

    The middle of the daughters is where the mother was expected; together they are as large as
    she, and shaped as she where this film's mothers foretell it; they are alike, and near.
    """
    i, j, k = divisions.T
    both = join_cells(after, j, k)
    away = ((expected[i] - both.place) ** 2).sum(axis=1)
    apart = np.hypot(*(after.place[j] - after.place[k]).T) / np.sqrt(both.area / np.pi)
    shape = shape_distance(before.spread[i], both.spread)
    whole = np.where((before.rim[i] < CUT_PX) | (both.rim < CUT_PX), CUT_OFF, 1.0)
    return (
        scales.division
        + rarity(away, scales.division_motion, dimensions=2)
        + rarity(np.maximum(apart - SISTERS_APART, 0) ** 2, APART_SCALE, dimensions=1)
        + whole * rarity(shape, scales.division_shape, dimensions=2) / 2
        + _size_costs(before, after, divisions, scales)
    )


def _size_costs(before: Cells, after: Cells, divisions: Whole, scales: Scales) -> Floats:
    """How unlike a mother and her daughters are in area; one cut off by the rim says little."""
    i, j, k = divisions.T
    total = np.log((after.area[j] + after.area[k]) / before.area[i]) - scales.growth
    sisters = np.log(after.area[j] / after.area[k])
    whole = rarity(total**2, scales.division_area, dimensions=1)
    whole += rarity(sisters**2, scales.sisters, dimensions=1)
    spread = np.hypot(scales.division_area, scales.sisters / 2)
    cut = np.zeros(len(divisions))
    for daughter in (j, k):
        half = np.log(2 * after.area[daughter] / before.area[i]) - scales.growth
        seen = np.where((before.rim[i] < CUT_PX) | (after.rim[daughter] < CUT_PX), CUT_OFF, 1.0)
        cut += seen * rarity(half**2, float(spread), dimensions=1)
    uncut = (before.rim[i] >= CUT_PX) & (after.rim[j] >= CUT_PX) & (after.rim[k] >= CUT_PX)
    return np.where(uncut, whole, cut)


def side_costs(cells: Cells, shift: Floats, *, scales: Scales) -> Floats:
    """Give the cost of an end or a beginning of each cell: less near the rim.

    Args:
        cells: The cells of a frame.
        shift: (2,), by how much the view moves, to the next frame for ends, back for beginnings:
            a cell that it carries out of the frame is at the rim.
        scales: Of the film.
    """
    reach = max(scales.radius / 2, 2 * scales.motion)
    inside = np.maximum(rim_distance(cells, shift) - 1, 0)
    return scales.ending - (scales.ending - scales.leaving) * np.exp(-inside / reach)


def near_rim(cells: Cells, shift: Floats, *, scales: Scales) -> NDArray[np.bool_]:
    """Tell which cells may leave: those that are, or are carried, within reach of the rim."""
    reach = max(scales.radius / 2, 2 * scales.motion)
    near: NDArray[np.bool_] = rim_distance(cells, shift) < reach
    return near


def rim_distance(cells: Cells, shift: Floats) -> Floats:
    """Give the distance from the rim in pixels, of a cell or of where the shift carries it."""
    y, x = (cells.place + shift).T
    height, width = cells.size
    carried = np.minimum.reduce([y, x, height - 1 - y, width - 1 - x])
    return np.minimum(cells.rim, carried)
