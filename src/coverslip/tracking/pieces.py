"""tracks of a few frames beside a cell → pieces of that cell, which broke off and grew on again.

`mend` looks at single frames. A mask that is broken for some frames running makes a track that
begins and ends in mid-field, and the cell beside it is smaller for as long. Where it costs less
that both were one cell all the time, they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.tracking.cells import take
from coverslip.tracking.chains import chain
from coverslip.tracking.cost import CUT_PX, division_costs, join_cells, link_costs, side_costs
from coverslip.tracking.mend import MARGIN, Join, are_near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells, Floats
    from coverslip.tracking.chains import Chains
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.link import Linked

# What stays apart for more frames than this is taken for a cell.
LONGEST = 5
# Neighbours of a piece that are tried as the cell that it broke off.
TRIED = 3


@dataclass(frozen=True, eq=False)
class _Film:
    """A film and how it was linked."""

    frames: Sequence[Cells]
    chains: Chains
    expected: Mapping[int, Floats]
    scales: Scales


@dataclass(frozen=True)
class _Piece:
    """A piece and its cell, as indices into the cells of each of their frames, from `begin` on.

    The cell is known in the frames just before and just after them, too.
    """

    begin: int
    pieces: tuple[int, ...]
    hosts: tuple[int, ...]


def find_pieces(
    frames: Sequence[Cells],
    linked: Sequence[Linked],
    *,
    scales: Scales,
    labels_of: Callable[[int], NDArray[Any]],
) -> list[Join]:
    """Find the tracks that were pieces of the cell beside them.

    Args:
        frames: The cells of all frames.
        linked: Who became whom, divisions that are not believed made links.
        scales: Of the film.
        labels_of: Gives the (H, W) labels of a frame.

    Returns:
        In the order of time.
    """
    expected = {one.begin: one.expected for one in linked if one.end == one.begin + 1}
    film = _Film(frames, chain(frames, linked), expected, scales)
    found = _touching(list(_likely_pieces(film)), frames, labels_of)
    gone = {(one.begin + n, k) for one in found for n, k in enumerate(one.pieces)}
    joins = []
    for one in found:
        pairs = list(enumerate(zip(one.hosts[1:-1], one.pieces, strict=True), start=one.begin))
        if any((t, host) in gone for t, (host, _) in pairs):
            continue
        for t, (host, piece) in pairs:
            label = frames[t].label
            joins.append(Join(t, int(label[host]), int(label[piece])))
    return sorted(joins, key=lambda one: one.frame)


def _likely_pieces(film: _Film) -> Iterator[_Piece]:
    """Short tracks in mid-field that cost less as a part of the cell beside them."""
    chains, frames = film.chains, film.frames
    mothers = set(chains.mother[chains.mother >= 0].tolist())
    heads = np.flatnonzero((chains.before < 0) & (chains.frame > 0))
    for head in heads.tolist():
        nodes = _short_track(film, head)
        if not nodes or nodes[-1] in mothers:
            continue
        begin = int(chains.frame[head])
        pieces = tuple(int(chains.index[node]) for node in nodes)
        cells = frames[begin]
        near = np.hypot(*(cells.place - cells.place[pieces[0]]).T)
        best: tuple[float, _Piece | None] = (-MARGIN, None)
        for k in np.argsort(near, kind="stable")[1 : TRIED + 1].tolist():
            hosts = _host(film, head, int(chains.offset[begin]) + k, len(nodes))
            if hosts is not None and _was_whole(film, begin, pieces, hosts):
                one = _Piece(begin, pieces, hosts)
                best = min(best, (_gain(film, one), one), key=lambda it: it[0])
        if best[1] is not None:
            yield best[1]


def _short_track(film: _Film, head: int) -> list[int]:
    """The nodes of the track of a head; none where it is long, has a gap or is cut off."""
    chains, nodes = film.chains, [head]
    while chains.after[nodes[-1]] >= 0 and len(nodes) <= LONGEST:
        nodes.append(int(chains.after[nodes[-1]]))
    frame, index = chains.frame[nodes], chains.index[nodes]
    pairs = zip(frame.tolist(), index.tolist(), strict=True)
    whole = all(film.frames[t].rim[k] >= CUT_PX for t, k in pairs)
    ends = len(nodes) <= LONGEST and frame[-1] < len(film.frames) - 1
    return nodes if whole and ends and frame[-1] - frame[0] == len(nodes) - 1 else []


def _host(film: _Film, head: int, node: int, length: int) -> tuple[int, ...] | None:
    """The cell beside a piece, from the frame before it to the frame after it.

    None: it was not there in all of them, or one of both is a daughter without the other.
    """
    chains = film.chains
    if chains.mother[node] != chains.mother[head]:
        return None
    nodes = [int(max(chains.before[node], chains.mother[node])), node]
    while nodes[-1] >= 0 and len(nodes) < length + 2:
        nodes.append(int(chains.after[nodes[-1]]))
    frame = chains.frame[nodes]
    if min(nodes) < 0 or frame[-1] - frame[0] != length + 1:
        return None
    return tuple(chains.index[nodes].tolist())


def _was_whole(film: _Film, begin: int, pieces: tuple[int, ...], hosts: tuple[int, ...]) -> bool:
    """Whether the cell was as large as both together before and after, for as long as they lived.

    Two cells that masks often join are now one, now two: who is one for longer is one.
    """
    chains, frames = film.chains, film.frames
    area = np.concatenate([cells.area for cells in frames])
    n = len(pieces)
    alone = np.array([frames[begin + k].area[hosts[k + 1]] for k in range(n)])
    both = alone + [frames[begin + k].area[pieces[k]] for k in range(n)]
    middle = np.log(np.median(alone)) / 2 + np.log(np.median(both)) / 2
    for t, host, onward in (
        (begin - 1, hosts[0], chains.before),
        (begin + n, hosts[-1], chains.after),
    ):
        nodes = [int(chains.offset[t]) + host]
        while onward[nodes[-1]] >= 0 and len(nodes) < n:
            nodes.append(int(onward[nodes[-1]]))
        if len(nodes) < n or np.log(np.median(area[nodes])) < middle:
            return False
    return True


def _gain(film: _Film, one: _Piece) -> float:
    """By how much more it costs that both were one cell than that they were two."""
    frames, scales = film.frames, film.scales
    begin, end = one.begin, one.begin + len(one.pieces) - 1
    apart = float(side_costs(frames[end], np.zeros(2), scales=scales)[one.pieces[-1]])
    apart += _cost_of_beginning(film, one)
    together = 0.0
    for n in range(len(one.hosts) - 1):
        t = begin - 1 + n
        before, after, host = frames[t], frames[t + 1], one.hosts[n : n + 2]
        expected = film.expected[t]
        if n:
            apart += _cost(before, host[0], after, host[1], expected, scales)
        if 0 < n < len(one.pieces):
            piece = one.pieces[n - 1 : n + 1]
            apart += _cost(before, piece[0], after, piece[1], expected, scales)
        move = expected[host[0]] - before.place[host[0]]
        i = _union(before, host[0], one.pieces[n - 1] if n else None)
        j = _union(after, host[1], one.pieces[n] if n < len(one.pieces) else None)
        together += _cost(i, 0, j, 0, i.place + move, scales)
    return together - apart


def _cost_of_beginning(film: _Film, one: _Piece) -> float:
    """What it costs that there are two from the first frame on: a beginning, or a division."""
    frames, chains, scales = film.frames, film.chains, film.scales
    before, cells, expected = frames[one.begin - 1], frames[one.begin], film.expected[one.begin - 1]
    past, host, piece = one.hosts[0], one.hosts[1], one.pieces[0]
    if chains.mother[chains.offset[one.begin] + piece] >= 0:
        story = np.array([[past, host, piece]])
        return float(division_costs(before, cells, expected, divisions=story, scales=scales)[0])
    begins = float(side_costs(cells, np.zeros(2), scales=scales)[piece])
    return begins + _cost(before, past, cells, host, expected, scales)


def _union(cells: Cells, host: int, piece: int | None) -> Cells:
    """A cell, with its piece where there is one, as the only cell of a frame."""
    if piece is None:
        return take(cells, np.array([host]))
    return join_cells(cells, np.array([host]), np.array([piece]))


def _cost(before: Cells, i: int, after: Cells, j: int, expected: Floats, scales: Scales) -> float:
    return float(link_costs(before, after, expected, links=np.array([[i, j]]), scales=scales)[0])


def _touching(
    likely: list[_Piece], frames: Sequence[Cells], labels_of: Callable[[int], NDArray[Any]]
) -> list[_Piece]:
    """Those that touch their cell in every frame; each frame is read once."""
    apart: set[_Piece] = set()
    wanted: dict[int, list[tuple[_Piece, int, int]]] = {}
    for one in likely:
        for n, (host, piece) in enumerate(zip(one.hosts[1:-1], one.pieces, strict=True)):
            wanted.setdefault(one.begin + n, []).append((one, host, piece))
    for t in sorted(wanted):
        labels = labels_of(t)
        for one, host, piece in wanted[t]:
            if one not in apart and not are_near(labels, frames[t], host, piece):
                apart.add(one)
    return [one for one in likely if one not in apart]
