"""cells of two frames, and which became which → where each cell of the first is to be expected in the second.

The stage drifts, a colony grows and turns, a sheet of cells flows, a cell keeps its way: each moves a cell by what
its neighbours, or its own past, foretell. What is left after that is the cell's own motion, and it is small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from coverslip.tracking.cells import Cells, Floats

# Cells of the first frame that vote on the drift; more would not change a median.
VOTERS = 150
# Drifts that are looked at closely.
CANDIDATES = 20
# Neighbours whose motion foretells that of a cell.
NEIGHBOURS = 6
SIMILAR_SIZE = 0.5


def find_drift(before: Cells, after: Cells, *, radius: float) -> Floats:
    """Estimate by how much the whole view moved between two frames, as a stage that drifts moves it.

    Every way from a cell to a cell of about its size is a vote. The shifts with most votes are
    tried: the best brings most cells near to one of the next frame.

    Args:
        before: The cells of a frame.
        after: Those of the next.
        radius: The typical radius of a cell, pixels.

    Returns:
        (2,), rows and columns, pixels; 0 where nothing speaks for a drift.
    """
    if not len(before) or not len(after):
        return np.zeros(2)
    voters = np.random.default_rng(0).permutation(len(before))[:VOTERS]
    start = before.place[voters]
    ways = after.place[None] - start[:, None]
    similar = np.abs(np.log(after.area[None] / before.area[voters][:, None])) < SIMILAR_SIZE
    tree = cKDTree(after.place)
    best, best_misfit = np.zeros(2), np.inf
    for shift in _most_voted(ways[similar], radius):
        for tried in (shift, _settle(tree, after, start, shift, radius)):
            distance, _ = tree.query(start + tried)
            misfit = np.log1p((distance / (0.3 * radius)) ** 2).mean()
            misfit += 0.02 * np.log1p(np.hypot(*tried) / radius)
            if misfit < best_misfit - 1e-9:
                best, best_misfit = tried, misfit
    return best


def _most_voted(ways: Floats, radius: float) -> Floats:
    """The shifts that most pairs agree on, to within a cell's radius; no shift is the first."""
    if len(ways) > CANDIDATES**2:
        bins, votes = np.unique(np.round(ways / radius), axis=0, return_counts=True)
        ways = bins[np.argsort(-votes, kind="stable")[:CANDIDATES]] * radius
    return np.vstack([np.zeros((1, 2)), ways])


def _settle(tree: cKDTree, after: Cells, start: Floats, shift: Floats, radius: float) -> Floats:
    """The median way of the cells that a shift brings near to another."""
    distance, nearest = tree.query(start + shift)
    near = distance < 1.5 * radius
    if not shift.any() or near.sum() < 2:
        return shift
    return np.median((after.place[nearest] - start)[near], axis=0)


def follow_neighbours(before: Cells, who: np.ndarray, moved: Floats, *, drift: Floats) -> Floats:
    """Foretell the displacement of every cell from those of its neighbours.

    Of three guesses, the drift alone, an affine map (a colony that grows and turns), and the mean
    of the nearest neighbours (cells that flow), the one is taken that best foretells each linked
    cell from the others.

    Args:
        before: The cells of a frame.
        who: (k,), the index of those whose displacement is known.
        moved: (k, 2), by how much they moved, pixels.
        drift: (2,), what is known without them.

    Returns:
        (n, 2), pixels.
    """
    everywhere = np.broadcast_to(drift, (len(before), 2))
    if len(who) < NEIGHBOURS - 2:
        return everywhere
    start = before.place[who]
    middle = np.median(moved, axis=0)
    guesses = {
        "drift": (np.broadcast_to(middle, moved.shape), lambda: np.broadcast_to(middle, (len(before), 2))),
        "near": (_by_nearest(start, moved, start, itself=True), lambda: _by_nearest(start, moved, before.place, itself=False)),
    }
    if len(who) >= NEIGHBOURS:
        guesses["affine"] = (_affine_without_each(start, moved), lambda: _affine(start, moved)(before.place))
    error = {name: _typical(guess - moved) for name, (guess, _) in guesses.items()}
    name = min(error, key=lambda one: error[one] * (1.0 if one == "drift" else 1.1))
    return guesses[name][1]()


def _typical(error: Floats) -> float:
    return float(np.median(np.hypot(*error.T)))


def _by_nearest(known: Floats, moved: Floats, wanted: Floats, *, itself: bool) -> Floats:
    """The median of the neighbours' ways; without the cell's own where it is known."""
    k = min(NEIGHBOURS + 1, len(known))
    _, near = cKDTree(known).query(wanted, k=range(1, k + 1))
    if itself:
        return np.median(moved[near[:, 1:]], axis=1)
    own = (known[near[:, 0]] == wanted).all(axis=1)
    others = np.where(own[:, None], near[:, 1:], near[:, :-1])
    return np.median(moved[others], axis=1)


def _design(places: Floats, centre: Floats) -> Floats:
    return np.column_stack([np.ones(len(places)), places - centre])


def _affine(start: Floats, moved: Floats):  # noqa: ANN202
    """An affine map, fitted twice: the second time without what lay far off."""
    centre = start.mean(axis=0)
    design = _design(start, centre)
    keep = np.ones(len(start), bool)
    for _ in range(2):
        fit, *_ = np.linalg.lstsq(design[keep], moved[keep], rcond=None)
        off = np.hypot(*(design @ fit - moved).T)
        keep = off <= max(3 * np.median(off), 1e-9)
        if keep.sum() < 4:
            break
    return lambda places: _design(places, centre) @ fit


def _affine_without_each(start: Floats, moved: Floats) -> Floats:
    """What an affine map through the others says of each, by the leverage of a least-squares fit."""
    design = _design(start, start.mean(axis=0))
    hat = design @ np.linalg.pinv(design)
    fitted = hat @ moved
    leverage = np.clip(np.diag(hat), 0, 0.99)[:, None]
    return moved + (fitted - moved) / (1 - leverage)
