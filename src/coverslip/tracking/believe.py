"""divisions × the same film played backwards → how likely each is real, and not a mask that broke.

Masks break in two and grow together again, and what they do wrong knows no direction of time; cells
divide, and never fuse with a sister. So the film played backwards tells how often, and in what way,
the masks of this film break: each division found there is false. A division of the film itself is
believed where it is unlike those: where the mother rounds up, as cells do to divide, and is bright
where images say so, and where both daughters are of like size, and stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import isotonic_regression

from coverslip.tracking.cells import take
from coverslip.tracking.chains import chain
from coverslip.tracking.cost import FREEDOM, near_rim
from coverslip.tracking.link import close_gaps, link_neighbours
from coverslip.tracking.prune import drop_divisions, drop_short_daughters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats, Whole
    from coverslip.tracking.chains import Chains
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.link import Linked
    from coverslip.tracking.settings import TrackSettings

# So many frames running are played backwards, in so many runs, evenly over a long film.
RUN, RUNS = 50, 4
# A mother rounds up within so many frames before she divides.
ROUNDS_UP = 3
# What is assumed before the film has told otherwise, as if so many divisions had been seen: how
# high mothers rank among the film's cells by roundness and brightness (the exponent of a power law:
# 1 is no higher than others), how unlike in area sisters are, how soon a broken-off piece is lost.
TRUST = 4
RANK, SISTERS, LOST = 0.2, 0.3, 0.2
ROUNDS = 20
# Fewer false divisions than this say nothing of how the masks of a film break.
FEW = 4


@dataclass(frozen=True, eq=False)
class Evidence:
    """What tells a division from a mask that breaks, of n divisions.

    Attributes:
        pair: (n,), which of the pairs of frames each is in.
        row: (n,), which of that pair's divisions.
        rank: (n,), the share of the film's cells that look more like a dividing one than the
            mother did just before: 0 to 1.
        unlike: (n,), logarithm of the ratio of the daughters' areas.
        stays: (n,), frames in which both daughters are there.
        ends: (n,), whether one is lost then; else the film ends, or she leaves, or divides.
    """

    pair: Whole
    row: Whole
    rank: Floats
    unlike: Floats
    stays: Floats
    ends: NDArray[np.bool_]

    def __len__(self) -> int:
        """How many divisions there are."""
        return len(self.pair)


@dataclass(frozen=True, eq=False)
class Backwards:
    """The divisions of a film that was played backwards, and which share of it was."""

    found: Evidence
    share: float


def drop_false_divisions(
    frames: Sequence[Cells], linked: list[Linked], *, scales: Scales, backwards: Backwards
) -> tuple[list[Linked], int]:
    """Make links of the divisions that are more likely masks that broke.

    Args:
        frames: The cells of all frames.
        linked: Who became whom.
        scales: Of the film.
        backwards: The divisions of the film played backwards, `play_backwards`.

    Returns:
        The same without these divisions, and how many there were.
    """
    linked, n_short = drop_short_daughters(frames, linked, scales=scales)
    found = gather_evidence(frames, linked, scales=scales)
    if not len(found):
        return linked, n_short
    mirrored, share = backwards.found, backwards.share
    sure = judge(found, mirrored, lost=_loss_rate(frames, linked, scales), share=share)
    false = sure < 0.5
    chosen = [np.zeros(len(one.divisions), dtype=bool) for one in linked]
    for pair, row in zip(found.pair[false], found.row[false], strict=True):
        chosen[pair][row] = True
    return drop_divisions(frames, linked, chosen, scales=scales), n_short + int(false.sum())


def play_backwards(
    frames: Sequence[Cells], *, scales: Scales, settings: TrackSettings
) -> Backwards:
    """Find the divisions of a film that is played backwards: all of them are false.

    Args:
        frames: The cells of all frames.
        scales: Of the film.
        settings: Of the user.
    """
    looks = rank_looks(frames)
    parts, played = [], 0
    for start, stop in _runs(len(frames)):
        part = list(frames[start:stop])[::-1]
        back = replace(scales, growth=-scales.growth)
        pairs = link_neighbours(part, range(len(part) - 1), scales=back, settings=settings)
        linked = [pairs[t] for t in range(len(part) - 1)]
        linked += close_gaps(part, linked, scales=back, settings=settings)
        linked, _ = drop_short_daughters(part, linked, scales=back)
        parts.append(gather_evidence(part, linked, scales=back, looks=looks[start:stop][::-1]))
        played += len(part) - 1
    joined = {name: np.concatenate([getattr(one, name) for one in parts]) for name in FIELDS}
    return Backwards(Evidence(**joined), played / max(len(frames) - 1, 1))


def _runs(n_frames: int) -> list[tuple[int, int]]:
    """The first frame and the end of each run that is played backwards."""
    if n_frames <= RUN * RUNS:
        return [(0, n_frames)]
    starts = np.linspace(0, n_frames - RUN, RUNS).astype(int)
    return [(int(start), int(start) + RUN) for start in starts]


def rank_looks(frames: Sequence[Cells]) -> list[Floats]:
    """Rank the cells of a film by how much each looks like a dividing one: round, and bright.

    Returns:
        For each frame the share of the film's cells that look more so, above 0 to 1.
    """
    ranks = [_rank(np.concatenate([np.zeros(0), *map(roundness, frames)]))]
    light = np.concatenate([np.zeros(0), *(cells.light for cells in frames)])
    if np.isfinite(light).any():
        ranks.append(_rank(np.where(np.isfinite(light), light, -np.inf)))
    both = _rank(-np.sum(np.log(ranks), axis=0))
    return np.split(both, np.cumsum([len(cells) for cells in frames])[:-1])


def _rank(values: Floats) -> Floats:
    """The share of values that are as large or larger."""
    ordered = np.sort(values)
    larger = len(values) - np.searchsorted(ordered, values, side="left")
    share: Floats = larger / max(len(values), 1)
    return share


def roundness(cells: Cells) -> Floats:
    """Give how round each cell is: 1 for a disc, less for long, branched or ragged ones."""
    narrow, wide = np.linalg.eigvalsh(cells.spread).T
    disc = cells.area / (4 * np.pi * np.sqrt(narrow * wide))
    round_like: Floats = np.sqrt(narrow / wide) * np.minimum(disc, 1.0)
    return round_like


def gather_evidence(
    frames: Sequence[Cells],
    linked: Sequence[Linked],
    *,
    scales: Scales,
    looks: Sequence[Floats] | None = None,
) -> Evidence:
    """Collect what tells of each division.

    Args:
        frames: The cells of all frames.
        linked: Who became whom.
        scales: Of the film.
        looks: Of `rank_looks`; None: of these frames.
    """
    chains = chain(frames, linked)
    look = np.concatenate(looks if looks is not None else rank_looks(frames))
    area = np.concatenate([cells.area for cells in frames])
    stays, lost = _follow(frames, linked, chains, scales)
    rows = [(n, row) for n, one in enumerate(linked) for row in range(len(one.divisions))]
    pair, row = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    mother, one, other = _nodes(linked, chains.offset)
    rank = look[mother]
    for _ in range(ROUNDS_UP - 1):
        mother = np.where(chains.before[mother] >= 0, chains.before[mother], mother)
        rank = np.minimum(rank, look[mother])
    first = np.where(stays[one] <= stays[other], one, other)
    return Evidence(
        pair=pair,
        row=row,
        rank=np.sqrt(rank * np.maximum(look[one], look[other])),
        unlike=np.log(area[one] / area[other]),
        stays=stays[first],
        ends=lost[first],
    )


FIELDS = tuple(Evidence.__dataclass_fields__)


def _nodes(linked: Sequence[Linked], offset: Whole) -> tuple[Whole, Whole, Whole]:
    """Of each division its mother and her daughters, as nodes."""
    parts = [np.zeros((0, 3), dtype=np.int64)]
    for one in linked:
        parts.append(one.divisions + offset[[one.begin, one.end, one.end]])
    mother, first, second = np.concatenate(parts).T
    return mother, first, second


def _follow(
    frames: Sequence[Cells], linked: Sequence[Linked], chains: Chains, scales: Scales
) -> tuple[Floats, NDArray[np.bool_]]:
    """Of every node, in how many frames more its track is there, and whether it is lost then."""
    n_tracks = len(chains.parent)
    tails = np.flatnonzero(chains.after < 0)
    last = np.zeros(n_tracks + 1, dtype=np.int64)
    last[chains.track[tails]] = tails
    lost = np.zeros(n_tracks + 1, dtype=bool)
    divides = np.isin(tails, chains.mother[chains.mother >= 0])
    drift = {one.begin: one.drift for one in linked if one.end == one.begin + 1}
    for t in range(len(frames) - 1):
        here = tails[(chains.frame[tails] == t) & ~divides]
        cells = take(frames[t], chains.index[here])
        lost[chains.track[here]] = ~near_rim(cells, drift[t], scales=scales)
    stays = chains.frame[last[chains.track]] - chains.frame + 1
    return stays.astype(float), lost[chains.track]


def _loss_rate(frames: Sequence[Cells], linked: Sequence[Linked], scales: Scales) -> float:
    """How often a cell is lost in mid-field, a frame."""
    chains = chain(frames, linked)
    _, lost = _follow(frames, linked, chains, scales)
    heads = chains.before < 0
    return float((lost[heads].sum() + 1) / (len(lost) + TRUST))


def judge(found: Evidence, mirrored: Evidence, *, lost: float, share: float = 1.0) -> Floats:
    """Estimate how likely each division is real.

    The divisions found are a mixture of real ones and of masks that broke; those of the film played
    backwards are of the second kind alone, and as many as there are of it. How the two kinds differ
    is found by expectation and maximisation, and orders the divisions; how likely one is real is
    what is left of those in its place of the order when as many as were found there backwards are
    taken away.

    Args:
        found: Of the film.
        mirrored: Of the film played backwards.
        lost: How often a cell is lost, a frame.
        share: Of the film that was played backwards.

    Returns:
        (n,) probabilities; all 1 where too few were found backwards to learn from.
    """
    if len(mirrored) < FEW:
        return np.ones(len(found))
    p = np.full(len(found), 0.5)
    for _ in range(ROUNDS):
        own = _log_ratio(found, found, p, mirrored, lost)
        p = compare_counts(own, _log_ratio(mirrored, found, p, mirrored, lost), share=share)
    return p


def compare_counts(scores: Floats, mirrored: Floats, *, share: float = 1.0) -> Floats:
    """Tell by the counts of false ones among equal scores how likely each is real.

    Args:
        scores: (n,), higher for what looks real.
        mirrored: (m,), of false ones; one more, with the highest score, stands for those that
            were not met by chance.
        share: Of as many false ones as there are among the `scores`.

    Returns:
        (n,) probabilities, the higher the score, the higher: by isotonic regression.

    Example:
        >>> compare_counts(np.array([3.0, 2.5, 1.0, 0.5]), np.array([1.2, 0.8, 0.4])).round(2)
        array([0.5, 0.5, 0. , 0. ])
    """
    every = np.concatenate([[np.inf], mirrored, scores])
    false = np.repeat([1.0, 0.0], [len(mirrored) + 1, len(scores)])
    weights = np.where(false > 0, 1 / share, 1.0)
    order = np.argsort(-every, kind="stable")
    fit = isotonic_regression(false[order], weights=weights[order])
    chance = np.empty(len(every))
    chance[order] = np.clip(fit.x, 0, 0.5)
    own = chance[len(mirrored) + 1 :]
    return 1 - own / (1 - own)


def _log_ratio(of: Evidence, found: Evidence, p: Floats, mirrored: Evidence, lost: float) -> Floats:
    """How much more likely this is of a real division than of a mask that broke: the logarithm.

    Args:
        of: The divisions asked about.
        found: Those of the film, by which real ones are known.
        p: How likely each of them is real.
        mirrored: Masks that broke.
        lost: How often a cell is lost, a frame.
    """
    high = (p.sum() + TRUST) / (TRUST / RANK - (p * np.log(found.rank)).sum())
    usual = (len(mirrored) + TRUST) / (TRUST - np.log(mirrored.rank).sum())
    high = min(high, usual)
    looks = np.log(high / usual) + (high - usual) * np.log(of.rank)
    alike = np.sqrt(((p * found.unlike**2).sum() + TRUST * SISTERS**2) / (p.sum() + TRUST))
    broken = np.sqrt(((mirrored.unlike**2).sum() + TRUST) / (len(mirrored) + TRUST))
    sizes = _student(of.unlike, min(alike, broken)) - _student(of.unlike, broken)
    gone = (mirrored.ends.sum() + TRUST * LOST) / (mirrored.stays.sum() + TRUST)
    lost = min(lost, gone / 2)
    stays = (of.stays - of.ends) * np.log((1 - lost) / (1 - gone)) + of.ends * np.log(lost / gone)
    both: Floats = looks + sizes + stays
    return both


def _student(values: Floats, scale: float) -> Floats:
    """The logarithm of Student's t density, but for a constant."""
    tails: Floats = -(FREEDOM + 1) / 2 * np.log1p(values**2 / (FREEDOM * scale**2)) - np.log(scale)
    return tails
