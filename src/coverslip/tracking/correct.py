"""tracks + what a person says of them → tracks: linked, cut, divided, swapped.

Manual correction of tracking and lineages. Each change is kept as it was asked for, so that it can
be undone, and applied again to the same labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coverslip.errors import DataError
from coverslip.tracking.assemble import build_tracks
from coverslip.tracking.lineage import Tracks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Node = tuple[int, int]  # frame and label

# What is only true of tracks as they were followed; the rest is of the cells themselves.
OF_TRACKS = (
    *("displacement_px", "speed_px_per_frame", "path_px", "net_displacement_px"),
    *("directedness", "growth_rate_per_frame", "displacement_um", "speed_um_per_h"),
    *("path_um", "net_displacement_um", "growth_rate_per_h"),
)


def correct_tracks(tracks: Tracks, changes: Iterable[Mapping[str, Any]]) -> Tracks:
    """Change tracks as a person asks for, one change after the other.

    Args:
        tracks: of a film.
        changes: each of a kind: "link" with `from` and `to`, which is the same cell later; "cut"
            with `at`, with which a new track begins; "divide" with `mother` and two `daughters`;
            "swap" with `first` and `second`, of one frame, which exchange what follows. A cell is
            its frame and its label.

    Returns:
        New tracks, without the columns that told how the cells moved, if anything was changed.

    Raises:
        DataError: a change makes no sense.

    Example:
        >>> import numpy as np
        >>> import coverslip
        >>> from coverslip.tracking import correct_tracks
        >>> tracks = coverslip.track(np.array([[[1, 0, 0]], [[2, 0, 0]], [[3, 0, 0]]]))
        >>> correct_tracks(tracks, [{"kind": "cut", "at": [1, 2]}])
        Tracks(2 tracks, 0 divisions, 3 cells in 3 frames)
    """
    graph = Graph(tracks)
    n_changes = 0
    for change in changes:
        graph.change(change)
        n_changes += 1
    return graph.to_tracks() if n_changes else tracks


class Graph:
    """Which track each cell belongs to, and whose daughter a track is; changed in place."""

    def __init__(self, tracks: Tracks) -> None:
        self.source = tracks
        names = [tracks.cells[name].tolist() for name in ("frame", "label", "track_id")]
        self.track: dict[Node, int] = {
            (frame, label): track for frame, label, track in zip(*names, strict=True)
        }
        rows = tracks.lineage
        pairs = zip(rows["track_id"].tolist(), rows["parent_track_id"].tolist(), strict=True)
        self.parent: dict[int, int] = {track: parent for track, parent in pairs if parent}
        self.last = max(self.track.values(), default=0)

    def change(self, change: Mapping[str, Any]) -> None:
        """Make one change.

        Raises:
            DataError: it makes no sense.
        """
        kind = change.get("kind")
        if kind == "link":
            self.link(self.node(change["from"]), self.node(change["to"]))
        elif kind == "cut":
            self.cut(self.node(change["at"]))
        elif kind == "divide":
            daughters = [self.node(one) for one in change["daughters"]]
            self.divide(self.node(change["mother"]), daughters)
        elif kind == "swap":
            self.swap(self.node(change["first"]), self.node(change["second"]))
        else:
            raise DataError(f"no change of tracks {kind!r}: wanted link, cut, divide or swap.")

    def node(self, values: Any) -> Node:
        """A cell that is in the tracks.

        Raises:
            DataError: it is not.
        """
        frame, label = (int(value) for value in values)
        if (frame, label) not in self.track:
            raise DataError(
                f"frame {frame} has no tracked cell {label}: track again if labels were changed."
            )
        return frame, label

    def tail(self, node: Node) -> int:
        """The number of the track that begins with a cell; the rest of its own gets a new one."""
        frame, track = node[0], self.track[node]
        members = [one for one, number in self.track.items() if number == track]
        if min(members)[0] == frame:
            return track
        self.last += 1
        self.rename([one for one in members if one[0] >= frame], track, self.last)
        return self.last

    def end_after(self, node: Node) -> int:
        """The track of a cell, which ends with it from now on."""
        track = self.track[node]
        later = [one for one, n in self.track.items() if n == track and one[0] > node[0]]
        if later:
            self.tail(min(later))
        else:
            self.orphan(track)
        return track

    def rename(self, members: list[Node], old: int, new: int) -> None:
        """Give the end of a track another number; its daughters go with it."""
        for one in members:
            self.track[one] = new
        for child, parent in self.parent.items():
            if parent == old:
                self.parent[child] = new

    def orphan(self, track: int) -> None:
        """Take the daughters from a track."""
        for child in [child for child, parent in self.parent.items() if parent == track]:
            del self.parent[child]

    def link(self, first: Node, second: Node) -> None:
        """Say that a cell is the same as a later one."""
        if first[0] >= second[0]:
            raise DataError("to link cells, choose one and then the same cell in a later frame.")
        if self.track[first] == self.track[second]:
            later = [n for n, t in self.track.items() if t == self.track[first] and n[0] > first[0]]
            if min(later) == second:
                raise DataError("these two are linked already.")
        track, tail = self.end_after(first), self.tail(second)
        self.parent.pop(tail, None)
        self.rename([one for one, number in self.track.items() if number == tail], tail, track)

    def cut(self, node: Node) -> None:
        """Begin a new track with a cell."""
        before = self.track[node]
        tail = self.tail(node)
        if tail == before and tail not in self.parent:
            raise DataError("a track begins with this cell already.")
        self.parent.pop(tail, None)

    def divide(self, mother: Node, daughters: list[Node]) -> None:
        """Say that a cell divides into others."""
        if len(set(daughters)) < 2 or any(one[0] <= mother[0] for one in daughters):
            raise DataError("to mark a division, choose the mother and two cells of later frames.")
        tails = [self.tail(one) for one in daughters]
        if len(set(tails)) < len(tails):
            raise DataError("two daughters cannot be cells of one track: cut it first.")
        track = self.end_after(mother)
        for tail in tails:
            self.parent[tail] = track

    def swap(self, first: Node, second: Node) -> None:
        """Exchange what follows of two cells of one frame."""
        if first[0] != second[0] or self.track[first] == self.track[second]:
            raise DataError("to swap tracks, choose two cells of one frame.")
        frame = first[0]
        one, other = self.track[first], self.track[second]
        ends = [
            [node for node, number in self.track.items() if number == track and node[0] >= frame]
            for track in (one, other)
        ]
        for node in ends[0]:
            self.track[node] = other
        for node in ends[1]:
            self.track[node] = one
        trade = {one: other, other: one}
        self.parent = {child: trade.get(parent, parent) for child, parent in self.parent.items()}
        begins = [min(n for n, t in self.track.items() if t == track) for track in (one, other)]
        if begins[0][0] >= frame and begins[1][0] >= frame:  # both began here: so did their mothers
            mothers = {track: self.parent.pop(track, 0) for track in (one, other)}
            self.parent |= {trade[track]: mother for track, mother in mothers.items() if mother}

    def to_tracks(self) -> Tracks:
        """The tracks as they are now.

        Raises:
            DataError: a mother would not end before her daughter begins.
        """
        source = self.source
        names = [source.cells[name].tolist() for name in ("frame", "label")]
        numbers = [self.track[node] for node in zip(*names, strict=True)]
        cells = source.cells.assign(track_id=numbers)
        cells = cells.drop(columns=[name for name in OF_TRACKS if name in cells])
        mothers = set(self.parent.values())
        leaves = source.lineage[source.lineage["fate"] == "leaves"]
        ends = set(zip(leaves["track_id"].tolist(), leaves["end_frame"].tolist(), strict=True))
        before = zip(*names, source.cells["track_id"].tolist(), strict=True)
        gone = {self.track[f, n]: "leaves" for f, n, track in before if (track, f) in ends}
        fates = {track: fate for track, fate in gone.items() if track not in mothers}
        made = build_tracks(cells, self.parent, n_frames=source.n_frames, fates=fates)
        return Tracks(
            made.cells, made.lineage, source.n_frames, source.mends, source.decisions, source.notes
        )
