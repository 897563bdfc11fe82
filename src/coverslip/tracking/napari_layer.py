"""Tracks → the tracks layer of napari: rows of id, t, y, x, and who came from whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.io import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

COLUMNS = ("track_id", "frame", "centroid_y_px", "centroid_x_px")
NAMES = ("id", "t", "y", "x")


def to_napari(
    tracks: Tracks,
) -> tuple[NDArray[np.float64], dict[int, list[int]], dict[str, NDArray[Any]]]:
    """Give tracks as `napari.Viewer.add_tracks` takes them.

    Returns:
        (n, 4), ascending by track and frame: the track's number, frame, and place in pixels; the
        graph, from each daughter to her mother; and what was measured, a value for each row.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from coverslip.tracking.assemble import build_tracks
        >>> cells = pd.DataFrame({"frame": [0, 1], "label": [1, 1], "track_id": [1, 2]})
        >>> cells["centroid_y_px"], cells["centroid_x_px"] = [4.0, 4.0], [7.0, 9.0]
        >>> data, graph, _ = to_napari(build_tracks(cells, {2: 1}, n_frames=2))
        >>> data.tolist(), graph
        ([[1.0, 0.0, 4.0, 7.0], [2.0, 1.0, 4.0, 9.0]], {2: [1]})
    """
    rows = tracks.cells.sort_values(["track_id", "frame"], kind="stable")
    data = rows[list(COLUMNS)].to_numpy(dtype=float).reshape(-1, len(COLUMNS))
    daughters = tracks.lineage[tracks.lineage["parent_track_id"] > 0]
    pairs = zip(daughters["track_id"], daughters["parent_track_id"], strict=True)
    graph = {int(track): [int(parent)] for track, parent in pairs}
    measured = {
        str(name): rows[name].to_numpy()
        for name in rows
        if name not in COLUMNS and pd.api.types.is_numeric_dtype(rows[name])
    }
    return data, graph, measured


def write_napari(path: Path, tracks: Tracks) -> None:
    """Write the rows as CSV, and the graph beside it as ``NAME_graph.json``; each whole or not.

    Raises:
        FileError: A file cannot be written.
    """
    data, graph, measured = to_napari(tracks)
    table = pd.DataFrame(data, columns=list(NAMES)).astype({"id": np.int64, "t": np.int64})
    table = table.assign(**{name: it for name, it in measured.items() if name not in NAMES})
    write_text(path, table.to_csv(index=False, float_format="%.8g"))
    text = json.dumps({str(track): parents for track, parents in graph.items()}, indent=1)
    write_text(path.with_name(f"{path.stem}_graph.json"), text + "\n")
