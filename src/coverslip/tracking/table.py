"""tracks and cells → one table, a row for each cell and frame: place, speed, growth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.tracking.cells import Cells, Floats, Whole
    from coverslip.tracking.chains import Chains

# Cells whose centres lie within so many typical radii are neighbours.
NEAR = 4.0


@dataclass(frozen=True)
class TrackColumn:
    """What a column of tracks.csv holds: its unit, and its definition."""

    unit: str
    text: str


TRACK_COLUMNS: dict[str, TrackColumn] = {
    "frame": TrackColumn("number", "The frame, from 0."),
    "label": TrackColumn("number", "The cell's number in the frame's labels, after mending."),
    "track_id": TrackColumn("number", "The cell's number over all frames."),
    "parent_track_id": TrackColumn("number", "The track that divided into this one; 0: none."),
    "lineage_id": TrackColumn("number", "The track that this family began with."),
    "generation": TrackColumn("count", "Divisions since the family began."),
    "centroid_y_px": TrackColumn("px", "Row of the centroid; the first pixel's centre is 0."),
    "centroid_x_px": TrackColumn("px", "Column of the centroid."),
    "area_px": TrackColumn("px²", "Number of pixels."),
    "displacement_px": TrackColumn(
        "px", "Way from where the track was last seen, the stage's drift taken out."
    ),
    "speed_px_per_frame": TrackColumn("px/frame", "displacement_px / frames since then."),
    "path_px": TrackColumn("px", "Sum of displacement_px since the track began."),
    "net_displacement_px": TrackColumn(
        "px", "Straight way from where the track began, the drift taken out."
    ),
    "directedness": TrackColumn("ratio", "net_displacement_px / path_px; empty where that is 0."),
    "growth_rate_per_frame": TrackColumn(
        "1/frame", "Change of the natural logarithm of the area since last seen, a frame."
    ),
    "n_neighbours": TrackColumn(
        "count", "Other cells whose centre is within four typical radii of this film."
    ),
    "nearest_px": TrackColumn("px", "Distance to the nearest other cell's centre."),
    "time_h": TrackColumn("h", "Since the first frame."),
    "centroid_y_um": TrackColumn("µm", "centroid_y_px × pixel height."),
    "centroid_x_um": TrackColumn("µm", "centroid_x_px × pixel width."),
    "area_um2": TrackColumn("µm²", "area_px × the area of a pixel."),
    "displacement_um": TrackColumn("µm", "As displacement_px."),
    "speed_um_per_h": TrackColumn("µm/h", "displacement_um / hours since last seen."),
    "path_um": TrackColumn("µm", "As path_px."),
    "net_displacement_um": TrackColumn("µm", "As net_displacement_px."),
    "growth_rate_per_h": TrackColumn("1/h", "As growth_rate_per_frame, an hour."),
    "intensity_mean": TrackColumn("grey values", "Mean of the image inside the cell (--images)."),
}


def build_table(
    frames: Sequence[Cells],
    chains: Chains,
    lineage: pd.DataFrame,
    *,
    drifts: Floats,
    radius: float,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
) -> pd.DataFrame:
    """Make the table of cells and frames.

    Args:
        frames: The cells of all frames.
        chains: Their tracks.
        lineage: The table of tracks.
        drifts: (T - 1, 2), by how much the view moved from each frame to the next, pixels.
        radius: The typical radius of a cell, pixels.
        pixel_size_um: Height and width of a pixel; None: no columns in micrometres.
        frame_interval_s: From a frame to the next; None: no columns in hours.

    Returns:
        The columns of `TRACK_COLUMNS`, ascending by frame and label.
    """
    joined = {name: _all_of(frames, name) for name in ("label", "area", "place")}
    near, nearest = _neighbours(frames, NEAR * radius)
    row = chains.track - 1
    table: dict[str, Any] = {
        "frame": chains.frame,
        "label": joined["label"],
        "track_id": chains.track,
    }
    for name in ("parent_track_id", "lineage_id", "generation"):
        table[name] = lineage[name].to_numpy()[row]
    table |= {
        "centroid_y_px": joined["place"][:, 0],
        "centroid_x_px": joined["place"][:, 1],
        "area_px": joined["area"].astype(np.int64),
    }
    steps = _steps(chains)
    still = (
        joined["place"]
        - np.concatenate([np.zeros((1, 2)), np.cumsum(drifts, axis=0)])[chains.frame]
    )
    table |= _motion(chains, still, steps, unit="px")
    logs = np.log(joined["area"])
    grown = np.where(chains.before >= 0, logs - logs[chains.before], np.nan)
    table["growth_rate_per_frame"] = grown / steps
    table |= {"n_neighbours": near, "nearest_px": nearest}
    if frame_interval_s is not None:
        table["time_h"] = chains.frame * frame_interval_s / 3600
        table["growth_rate_per_h"] = table["growth_rate_per_frame"] * 3600 / frame_interval_s
    if pixel_size_um is not None:
        table |= _in_micrometres(chains, joined, still, steps, pixel_size_um, frame_interval_s)
    return pd.DataFrame({name: table[name] for name in TRACK_COLUMNS if name in table})


def _all_of(frames: Sequence[Cells], name: str) -> Any:
    parts = [getattr(cells, name) for cells in frames]
    return np.concatenate(parts) if parts else np.zeros(0)


def _steps(chains: Chains) -> Floats:
    """Frames since a track was last seen; none at its begin."""
    return np.where(chains.before >= 0, chains.frame - chains.frame[chains.before], np.nan)


def _motion(chains: Chains, still: Floats, steps: Floats, *, unit: str) -> dict[str, Floats]:
    """Ways of every cell in a view that does not drift."""
    known = chains.before >= 0
    way = np.where(known, np.hypot(*(still - still[chains.before]).T), np.nan)
    path, head = np.where(known, way, 0.0), np.arange(len(known))
    for start, stop in _frame_bounds(chains.frame):
        nodes = np.arange(start, stop)[known[start:stop]]
        path[nodes] += path[chains.before[nodes]]
        head[nodes] = head[chains.before[nodes]]
    net = np.hypot(*(still - still[head]).T) if len(still) else way
    found = {f"displacement_{unit}": way}
    if unit == "px":
        found["speed_px_per_frame"] = way / steps
        found["directedness"] = np.where(path > 0, net / np.where(path > 0, path, 1), np.nan)
    return found | {f"path_{unit}": path, f"net_displacement_{unit}": net}


def _frame_bounds(frame: Whole) -> list[tuple[int, int]]:
    cuts = np.flatnonzero(np.diff(frame)) + 1
    ends = [*cuts.tolist(), len(frame)]
    return list(zip([0, *cuts.tolist()], ends, strict=True)) if len(frame) else []


def _neighbours(frames: Sequence[Cells], reach: float) -> tuple[Whole, Floats]:
    """How many cells are near to each, and how far the nearest is; empty where there is none."""
    counts: list[Any] = [np.zeros(0, dtype=np.int64)]
    distances: list[Any] = [np.zeros(0)]
    for cells in frames:
        if not len(cells):
            continue
        tree = cKDTree(cells.place)
        counts.append(tree.query_ball_point(cells.place, reach, return_length=True) - 1)
        distance = np.asarray(tree.query(cells.place, k=[2])[0])[:, 0]
        distances.append(np.where(np.isfinite(distance), distance, np.nan))
    return np.concatenate(counts), np.concatenate(distances)


def _in_micrometres(
    chains: Chains,
    joined: dict[str, Any],
    still: Floats,
    steps: Floats,
    size: tuple[float, float],
    interval_s: float | None,
) -> dict[str, Any]:
    found = _motion(chains, still * np.array(size), steps, unit="um")
    found |= {
        "centroid_y_um": joined["place"][:, 0] * size[0],
        "centroid_x_um": joined["place"][:, 1] * size[1],
        "area_um2": joined["area"] * size[0] * size[1],
    }
    if interval_s is not None:
        found["speed_um_per_h"] = found["displacement_um"] / (steps * interval_s / 3600)
    return found
