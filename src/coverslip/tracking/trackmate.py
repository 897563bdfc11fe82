"""TrackMate's XML, which Fiji writes and opens → Tracks and frames of labels.

Source: the files that TrackMate 7 writes (https://imagej.net/plugins/trackmate). A spot is a cell
in a frame, an edge joins it to itself in the next frame where it is seen or to its daughter, and a
track of TrackMate is a whole family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
import pandas as pd

from coverslip.errors import DataError, FileError
from coverslip.tracking.graph import graph_to_tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

# What TrackMate itself must find in a spot: name, short name, dimension, whether a whole number.
FEATURES = {
    "QUALITY": ("Quality", "Quality", "QUALITY", False),
    "POSITION_X": ("X", "X", "POSITION", False),
    "POSITION_Y": ("Y", "Y", "POSITION", False),
    "POSITION_Z": ("Z", "Z", "POSITION", False),
    "POSITION_T": ("T", "T", "TIME", False),
    "FRAME": ("Frame", "Frame", "NONE", True),
    "RADIUS": ("Radius", "R", "LENGTH", False),
    "VISIBILITY": ("Visibility", "Visibility", "NONE", True),
    "CELL_TRACK": ("Track of the cell", "Cell track", "NONE", True),
}
MICRONS = ("µm", "um", "micron", "microns", "micrometer", "micrometre")
SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "minute": 60.0}
SECONDS |= {"minutes": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0, "ms": 0.001}
MOST_PX = 2**28  # a larger frame cannot be meant
MOST_FRAMES = 10_000_000


@dataclass(frozen=True, eq=False)
class TrackMateFilm:
    """What a file of TrackMate holds.

    Attributes:
        tracks: The tracks; `label` is the number in `frames`.
        frames: The spots' contours filled, (H, W) int32 for each frame; a spot without a contour is
            a disc of its radius. Each is drawn when it is asked for.
        pixel_size_um: Height and width of a pixel, where the file's unit is the micrometre.
        frame_interval_s: Seconds from frame to frame, where its unit is a time.
    """

    tracks: Tracks
    frames: Sequence[NDArray[np.int32]]
    pixel_size_um: tuple[float, float] | None = None
    frame_interval_s: float | None = None


def read_trackmate(path: str | Path) -> TrackMateFilm:
    """Read a file that TrackMate, or coverslip, wrote.

    The tracks that TrackMate's filters let pass are read, and single spots that were not filtered
    out. A track is what goes on without a fork, or what coverslip called so.

    Raises:
        FileError: It is no XML of TrackMate, is damaged, or declares entities.
        DataError: No image size, or volumes.
    """
    path = Path(path)
    root = _parse(path)
    model, image = root.find("Model"), root.find("Settings/ImageData")
    if root.tag != "TrackMate" or model is None:
        raise FileError(
            f"{path}: no tracks of TrackMate (its first element is {root.tag!r}). In TrackMate, "
            "press Save; Export to IJ or Tracks to XML write something else."
        )
    try:
        return _read_model(path, model, image)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise FileError(f"{path}: damaged ({error}). Save it again in TrackMate.") from error


def _parse(path: Path) -> ElementTree.Element:
    """Parse a file; one that declares entities is refused, which can grow beyond all memory."""
    try:
        data = path.read_bytes()
        parser = expat.ParserCreate()

        def refuse(*_: Any) -> None:
            raise FileError(
                f"{path}: declares a document type, as no file of TrackMate does; entities in it "
                "could fill all memory. Save it again in TrackMate."
            )

        parser.StartDoctypeDeclHandler = refuse
        parser.Parse(data, True)
        return ElementTree.fromstring(data)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (expat.ExpatError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise FileError(f"{path}: no XML, or a damaged one ({error}). Save it again.") from error


def _read_model(
    path: Path, model: ElementTree.Element, image: ElementTree.Element | None
) -> TrackMateFilm:
    sizes = {} if image is None else image.attrib
    height, width = (int(float(sizes.get(name, 0))) for name in ("height", "width"))
    if not 0 < height * width <= MOST_PX:
        raise DataError(
            f"{path}: the image is {width} × {height} pixels by its settings, so outlines cannot "
            "be drawn. Save it in TrackMate with the image open."
        )
    scale = tuple(float(sizes.get(name, 1)) or 1.0 for name in ("pixelheight", "pixelwidth"))
    spots = _read_spots(model)
    edges = _read_edges(model)
    in_track = {spot for pair in edges for spot in pair}
    kept = [it for it in spots if it["ID"] in in_track or it["VISIBILITY"]]
    kept.sort(key=lambda spot: (spot["frame"], spot["ID"]))
    table, rings = _tabulate(kept, scale)
    at = {spot["ID"]: number for number, spot in enumerate(kept)}
    pairs = np.array([(at[a], at[b]) for a, b in edges], dtype=np.int64).reshape(-1, 2)
    n_frames = int(float(sizes.get("nframes", 0)))
    if not 0 <= max([n_frames, *(spot["frame"] for spot in kept)]) <= MOST_FRAMES:
        raise ValueError(f"frame numbers beyond {MOST_FRAMES:,}")
    tracks = graph_to_tracks(table, pairs, n_frames=n_frames)
    numbers = table[["frame", "label"]].to_numpy(np.int64)
    frames = _Drawn((height, width), rings, numbers, tracks.n_frames)
    in_um = model.get("spatialunits", "").lower() in MICRONS
    interval = SECONDS.get(model.get("timeunits", "").lower(), 0) * float(
        sizes.get("timeinterval", 0)
    )
    return TrackMateFilm(tracks, frames, (scale[0], scale[1]) if in_um else None, interval or None)


def _read_spots(model: ElementTree.Element) -> list[dict[str, Any]]:
    found = []
    for group in model.iterfind("AllSpots/SpotsInFrame"):
        for spot in group.iterfind("Spot"):
            values: dict[str, Any] = {"ID": int(spot.attrib["ID"])}
            values["frame"] = int(group.attrib["frame"])
            values["VISIBILITY"] = float(spot.get("VISIBILITY", 1)) > 0
            values |= {
                key: float(it)
                for key, it in spot.attrib.items()
                if key not in ("ID", "name", "VISIBILITY", "ROI_N_POINTS", "MANUAL_SPOT_COLOR")
            }
            n_points = int(float(spot.get("ROI_N_POINTS", 0)))
            words = (spot.text or "").split()
            if len(words) > 2 * n_points:
                raise ValueError(f"spot {values['ID']} has a contour in space; wanted a flat one")
            values["contour"] = np.array(words, dtype=float).reshape(-1, 2)
            places = [values["POSITION_X"], values["POSITION_Y"], *values["contour"].ravel()]
            if not np.isfinite(places).all() or values["frame"] < 0:
                raise ValueError(f"spot {values['ID']} is nowhere")
            found.append(values)
    return found


def _read_edges(model: ElementTree.Element) -> list[tuple[int, int]]:
    shown = {it.attrib["TRACK_ID"] for it in model.iterfind("FilteredTracks/TrackID")}
    return [
        (int(edge.attrib["SPOT_SOURCE_ID"]), int(edge.attrib["SPOT_TARGET_ID"]))
        for track in model.iterfind("AllTracks/Track")
        if track.attrib["TRACK_ID"] in shown
        for edge in track.iterfind("Edge")
    ]


def _tabulate(
    spots: Sequence[Mapping[str, Any]], scale: tuple[float, ...]
) -> tuple[pd.DataFrame, list[NDArray[np.float64]]]:
    """The cells' table, and the contour of each in pixels, rows before columns."""
    held = {*FEATURES, "ID", "frame", "contour", "LABEL"}
    rows, rings = [], []
    for number, spot in enumerate(spots, start=1):
        y, x = spot["POSITION_Y"] / scale[0], spot["POSITION_X"] / scale[1]
        row = {"frame": spot["frame"], "label": int(spot.get("LABEL", number))}
        row |= {"track_id": int(spot["CELL_TRACK"])} if "CELL_TRACK" in spot else {}
        row |= {"centroid_y_px": y, "centroid_x_px": x}
        rows.append(row | {key.lower(): it for key, it in spot.items() if key not in held})
        contour = spot["contour"][:, ::-1] / scale[:2]
        if not len(contour):
            turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
            contour = np.stack([np.sin(turn), np.cos(turn)], axis=1) * (
                float(spot.get("RADIUS", 1)) / np.array(scale[:2])
            )
        rings.append(contour + np.array([y, x]))
    table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["frame", "label"], dtype=int)
    if not rows:
        table = table.assign(centroid_y_px=0.0, centroid_x_px=0.0)
    if table.duplicated(["frame", "label"]).any():
        table["label"] = np.arange(1, len(table) + 1)
    return table, rings


@dataclass(frozen=True, eq=False)
class _Drawn(Sequence[Any]):
    """Frames of filled contours.

    Attributes:
        size: Height and width.
        rings: The contour of every cell, (n, 2) y and x in pixels.
        numbers: (cells, 2), frame and label of each, in the same order.
        n_frames: How many frames there are.
    """

    size: tuple[int, int]
    rings: Sequence[NDArray[np.float64]]
    numbers: NDArray[np.int64]
    n_frames: int

    def __len__(self) -> int:
        return self.n_frames

    def __getitem__(self, frame: Any) -> Any:
        from skimage import draw

        if isinstance(frame, slice):
            return [self[at] for at in range(*frame.indices(self.n_frames))]
        if not -self.n_frames <= frame < self.n_frames:
            raise IndexError(frame)
        labels = np.zeros(self.size, np.int32)
        fill: Callable[..., Any] = draw.polygon
        for at in np.flatnonzero(self.numbers[:, 0] == frame % self.n_frames).tolist():
            rows, columns = fill(self.rings[at][:, 0], self.rings[at][:, 1], shape=self.size)
            labels[rows, columns] = self.numbers[at, 1]
        return labels
