"""divisions whose daughter vanishes at once → links: what split off was no cell.

A mask that loses a piece for some frames looks like a division. A daughter that is lost so soon, in
mid-field, was a piece of her mother, who goes on as the sister.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from coverslip.tracking.cells import take
from coverslip.tracking.chains import chain
from coverslip.tracking.cost import link_costs, near_rim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Whole
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.link import Linked

# A daughter that is lost within so many frames was none: cells seldom vanish so soon.
SHORT = 2


def drop_short_daughters(
    frames: Sequence[Cells], linked: Sequence[Linked], *, scales: Scales
) -> tuple[list[Linked], int]:
    """Make links of the divisions of which one daughter is lost at once.

    A daughter that leaves at the rim, or is there in the last frame, is believed.

    Args:
        frames: The cells of all frames.
        linked: Who became whom.
        scales: Of the film; they say what is near the rim.

    Returns:
        The same without these divisions, and how many there were.
    """
    chains = chain(frames, linked)
    after, offset = chains.after, chains.offset
    drift = {one.begin: one.drift for one in linked if one.end == one.begin + 1}
    mothers = {int(one) for one in chains.mother if one >= 0}

    def is_short(node: int) -> bool:
        for _ in range(SHORT - 1):
            node = int(after[node]) if after[node] >= 0 else node
        t = int(chains.frame[node])
        if after[node] >= 0 or node in mothers or t == len(frames) - 1:
            return False
        cell = take(frames[t], chains.index[[node]])
        return not near_rim(cell, drift[t], scales=scales).any()

    found = list(linked)
    dropped = 0
    for n in sorted(range(len(found)), key=lambda n: -found[n].end):
        one = found[n]
        nodes = offset[one.end] + one.divisions[:, 1:]
        short = np.array([[is_short(int(k)) for k in pair] for pair in nodes]).reshape(-1, 2)
        false = short[:, 0] != short[:, 1]
        instead = _links_instead(one, false, short)
        for i, j in instead.tolist():
            mother = int(offset[one.begin]) + i
            after[mother] = offset[one.end] + j
            mothers.discard(mother)
        links = np.vstack([one.links, instead])
        found[n] = replace(one, links=links, divisions=one.divisions[~false])
        dropped += int(false.sum())
    return found, dropped


def drop_divisions(
    frames: Sequence[Cells],
    linked: Sequence[Linked],
    chosen: Sequence[NDArray[np.bool_]],
    *,
    scales: Scales,
) -> list[Linked]:
    """Make links of divisions: the mother goes on as the daughter that she is more like.

    Args:
        frames: The cells of all frames.
        linked: Who became whom.
        chosen: Of each pair of frames, which of its divisions are none.
        scales: Of the film.
    """
    found = []
    for one, false in zip(linked, chosen, strict=True):
        wide = scales.over(one.end - one.begin)
        before, after = frames[one.begin], frames[one.end]
        costs = [
            link_costs(before, after, one.expected, links=one.divisions[:, [0, side]], scales=wide)
            for side in (1, 2)
        ]
        worse = np.stack([costs[0] > costs[1], costs[0] <= costs[1]], axis=1)
        links = np.vstack([one.links, _links_instead(one, false, worse)])
        found.append(replace(one, links=links, divisions=one.divisions[~false]))
    return found


def _links_instead(one: Linked, false: np.ndarray, short: np.ndarray) -> Whole:
    """From the mother to the daughter that stays."""
    mother, first, second = one.divisions[false].T
    return np.column_stack([mother, np.where(short[false, 0], second, first)])
