"""cells of two frames → where each cell of the first is to be expected in the second.

The stage drifts, a colony grows and turns, a sheet of cells flows, a cell keeps its way: each moves
a cell by what its neighbours or its own past foretell. What is left is the cell's own motion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from coverslip.tracking.cells import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats, Whole

# Cells of the first frame that vote on the drift; more would not change a median.
VOTERS = 60
# Drifts that are looked at closely.
CANDIDATES = 20
# Neighbours whose motion foretells that of a cell.
NEIGHBOURS = 6
# A cell votes for the ways to cells of its size, within a factor of 1.65.
SIMILAR_SIZE = 0.5
# A richer guess must be better by a tenth than the drift alone.
WORTH = 1.1


def find_drift(before: Cells, after: Cells, *, radius: float) -> Floats:
    """Estimate by how much the view moved between two frames, as when the stage drifts.

    Every way from a cell to a cell of about its size is a vote. The shifts with most votes are
    tried: the best brings most cells near to one of the next frame.

    Args:
        before: The cells of a frame.
        after: Those of the next.
        radius: The typical radius of a cell, pixels.

    Returns:
        (2,), rows and columns, pixels; 0 where nothing speaks for a drift.
    """
    best, best_misfit = np.zeros(2), np.inf
    if not len(before) or not len(after):
        return best
    voters = np.random.default_rng(0).permutation(len(before))[:VOTERS]
    start = before.place[voters]
    ways = after.place[None] - start[:, None]
    similar = np.abs(np.log(after.area[None] / before.area[voters][:, None])) < SIMILAR_SIZE
    tree = cKDTree(after.place)
    for shift in _most_voted(ways[similar], radius):
        for tried in (shift, _settle(tree, start, shift, radius)):
            distance, _ = tree.query(start + tried)
            misfit = np.log1p((distance / (0.3 * radius)) ** 2).mean()
            misfit += 0.02 * np.log1p(np.hypot(*tried) / radius)
            if misfit < best_misfit - 1e-9:
                best, best_misfit = tried, misfit
    return best


def _most_voted(ways: Floats, radius: float) -> Floats:
    """The shifts that most pairs agree on, to within a cell's radius; no shift comes first."""
    if len(ways) > CANDIDATES**2:
        cell = np.round(ways / radius).astype(np.int64)
        side = 2 * int(np.abs(cell).max()) + 1
        bins, votes = np.unique(cell @ [side, 1], return_counts=True)
        most = bins[np.argsort(-votes, kind="stable")[:CANDIDATES]]
        rows = np.round(most / side)
        ways = np.column_stack([rows, most - rows * side]) * radius
    return np.vstack([np.zeros((1, 2)), ways])


def _settle(tree: cKDTree, start: Floats, shift: Floats, radius: float) -> Floats:
    """The median way of the cells that a shift brings near to another."""
    distance, nearest = tree.query(start + shift)
    near = np.asarray(distance) < 1.5 * radius
    if not shift.any() or near.sum() < 2:
        return shift
    return np.median((tree.data[nearest] - start)[near], axis=0)


def foretell(before: Cells, known: Whole, moved: Floats, *, drift: Floats) -> Floats:
    """Foretell the displacement of every cell from those of its neighbours.

    Of three guesses, the drift alone, an affine map (a colony that grows and turns) and the median
    of the nearest neighbours (cells that flow), that one is taken which best foretells each known
    cell from the others.

    Args:
        before: The n cells of a frame.
        known: (k,), the indices of those whose displacement is known.
        moved: (k, 2), by how much they moved, pixels.
        drift: (2,), what is known without them, pixels.

    Returns:
        (n, 2), pixels.
    """
    if len(known) < NEIGHBOURS // 2:
        return np.broadcast_to(drift, (len(before), 2))
    start = before.place[known]
    middle = np.median(moved, axis=0)
    best, error = np.broadcast_to(middle, (len(before), 2)), _typical(moved - middle)
    if len(known) > NEIGHBOURS // 2:
        off = _typical(moved - _median_of_nearest(start, moved, start))
        if off * WORTH < error:
            best, error = _median_of_nearest(start, moved, before.place), off * WORTH
    if len(known) >= NEIGHBOURS:
        fit, leverage = _fit_affine(start, moved)
        off = _typical((moved - fit(start)) / (1 - leverage)[:, None])
        if off * WORTH < error:
            best = fit(before.place)
    return best


def _typical(error: Floats) -> float:
    return float(np.median(np.hypot(*error.T)))


def _median_of_nearest(known: Floats, moved: Floats, wanted: Floats) -> Floats:
    """The median way of the nearest neighbours, a cell's own way left out."""
    k = min(NEIGHBOURS + 1, len(known))
    near = nearest(known, wanted, k)
    own = (known[near[:, 0]] == wanted).all(axis=1)
    others = np.where(own[:, None], near[:, 1:], near[:, :-1])
    return np.median(moved[others], axis=1)


def _fit_affine(start: Floats, moved: Floats) -> tuple[Callable[[Floats], Floats], Floats]:
    """An affine map by least squares, and the leverage of each cell on it.

    It is fitted twice, the second time without the cells that lay far off.
    """
    centre = start.mean(axis=0)
    design = _design(start, centre)
    keep = np.ones(len(start), dtype=bool)
    for _ in range(2):
        fit, *_ = np.linalg.lstsq(design[keep], moved[keep], rcond=None)
        off = np.hypot(*(design @ fit - moved).T)
        near = off <= max(3 * float(np.median(off)), 1e-9)
        if near.sum() < NEIGHBOURS - 2:
            break
        keep = near
    leverage = np.einsum("ij,ji->i", design, np.linalg.pinv(design))
    return lambda places: _design(places, centre) @ fit, np.clip(leverage, 0, 0.99)


def _design(places: Floats, centre: Floats) -> Floats:
    return np.column_stack([np.ones(len(places)), places - centre])


def persistence(own: list[tuple[Floats, Floats]]) -> float:
    """Estimate how much of its own motion a cell keeps in the next frame.

    Args:
        own: For each frame, the motions of some cells beyond what was expected: (k, 2) in the frame
            before, (k, 2) now.

    Returns:
        The regression through the origin, 0 to 0.95; motions far above the usual are left out.
    """
    past = np.concatenate([one for one, _ in own]) if own else np.zeros((0, 2))
    now = np.concatenate([one for _, one in own]) if own else np.zeros((0, 2))
    if not len(past):
        return 0.0
    usual = 4 * _typical(now)
    use: NDArray[np.bool_] = (np.hypot(*past.T) < usual) & (np.hypot(*now.T) < usual)
    total = float((past[use] ** 2).sum())
    return float(np.clip((past[use] * now[use]).sum() / total, 0, 0.95)) if total else 0.0
