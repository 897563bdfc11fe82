"""Tracks and their outlines → TrackMate's XML, which Fiji opens.

The form is that of `coverslip.tracking.trackmate`, which reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from coverslip.contours import find_outlines
from coverslip.io import whole_or_nothing
from coverslip.tracking.assemble import FAMILY, find_links, find_merges
from coverslip.tracking.trackmate import FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

VERSION = "7.11.1"  # the version of TrackMate whose form is written
# Columns that have other names there, or follow from the tracks.
HELD = ("frame", "track_id", *FAMILY, "centroid_y_px", "centroid_x_px")


def write_trackmate(
    path: Path,
    tracks: Tracks,
    *,
    frames: Iterable[NDArray[Any]],
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    image: str = "",
) -> None:
    """Write tracks as TrackMate's XML, whole or not at all.

    A spot carries the outline of the largest piece of its cell, without holes, and every number
    that was measured, under its column's name in capitals.

    Args:
        path: Such as ``film_trackmate.xml``.
        tracks: The tracks.
        frames: The labels of every frame, (H, W), numbered by track, as `ctc.renumber` gives them.
        pixel_size_um: Height and width of a pixel; None: lengths are in pixels.
        frame_interval_s: Seconds from frame to frame; None: times are frames.
        image: The file name of the film beside it, which TrackMate then opens.

    Raises:
        FileError: It cannot be written.
        DataError: From `frames`, where they are not those of the tracks.
    """
    units = "micron" if pixel_size_um else "pixel", "sec" if frame_interval_s else "frame"
    cells = tracks.cells.reset_index(drop=True)
    columns = [
        str(name)
        for name in cells
        if name not in HELD and pd.api.types.is_numeric_dtype(cells[name])
    ]
    scale = (*(pixel_size_um or (1.0, 1.0)), frame_interval_s or 1.0)
    size = (0, 0)
    with (
        whole_or_nothing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as stream,
    ):  # piece by piece: a long film would not fit into memory as a tree
        stream.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<TrackMate version="{VERSION}">\n')
        stream.write("  <Log>Written by coverslip.</Log>\n")
        stream.write('  <Model spatialunits="{}" timeunits="{}">\n'.format(*units))
        _put(stream, _declare(cells[columns]))
        stream.write(f'    <AllSpots nspots="{len(cells)}">\n')
        for group, shape in _spots(cells, frames=frames, columns=columns, scale=scale):
            _put(stream, group, level=3)
            size = shape
        stream.write("    </AllSpots>\n")
        _put_tracks(stream, tracks)
        stream.write("  </Model>\n")
        settings = _settings(size, n_frames=tracks.n_frames, scale=scale, image=image)
        _put(stream, settings, level=1)
        stream.write('  <GUIState state="ConfigureViews" />\n</TrackMate>\n')


def _put(stream: TextIO, element: ElementTree.Element, *, level: int = 2) -> None:
    ElementTree.indent(element, level=level)
    stream.write("  " * level + ElementTree.tostring(element, encoding="unicode") + "\n")


def _declare(table: pd.DataFrame) -> ElementTree.Element:
    """Declare what spots carry; Fiji shows nothing that is not declared."""
    declared = dict(FEATURES)
    for name in table:
        whole = pd.api.types.is_integer_dtype(table[name])
        declared[str(name).upper()] = (str(name), str(name), "NONE", bool(whole))
    parent = ElementTree.Element("FeatureDeclarations")
    spots = ElementTree.SubElement(parent, "SpotFeatures")
    for key, (name, short, dimension, whole) in declared.items():
        about = {"feature": key, "name": name, "shortname": short, "dimension": dimension}
        ElementTree.SubElement(spots, "Feature", about | {"isint": str(whole).lower()})
    edges = ElementTree.SubElement(parent, "EdgeFeatures")
    for key, name in (("SPOT_SOURCE_ID", "Source spot ID"), ("SPOT_TARGET_ID", "Target spot ID")):
        about = {"feature": key, "name": name, "shortname": name, "dimension": "NONE"}
        ElementTree.SubElement(edges, "Feature", about | {"isint": "true"})
    families = ElementTree.SubElement(parent, "TrackFeatures")
    about = {"feature": "TRACK_ID", "name": "Track ID", "shortname": "ID", "dimension": "NONE"}
    ElementTree.SubElement(families, "Feature", about | {"isint": "true"})
    return parent


def _spots(
    cells: pd.DataFrame,
    *,
    frames: Iterable[NDArray[Any]],
    columns: Sequence[str],
    scale: tuple[float, float, float],
) -> Iterator[tuple[ElementTree.Element, tuple[int, int]]]:
    """Give the cells of every frame, and the size of the frames."""
    at_frame = cells.groupby("frame").indices
    for frame, labels in enumerate(frames):
        group = ElementTree.Element("SpotsInFrame", frame=str(frame))
        rows = cells.iloc[at_frame.get(frame, [])]
        outlines = find_outlines(labels)
        rings = {it.label: max((part[0] for part in it.parts), key=_area) for it in outlines}
        for row in rows.to_dict("index").items():
            _add_spot(group, row, ring=rings[int(row[1]["track_id"])], columns=columns, scale=scale)
        yield group, (int(labels.shape[0]), int(labels.shape[1]))


def _add_spot(
    group: ElementTree.Element,
    row: tuple[Any, Mapping[Any, Any]],
    *,
    ring: NDArray[np.int32],
    columns: Sequence[str],
    scale: tuple[float, float, float],
) -> None:
    """Add a cell; places count from the centre of the first pixel, a contour from its cell's."""
    number, cell = row
    y, x = float(cell["centroid_y_px"]), float(cell["centroid_x_px"])
    points = (ring - 0.5 - [y, x]) * scale[:2]
    radius = np.sqrt(_area(ring) * scale[0] * scale[1] / np.pi)
    values = {
        "ID": number,
        "name": f"{int(cell['track_id'])}",
        "QUALITY": 1.0,
        "POSITION_X": x * scale[1],
        "POSITION_Y": y * scale[0],
        "POSITION_Z": 0.0,
        "POSITION_T": int(cell["frame"]) * scale[2],
        "FRAME": int(cell["frame"]),
        "RADIUS": float(radius),
        "VISIBILITY": 1,
        "CELL_TRACK": int(cell["track_id"]),
    }
    values |= {name.upper(): cell[name] for name in columns if not pd.isna(cell[name])}
    values["ROI_N_POINTS"] = len(points)
    spot = ElementTree.SubElement(group, "Spot", {key: _text(it) for key, it in values.items()})
    spot.text = " ".join(map(_text, points[:, ::-1].ravel()))  # x before y, no space in front


def _area(ring: NDArray[np.int32]) -> float:
    """Of a closed line of corners, in pixels."""
    y, x = ring[:, 0].astype(float), ring[:, 1].astype(float)
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _text(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return repr(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def _put_tracks(stream: TextIO, tracks: Tracks) -> None:
    """Write the edges by family, and let all families be shown; merged families are one."""
    merges = find_merges(tracks)
    families = tracks.cells["lineage_id"].to_numpy(np.int64, copy=True)
    for one, other in merges.tolist():
        families[families == max(families[one], families[other])] = min(
            families[one], families[other]
        )
    edges: dict[int, list[tuple[int, int]]] = {}
    for one, other in np.concatenate([*find_links(tracks), merges]).tolist():
        edges.setdefault(int(families[one]), []).append((one, other))
    stream.write("    <AllTracks>\n")
    for family in sorted(edges):
        about = {"name": f"Lineage {family}", "TRACK_ID": str(family)}
        track = ElementTree.Element("Track", about)
        for one, other in edges[family]:
            about = {"SPOT_SOURCE_ID": str(one), "SPOT_TARGET_ID": str(other)}
            ElementTree.SubElement(track, "Edge", about)
        _put(stream, track, level=3)
    stream.write("    </AllTracks>\n")
    shown = ElementTree.Element("FilteredTracks")
    for family in sorted(edges):
        ElementTree.SubElement(shown, "TrackID", TRACK_ID=str(family))
    _put(stream, shown)


def _settings(
    size: tuple[int, int],
    *,
    n_frames: int,
    scale: tuple[float, float, float],
    image: str,
) -> ElementTree.Element:
    """What TrackMate needs to open the film, and that all was found elsewhere."""
    settings = ElementTree.Element("Settings")
    (height, width), (pixel_height, pixel_width, interval) = size, scale
    about = {"filename": image, "folder": "", "width": width, "height": height, "nslices": 1}
    about |= {"nframes": n_frames, "pixelwidth": pixel_width, "pixelheight": pixel_height}
    about |= {"voxeldepth": 1.0, "timeinterval": interval}
    ElementTree.SubElement(settings, "ImageData", {key: _text(it) for key, it in about.items()})
    part = {"xstart": 0, "xend": width - 1, "ystart": 0, "yend": height - 1, "zstart": 0, "zend": 0}
    part |= {"tstart": 0, "tend": n_frames - 1}
    ElementTree.SubElement(settings, "BasicSettings", {key: _text(it) for key, it in part.items()})
    detector = {"DETECTOR_NAME": "MANUAL_DETECTOR", "RADIUS": "5.0", "TARGET_CHANNEL": "1"}
    ElementTree.SubElement(settings, "DetectorSettings", detector)
    quality = {"feature": "QUALITY", "value": "0.0", "isabove": "true"}
    ElementTree.SubElement(settings, "InitialSpotFilter", quality)
    ElementTree.SubElement(settings, "SpotFilterCollection")
    ElementTree.SubElement(settings, "TrackerSettings", TRACKER_NAME="MANUAL_TRACKER")
    ElementTree.SubElement(settings, "TrackFilterCollection")
    analysers = ElementTree.SubElement(settings, "AnalyzerCollection")
    for name in ("SpotAnalyzers", "EdgeAnalyzers", "TrackAnalyzers"):
        ElementTree.SubElement(analysers, name)
    return settings
