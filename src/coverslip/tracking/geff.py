"""Tracks ↔ GEFF, the graph format that napari's plugins, Mastodon, motile and laptrack exchange.

Source: https://liveimagetrackingtools.org/geff. A node is a cell in a frame, with all that was
measured; an edge joins it to itself in the next frame where it is seen, or to its daughter.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip._optional import need
from coverslip.errors import DataError, FileError
from coverslip.io import whole_folder
from coverslip.measurements import column_of
from coverslip.tracking.assemble import find_links, find_merges
from coverslip.tracking.graph import graph_to_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

# What GEFF's axes are called here, and the columns of the cells that they are.
AXES = {"t": "frame", "y": "centroid_y_px", "x": "centroid_x_px"}
MARKER = ".zattrs"


def write_geff(
    path: Path,
    tracks: Tracks,
    *,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    labels: str | None = None,
) -> None:
    """Write tracks as a GEFF, whole or not at all; an older one of that name is replaced.

    The axes t, y and x count frames and pixels, as the label image does, and carry the scale to
    seconds and micrometres where it is known. Every number in `tracks.cells` is a property of its
    node, where it is not missing; fate and merging stand in the last node of a track, and an edge
    leads to the cell that it merges into.

    Args:
        path: Such as ``film.geff``.
        tracks: The tracks.
        pixel_size_um: Height and width of a pixel.
        frame_interval_s: Seconds from frame to frame.
        labels: Where the label image lies, from `path`, whose numbers are `label`.

    Raises:
        SettingsError: The package geff is not installed.
        FileError: Something else has that name, or it cannot be written.
    """
    need("geff", extra="tracks", what="GEFF")
    from geff.core_io import write_arrays

    cells = tracks.cells.reset_index(drop=True)
    properties: dict[str, Any] = {name: _property(cells[at]) for name, at in AXES.items()}
    kept = [str(name) for name in cells if name not in AXES.values()]
    properties |= {name: _property(cells[name]) for name in kept if _is_number(cells[name])}
    properties |= _lasts(tracks, cells)
    edges = np.concatenate([*find_links(tracks), find_merges(tracks)]).astype(np.uint64)
    about = _describe(
        tracks, pixel_size_um=pixel_size_um, frame_interval_s=frame_interval_s, labels=labels
    )
    with whole_folder(path, marker=MARKER) as temporary:
        nodes = np.arange(len(cells), dtype=np.uint64)
        write_arrays(temporary, nodes, dict(properties), edges, {}, about)
        _add_units(temporary, properties)


def _is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _property(column: pd.Series[Any]) -> dict[str, Any]:
    """A column as GEFF keeps it: values, and where they are missing."""
    column = column.astype(float) if column.dtype == object else column  # of no row at all
    missing = column.isna().to_numpy()
    values = column.fillna(0).to_numpy() if missing.any() else column.to_numpy()
    return {"values": values, "missing": missing if missing.any() else None}


def _lasts(tracks: Tracks, cells: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """What is known of tracks, in the last node of each."""
    if not len(cells):
        return {}
    known = tracks.lineage.set_index("track_id")
    last = cells.groupby("track_id")["frame"].transform("max") == cells["frame"]
    fates = known["fate"].reindex(cells["track_id"]).fillna("lost").astype(str)
    into = known["merges_into_track_id"].reindex(cells["track_id"]).fillna(0).astype(np.int64)
    missing = ~last.to_numpy()
    fate = np.where(missing, "", fates.to_numpy()).astype(str)
    merges = np.where(missing, 0, into.to_numpy())
    columns = {"fate": fate, "merges_into_track_id": merges}
    absent = missing if missing.any() else None
    return {name: {"values": values, "missing": absent} for name, values in columns.items()}


def _describe(
    tracks: Tracks,
    *,
    pixel_size_um: tuple[float, float] | None,
    frame_interval_s: float | None,
    labels: str | None,
) -> Any:
    """GEFF's metadata: axes with names, types, units and scales, and what identifies the tracks."""
    from geff_spec import Axis, GeffMetadata, RelatedObject

    height, width = pixel_size_um or (None, None)
    axes = [_axis(Axis, "t", "time", "frame", (frame_interval_s, "second"))]
    axes += [_axis(Axis, "y", "space", "pixel", (height, "micrometer"))]
    axes += [_axis(Axis, "x", "space", "pixel", (width, "micrometer"))]
    mothers = tracks.lineage.loc[tracks.lineage["parent_track_id"] > 0, "parent_track_id"]
    # by GEFF's word, a track with an only daughter goes on in her: then ours are not its tracklets
    # in one that others merge into, two of them end; and merged families are one lineage
    merges = len(find_merges(tracks)) > 0
    names = {} if merges else {"lineage": "lineage_id"}
    if not merges and (mothers.value_counts() > 1).all():
        names["tracklet"] = "track_id"
    return GeffMetadata(
        directed=True,
        axes=axes,
        node_props_metadata={},
        edge_props_metadata={},
        track_node_props=names or None,
        related_objects=[RelatedObject(type="labels", path=labels, node_prop="label")]
        if labels
        else None,
        extra={"coverslip": {"n_frames": tracks.n_frames}},
    )


def _axis(kind: Any, name: str, of: str, unit: str, scale: tuple[float | None, str]) -> Any:
    step, scaled = scale
    known = {} if step is None else {"scale": step, "scaled_unit": scaled}
    return kind(name=name, type=of, unit=unit, **known)


def _add_units(path: Path, properties: Mapping[str, Any]) -> None:
    """Put unit and meaning to the measurements that coverslip knows."""
    from geff_spec import GeffMetadata

    about = GeffMetadata.read(path)
    for name in properties:
        column = column_of(name)
        if column is not None:
            about.node_props_metadata[name].unit = column.unit
            about.node_props_metadata[name].description = column.text
    about.write(path)


def read_geff(path: str | Path) -> Tracks:
    """Read a GEFF of any tool as tracks.

    Where it names its tracks by `track_id`, as coverslip's own do, they are kept; else a track is
    what goes on without a fork. `label` is the property that links to the label image, or else
    `label` or `seg_id`, or else the node's number. Properties that are numbers become columns;
    places in micrometres are `centroid_y_um` and `centroid_x_um`, all others count as pixels.

    Raises:
        SettingsError: The package geff is not installed.
        FileError: It is no GEFF, or cannot be read.
        DataError: No time axis and two in space, or times that are no frames.
    """
    path = Path(path)
    need("geff", extra="tracks", what=f"{path}: GEFF")
    from geff.core_io import read_to_memory

    if not path.is_dir():
        raise FileError(f"{path}: no such folder. Wanted a GEFF, which is a folder.")
    try:
        graph = read_to_memory(path)
    except Exception as error:  # whatever zarr, pydantic or geff raise on a damaged one
        first = str(error).partition("\n")[0]
        raise FileError(f"{path}: no GEFF that can be read ({first}). Export it again.") from error
    about, ids = graph["metadata"], np.asarray(graph["node_ids"])
    columns = {name: _column(prop) for name, prop in graph["node_props"].items()}
    time, y, x = _find_axes(path, about)
    table = pd.DataFrame({name: it for name, it in columns.items() if it is not None})
    table["frame"] = _frames(path, columns[time])
    table["label"] = _find_labels(table, about, ids)
    table = table.rename(columns=_name_places(about, y, x))
    table = table.drop(columns=[name for name in (time,) if name != "frame" and name in table])
    order = np.lexsort([table["label"], table["frame"]])
    edges = _number_edges(path, np.asarray(graph["edge_ids"]), ids[order])
    ours = about.extra.get("coverslip", {}) if isinstance(about.extra, dict) else {}
    table = table.iloc[order].reset_index(drop=True)
    n_frames = ours.get("n_frames", 0) if isinstance(ours, dict) else 0
    return graph_to_tracks(table, edges, n_frames=n_frames if isinstance(n_frames, int) else 0)


def _number_edges(path: Path, edges: NDArray[Any], ids: NDArray[Any]) -> NDArray[np.int64]:
    """Edges between the rows of nodes, by the nodes' numbers."""
    at = {int(node): row for row, node in enumerate(ids)}
    try:
        rows = [(at[int(one)], at[int(other)]) for one, other in edges.reshape(-1, 2)]
    except KeyError as error:
        raise FileError(
            f"{path}: damaged (an edge leads to node {error}, which is not there). Export it again."
        ) from error
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _column(prop: Any) -> NDArray[Any] | None:
    """A property as a column; None where it is no single number or word for each node."""
    values, missing = np.asarray(prop["values"]), prop.get("missing")
    if values.ndim != 1 or values.dtype == object:
        return None
    if missing is None or not np.any(missing):
        return values
    if values.dtype.kind in "US":
        return np.where(missing, "", values)
    return np.where(missing, np.nan, values.astype(float))


def _find_axes(path: Path, about: Any) -> tuple[str, str, str]:
    axes = about.axes or []
    time = [axis.name for axis in axes if axis.type == "time"]
    space = [axis.name for axis in axes if axis.type == "space"]
    if len(time) != 1 or len(space) < 2:
        raise DataError(
            f"{path}: its axes are {', '.join(f'{it.name} ({it.type})' for it in axes) or 'none'}; "
            "wanted one in time and two in space. Name them when it is written."
        )
    return time[0], space[-2], space[-1]


def _name_places(about: Any, y: str, x: str) -> dict[str, str]:
    units = {axis.name: axis.unit for axis in about.axes}
    unit = "um" if units[y] == units[x] == "micrometer" else "px"
    return {y: f"centroid_y_{unit}", x: f"centroid_x_{unit}"}


def _frames(path: Path, times: NDArray[Any] | None) -> NDArray[np.int64]:
    """Times as frames; those in another unit are frames where all are whole numbers."""
    values = np.asarray(times, dtype=float)
    if (
        not np.isfinite(values).all()
        or (values != np.rint(values)).any()
        or values.min(initial=0) < 0
    ):
        raise DataError(
            f"{path}: its times are no whole numbers from 0 on, so it is not known in which frame "
            "a cell is. Write the frame as the time axis."
        )
    return values.astype(np.int64)


def _find_labels(table: pd.DataFrame, about: Any, ids: NDArray[Any]) -> NDArray[np.int64]:
    linked = [it.node_prop for it in about.related_objects or [] if it.type == "labels"]
    for name in [*linked, "label", "seg_id"]:
        if name in table and table[name].dtype.kind in "iu":
            return np.asarray(table[name], dtype=np.int64)
    return np.asarray(ids, dtype=np.int64)
