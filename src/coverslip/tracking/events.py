"""tracks.csv, lineage.csv and mends → what a person should look at first: suspicious events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# A way above the film's median by so many median absolute deviations, and so many times it.
JUMP_SPREADS = 8.0
JUMP_TIMES = 4.0
# An area that goes up or down by this factor, without a division.
AREA_TIMES = 1.8
# A daughter that is there in so few frames was perhaps no daughter.
SHORT_FRAMES = 1

# The most doubtful first.
KINDS = {
    "daughters": "Three daughters or more",
    "sister": "A daughter vanishes at once",
    "lost": "Vanishes in mid-field",
    "jump": "Jumps",
    "area": "Area changes at once",
    "mend": "Mask was mended",
}
COLUMNS = ["kind", "frame", "track_id", "score", "text"]
MENDED = {
    "join": "Two masks were one cell here, and were joined.",
    "split": "One mask was two cells here, and was parted.",
}


def find_events(
    cells: pd.DataFrame, lineage: pd.DataFrame, *, mends: Iterable[Mapping[str, Any]] = ()
) -> pd.DataFrame:
    """Find where the tracks of a film are most likely wrong.

    Args:
        cells: The table of cells and frames.
        lineage: The table of tracks.
        mends: Of masks: mappings with `frame`, `label` (after mending) and `kind`, "join" or
            "split".

    Returns:
        One row for each: `kind` (one of `KINDS`), `frame`, `track_id`, `score` (larger is worse,
        within a kind) and `text`; by kind in the order of `KINDS`, the worst first.
    """
    rows = [
        *_odd_divisions(lineage),
        *_losses(lineage),
        *_jumps(cells),
        *_areas(cells),
        *_mends(cells, mends),
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    rank = table["kind"].map({kind: n for n, kind in enumerate(KINDS)})
    ordered = table.assign(rank=rank).sort_values(
        ["rank", "score", "frame", "track_id"], ascending=[True, False, True, True]
    )
    return ordered[COLUMNS].reset_index(drop=True)


def _odd_divisions(lineage: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    daughters = lineage[lineage["parent_track_id"] > 0]
    for _, sisters in daughters.groupby("parent_track_id"):
        mother = int(sisters["parent_track_id"].iloc[0])
        if len(sisters) > 2:
            text = f"Cell {mother} divides into {len(sisters)}."
            end = int(lineage.loc[lineage["track_id"] == mother, "end_frame"].iloc[0])
            yield "daughters", end, mother, float(len(sisters)), text
    length = daughters["end_frame"] - daughters["begin_frame"] + 1
    short = daughters[(length <= SHORT_FRAMES) & (daughters["fate"] == "lost")]
    for row in short.index:
        mother = short.loc[row, "parent_track_id"]
        text = f"A daughter of cell {mother} is there in one frame only."
        yield "sister", *_track(short, row, "begin_frame"), 1.0, text


def _losses(lineage: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Cells that end away from the border; one seen for longer is the more surprising."""
    lost = lineage[lineage["fate"] == "lost"]
    lengths = lost["end_frame"] - lost["begin_frame"] + 1
    # Of a daughter that is there for a moment only, another event tells.
    told = (lost["parent_track_id"] > 0) & (lengths <= SHORT_FRAMES)
    for row in lost.index[~told]:
        seen = f"{lengths[row]} frame{'' if lengths[row] == 1 else 's'}"
        text = f"Last seen here, after {seen}, away from the border."
        yield "lost", *_track(lost, row, "end_frame"), float(lengths[row]), text


def _jumps(cells: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    if "speed_px_per_frame" not in cells:  # of tracks that a person corrected
        return
    speed = cells["speed_px_per_frame"].to_numpy(dtype=float)
    known = speed[np.isfinite(speed)]
    if len(known) < 3:
        return
    usual = float(np.median(known))
    spread = max(1.4826 * float(np.median(np.abs(known - usual))), 0.5)
    limit = max(usual + JUMP_SPREADS * spread, JUMP_TIMES * usual)
    for row in np.flatnonzero(speed > limit).tolist():
        text = f"Moves {speed[row]:.1f} px in a frame, where {usual:.1f} px is usual."
        yield "jump", *_cell(cells, row), float(speed[row]), text


def _areas(cells: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Cells whose area changes at once, from where their track was last seen."""
    ordered = cells.sort_values(["track_id", "frame"], kind="stable")
    area, track = ordered["area_px"].to_numpy(dtype=float), ordered["track_id"].to_numpy()
    factor = np.ones(len(area))
    factor[1:] = np.where(track[1:] == track[:-1], area[1:] / area[:-1], 1.0)
    size = np.abs(np.log(factor))
    for row in np.flatnonzero(size > np.log(AREA_TIMES)).tolist():
        word = "grows" if factor[row] > 1 else "shrinks"
        text = f"Area {word} from {area[row - 1]:.0f} to {area[row]:.0f} px² without a division."
        yield "area", *_cell(ordered, row), float(size[row]), text


def _mends(cells: pd.DataFrame, mends: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    names = [cells[name].tolist() for name in ("frame", "label", "track_id")]
    tracks = {(frame, label): track for frame, label, track in zip(*names, strict=True)}
    for one in mends:
        key = int(one["frame"]), int(one["label"])
        if key in tracks:
            yield "mend", key[0], tracks[key], 1.0, MENDED[one["kind"]]


def _track(lineage: pd.DataFrame, row: Any, moment: str) -> tuple[int, int]:
    return int(lineage[moment][row]), int(lineage["track_id"][row])


def _cell(cells: pd.DataFrame, row: int) -> tuple[int, int]:
    return int(cells["frame"].iloc[row]), int(cells["track_id"].iloc[row])
