"""tracks of a time-lapse → one HTML page: a film that plays, its lineage tree, curves, doubts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.report.cells import escape_json
from coverslip.report.chart import Chart, draw_chart
from coverslip.report.film import choose_frames, encode_outlines, most_points, picture_uri
from coverslip.report.html import render
from coverslip.report.images import pick_frames
from coverslip.report.page import read_assets
from coverslip.report.values import count, percent, plural, significant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from markupsafe import Markup
    from numpy.typing import NDArray

    from coverslip.report.methods import Methods

STYLES = ("style.css", "track.css")
SCRIPTS = ("dom", "zoom", "scale_bar", "play", "tips", "track_data", "track_film",
           "track_tree", "track_curves", "track_start")  # fmt: skip

# A page's tree shows so many tracks at most, those of the largest families.
MOST_BRANCHES = 3000
MOST_EVENTS = 200
MOST_WAYS = 600
ROSE_PX = 220


@dataclass(frozen=True, eq=False)
class FilmToShow:
    """The frames of a film.

    Attributes:
        name: Heading of the page.
        size: Height and width, pixels.
        rings_of: Gives the rings of a frame's cells by the numbers of their tracks, (n, 2) corners,
            y and x.
        picture_of: Gives a frame's (H, W) or (H, W, 3) uint8 picture, or None of a frame
            whose image is missing; None: there are none.
        frame_interval_h: Hours from a frame to the next, where known.
    """

    name: str
    size: tuple[int, int]
    rings_of: Callable[[int], Mapping[int, Sequence[NDArray[Any]]]]
    picture_of: Callable[[int], NDArray[np.uint8] | None] | None = None
    frame_interval_h: float | None = None


@dataclass(frozen=True, eq=False)
class TracksToShow:
    """What was found.

    Attributes:
        cells, lineage: The tables of cells and frames, and of tracks.
        rows: (n,) of each track, its row in the tree.
        colours: (n, 3) uint8 of each track.
        drift: (T, 2), by how much the view has moved since the first frame.
        counts: (T,) cells in each frame.
        events: What to look at first: `kind`, `frame`, `track_id`, `text`, in order.
        displacements: Mean squared displacement: `lag`, `msd_px2` or `msd_um2`, `n`.
        tiles: Numbers of the whole film: name, value and detail.
        notes: What the reader should know.
    """

    cells: pd.DataFrame
    lineage: pd.DataFrame
    rows: NDArray[np.float64]
    colours: NDArray[np.uint8]
    drift: NDArray[np.float64]
    counts: NDArray[np.int64]
    events: pd.DataFrame
    displacements: pd.DataFrame
    tiles: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def track_report(
    film: FilmToShow, tracks: TracksToShow, *, version: str, methods: Methods | None = None
) -> str:
    """Write the page of a tracked film.

    Args:
        film: Its frames.
        tracks: What was found in them.
        version: Of coverslip.
        methods: How it was tracked, in words for a paper; None: not shown.

    Returns:
        HTML5, with all that it plays inside: nothing is loaded.
    """
    shown = choose_frames(tracks.counts.tolist())
    notes = [*tracks.notes, *_say_thinned(shown, tracks)]
    page = render(
        "track.html.j2",
        title=film.name,
        version=version,
        methods=methods,
        **read_assets(STYLES, SCRIPTS),
        tiles=tracks.tiles,
        notes=notes,
        events=tracks.events.head(MOST_EVENTS).to_dict("records"),
        n_events=len(tracks.events),
        charts=_charts(film, tracks),
        rose=_rose(tracks),
        data=_data(film, tracks, shown),
    )
    return f"{page}\n"


def _say_thinned(shown: list[int], tracks: TracksToShow) -> list[str]:
    said = []
    if len(shown) < len(tracks.counts):
        said.append(
            f"The film is large: the player shows {count(len(shown))} of its "
            f"{count(len(tracks.counts))} frames, evenly spread. The tables have all."
        )
    if len(tracks.lineage) > MOST_BRANCHES:
        said.append(
            f"The tree shows the largest families, {count(MOST_BRANCHES)} tracks at most of "
            f"{count(len(tracks.lineage))}."
        )
    if len(tracks.events) > MOST_EVENTS:
        said.append(f"The first {MOST_EVENTS} of {count(len(tracks.events))} events are listed.")
    return said


def _data(film: FilmToShow, tracks: TracksToShow, shown: list[int]) -> Markup:
    """All that the script needs, as JSON."""
    points = most_points(int(tracks.counts[shown].sum()))
    height, width = film.size
    pictures = []
    if film.picture_of is not None:
        for picture in map(film.picture_of, shown):
            uri = "" if picture is None else picture_uri(picture, n_pictures=len(shown))
            pictures.append(uri)
    contents = {
        "width": width,
        "height": height,
        "nFrames": len(tracks.counts),
        "shown": shown,
        "hours": film.frame_interval_h,
        "um": _pixel_um(tracks.cells),
        "outlines": [encode_outlines(film.rings_of(t), points=points) for t in shown],
        "pictures": pictures,
        "drift": _rounded(tracks.drift),
        "tracks": _branches(tracks),
        "cells": _cells(tracks.cells, shown),
        "events": tracks.events.head(MOST_EVENTS)[["frame", "track_id"]].to_numpy().tolist(),
    }
    return escape_json(json.dumps(contents, separators=(",", ":"), allow_nan=False))


def _pixel_um(cells: pd.DataFrame) -> float | None:
    """The side of a pixel, by an area in both units; None where it is not known."""
    if "area_um2" not in cells or not cells["area_px"].sum():
        return None
    side = float(np.sqrt(cells["area_um2"].sum() / cells["area_px"].sum()))
    return float(f"{side:.4g}") if 0 < side < np.inf else None


def _branches(tracks: TracksToShow) -> dict[str, Any]:
    lineage = tracks.lineage
    names = ("begin_frame", "end_frame", "parent_track_id", "lineage_id", "generation", "fate")
    return {name: lineage[name].tolist() for name in names} | {
        "row": _rounded(choose_rows(lineage["lineage_id"].to_numpy(), tracks.rows)),
        "colour": ["#{:02x}{:02x}{:02x}".format(*one) for one in tracks.colours.tolist()],
    }


def choose_rows(
    families: NDArray[Any], rows: NDArray[np.float64], *, most: int = MOST_BRANCHES
) -> NDArray[np.float64]:
    """Keep the rows of the largest families alone, closed up; the tracks of the others get -1."""
    numbers, which, sizes = np.unique(families, return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    kept = np.zeros(len(numbers), dtype=bool)
    kept[order] = np.cumsum(sizes[order]) <= most
    is_leaf_row = np.unique(np.floor(rows[~kept[which]]).astype(int))
    shift = np.searchsorted(is_leaf_row, rows)
    return np.where(kept[which], rows - shift, -1.0)


def _cells(cells: pd.DataFrame, shown: list[int]) -> dict[str, Any]:
    """The cells of the frames that are shown, ascending by track and frame."""
    table = cells[cells["frame"].isin(shown)].sort_values(["track_id", "frame"], kind="stable")
    found: dict[str, Any] = {
        "track": table["track_id"].tolist(),
        "frame": table["frame"].tolist(),
        "y": _rounded(table["centroid_y_px"].to_numpy()),
        "x": _rounded(table["centroid_x_px"].to_numpy()),
    }
    curves = {
        "area": ("area_um2", "µm²") if "area_um2" in table else ("area_px", "px²"),
        "speed": ("speed_um_per_h", "µm/h")
        if "speed_um_per_h" in table
        else ("speed_px_per_frame", "px/frame"),
        "intensity": ("intensity_mean", ""),
    }
    found["curves"] = [
        {"name": name, "unit": unit, "values": _rounded(table[column].to_numpy(), digits=4)}
        for name, (column, unit) in curves.items()
        if column in table
    ]
    return found


def _rounded(values: NDArray[Any], *, digits: int | None = None) -> list[Any]:
    """Numbers with one decimal, or so many figures; None where there is none."""
    if values.ndim == 2:
        return [_rounded(row) for row in values]
    if digits is None:
        return [None if np.isnan(v) else round(v, 2) for v in values.astype(float).tolist()]
    return [
        None if not np.isfinite(v) else float(f"{v:.{digits}g}")
        for v in values.astype(float).tolist()
    ]


def _charts(film: FilmToShow, tracks: TracksToShow) -> list[Markup]:
    frames = np.arange(len(tracks.counts))
    hours = film.frame_interval_h
    x = (frames * hours if hours else frames).tolist()
    names = [f"Frame {t}" for t in frames]
    label = "time (h)" if hours else "frame"
    area = np.bincount(
        tracks.cells["frame"], weights=tracks.cells["area_px"], minlength=len(frames)
    )
    share = (area / (film.size[0] * film.size[1])).tolist()
    charts = [
        Chart("Cells", x, label, tracks.counts.tolist(), names, count, "count"),
        Chart("Confluence", x, label, share, names, percent, "confluence"),
    ]
    moved = tracks.displacements
    if len(moved):
        name, unit = ("msd_um2", "µm²") if "msd_um2" in moved else ("msd_px2", "px²")
        charts.append(
            Chart(
                f"Mean squared displacement ({unit})",
                (moved["lag"] * (hours or 1)).tolist(),
                "time between (h)" if hours else "frames between",
                moved[name].tolist(),
                [
                    f"{plural(lag, 'frame')}, {plural(n, 'way')}"
                    for lag, n in zip(moved["lag"], moved["n"], strict=True)
                ],
                lambda value: f"{significant(value)} {unit}",
                "msd",
            )
        )
    return [draw_chart(chart) for chart in charts]


def _rose(tracks: TracksToShow) -> dict[str, Any] | None:
    """The ways of tracks from one origin: lines in a square, and the radius of its rings."""
    cells = tracks.cells.sort_values(["track_id", "frame"], kind="stable")
    frames, ids = cells["frame"].to_numpy(), cells["track_id"].to_numpy()
    places = cells[["centroid_y_px", "centroid_x_px"]].to_numpy(float) - tracks.drift[frames]
    cuts = np.flatnonzero(np.diff(ids)) + 1
    ways = [(int(i[0]), p - p[0]) for i, p in zip(np.split(ids, cuts), np.split(places, cuts),
                                                  strict=True) if len(p) > 1]  # fmt: skip
    if not ways:
        return None
    ways = [ways[n] for n in pick_frames(len(ways), most=MOST_WAYS)]
    reach = max(float(np.hypot(*way.T).max()) for _, way in ways) or 1.0
    scale = (ROSE_PX / 2 - 12) / reach
    lines = [
        (
            track,
            "#{:02x}{:02x}{:02x}".format(*tracks.colours[track - 1].tolist()),
            " ".join(
                f"{ROSE_PX / 2 + scale * x:.1f},{ROSE_PX / 2 + scale * y:.1f}" for y, x in way
            ),
        )
        for track, way in ways
    ]
    return {"side": ROSE_PX, "lines": lines, "reach": significant(reach),
            "rings": [scale * reach * n / 2 for n in (1, 2)]}  # fmt: skip
