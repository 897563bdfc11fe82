"""who became whom → tracks, their fates and family trees, as two tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FATES = ("divides", "leaves", "merges", "lost", "end")


@dataclass(frozen=True, eq=False)
class Tracks:
    """A film's cells, each followed through time.

    Attributes:
        cells: One row per cell and frame, ascending by frame and label: the table tracks.csv
            (`docs/tracking.md` lists its columns). `label` is the number in the label image,
            `track_id` the number of the cell over all frames.
        lineage: One row per track, ascending by `track_id`: `track_id`, `begin_frame`,
            `end_frame`, `parent_track_id` (0: none), `lineage_id` (the track that the family
            began with), `generation` (0 for it), `fate` (one of `FATES`), `merges_into_track_id`
            (0: none).
        n_frames: Frames of the film, also those without any cell.
        decisions: What linking found out about the film, and what it chose: for `track.json`.
        notes: What the user should be told, a sentence each.
    """

    cells: pd.DataFrame
    lineage: pd.DataFrame
    n_frames: int
    decisions: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        divisions = int((self.lineage["fate"] == "divides").sum())
        return (
            f"Tracks({len(self.lineage)} tracks, {divisions} divisions, "
            f"{len(self.cells)} cells in {self.n_frames} frames)"
        )
