"""Tracks → Newick: family trees as phylogenetics programs read them (FigTree, ete3, ape)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.io import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.tracking.lineage import Tracks


def to_newick(tracks: Tracks, *, hours_per_frame: float | None = None) -> list[str]:
    """Give the tree of every family, in the order of their first tracks' numbers.

    A node is a track, by its number. Its branch is as long as the time from its mother's last
    frame, or of the family's first track from its own first frame, to its last frame.

    Args:
        tracks: The tracks.
        hours_per_frame: For branches in hours; None: in frames.

    Example:
        >>> import pandas as pd
        >>> from coverslip.tracking.assemble import build_tracks
        >>> rows = [(0, 1, 1), (1, 1, 1), (2, 1, 2), (2, 2, 3), (3, 1, 3)]
        >>> cells = pd.DataFrame(rows, columns=["frame", "label", "track_id"])
        >>> to_newick(build_tracks(cells, {2: 1, 3: 1}, n_frames=4))
        ['(2:1,3:2)1:1;']
    """
    step = 1 if hours_per_frame is None else hours_per_frame
    table = tracks.lineage.sort_values("begin_frame", ascending=False, kind="stable")
    end = dict(zip(table["track_id"], table["end_frame"], strict=True))
    branches: dict[int, list[tuple[int, str]]] = {}
    trees: list[tuple[int, str]] = []
    for track, begin, parent in zip(
        table["track_id"], table["begin_frame"], table["parent_track_id"], strict=True
    ):  # daughters come before their mothers
        inner = ",".join(text for _, text in sorted(branches.pop(int(track), [])))
        length = (end[track] - (end[parent] if parent else begin)) * step
        text = f"{f'({inner})' if inner else ''}{track}:{length:.8g}"
        if parent:
            branches.setdefault(int(parent), []).append((int(track), text))
        else:
            trees.append((int(track), f"{text};"))
    return [text for _, text in sorted(trees)]


def write_newick(path: Path, tracks: Tracks, *, hours_per_frame: float | None = None) -> None:
    """Write the trees, a line each; whole or not at all.

    Raises:
        FileError: The file cannot be written.
    """
    trees = to_newick(tracks, hours_per_frame=hours_per_frame)
    write_text(path, "".join(f"{tree}\n" for tree in trees))
