"""tracks of a film → report.html, figures for a paper, the film as MP4 and GIF."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.contours import labels_to_rings
from coverslip.io import fingerprint, write_bytes, write_text
from coverslip.provenance import __version__
from coverslip.report import FilmToShow, Methods, TracksToShow, track_report
from coverslip.report.values import count, percent, plural, significant
from coverslip.tracking.events import KINDS, find_events
from coverslip.tracking.follow import track_labels
from coverslip.tracking.statistics import (
    DoublingTime,
    count_cells,
    find_displacements,
    find_doubling_time,
    find_exponent,
    still_places,
    sum_drifts,
)
from coverslip.tracking.tree import colour_tracks, lay_out_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.tracking.films import Film
    from coverslip.tracking.images import FilmImages
    from coverslip.tracking.lineage import Tracks

REPORT, MP4, GIF = "report.html", "film.mp4", "film.gif"
TREE, WAYS = "lineage_tree", "trajectories"


@dataclass(frozen=True)
class ShowSettings:
    """What is made to look at.

    Attributes:
        images: The images that the labels are of, behind the outlines: a file or folder, or a file
            for each frame; None: none.
        figures: Lineage tree and trajectories as SVG and PDF.
        video: The film as MP4 and GIF.
        command: The command line that asked for it, to be shown.
        config: The same as a file of settings.
    """

    images: Path | tuple[Path, ...] | None = None
    figures: bool = False
    video: bool = False
    command: str = ""
    config: str = ""


@dataclass(frozen=True, eq=False)
class TrackedView:
    """A tracked film, as all that shows it needs it.

    Attributes:
        film: Of labels, open.
        tracks: What was found.
        images: Behind the labels; None: there are none.
        frame_interval_s: From a frame to the next, where known.
        mends: Of masks, as in `track.json`.
        methods: How it was tracked, in words for a paper; None: not shown.
    """

    film: Film
    tracks: Tracks
    images: FilmImages | None = None
    frame_interval_s: float | None = None
    mends: Sequence[Mapping[str, Any]] = ()
    methods: Methods | None = None

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """Of each track, its row in the tree."""
        return lay_out_tree(self.tracks.lineage)

    @cached_property
    def colours(self) -> NDArray[np.uint8]:
        """(n, 3), of each track."""
        return colour_tracks(self.tracks.lineage, self.rows)

    @cached_property
    def drifts(self) -> NDArray[np.float64]:
        """(T - 1, 2), by how much the view moved from each frame to the next."""
        return np.asarray(self.tracks.decisions.get("drift_px", ()), dtype=float).reshape(-1, 2)

    @property
    def frame_interval_h(self) -> float | None:
        """Hours from a frame to the next, where known."""
        return None if self.frame_interval_s is None else self.frame_interval_s / 3600

    @property
    def pixel_size_um(self) -> tuple[float, float] | None:
        """Height and width of a pixel, as the table in micrometres was made with, where known."""
        if "centroid_y_um" not in self.tracks.cells:
            return None
        sides = []
        for axis in ("y", "x"):
            px, um = (self.tracks.cells[f"centroid_{axis}_{unit}"] for unit in ("px", "um"))
            far = int(np.argmax(px.to_numpy()))
            sides.append(float(um.iloc[far] / px.iloc[far]) if px.iloc[far] > 0 else 1.0)
        return sides[0], sides[1]

    def labels_of(self, frame: int) -> NDArray[np.uint32]:
        """The labels of a frame, each the number of its track."""
        return track_labels(self.tracks, self.film[frame], frame)


def show_tracks(view: TrackedView, out: Path, *, settings: ShowSettings) -> None:
    """Write the page of a tracked film, and what else was asked for.

    Raises:
        FileError: A file cannot be written.
        SettingsError: The video needs a package that is not there.
    """
    write_text(out / REPORT, _write_page(view))
    if settings.figures:
        _write_figures(view, out)
    if settings.video:
        from coverslip.tracking.video import make_gif, make_mp4

        write_bytes(out / MP4, make_mp4(view))
        write_bytes(out / GIF, make_gif(view))


def describe_show(settings: ShowSettings, images: FilmImages | None) -> dict[str, Any]:
    """What the files of `show_tracks` follow from, and their names: equal, equal files."""
    figures = [f"{name}.{form}" for name in (TREE, WAYS) for form in ("svg", "pdf")]
    files = [
        REPORT,
        *(figures if settings.figures else []),
        *((MP4, GIF) if settings.video else ()),
    ]
    if images is None:
        return {"images": None, "files": files}
    paths = dict.fromkeys(place[0].path for place in images.files if place is not None)
    return {"images": [list(fingerprint(path)) for path in paths], "files": files}


def _write_page(view: TrackedView) -> str:
    tracks = view.tracks
    events = find_events(tracks.cells, tracks.lineage, mends=view.mends)
    moved = find_displacements(tracks.cells, view.drifts, pixel_size_um=view.pixel_size_um)
    counts = count_cells(tracks.cells, tracks.n_frames)
    film = FilmToShow(
        name=view.film.name,
        size=view.film.size,
        rings_of=lambda frame: labels_to_rings(view.labels_of(frame)),
        picture_of=None if view.images is None else view.images.picture,
        frame_interval_h=view.frame_interval_h,
    )
    found = TracksToShow(
        cells=tracks.cells,
        lineage=tracks.lineage,
        rows=view.rows,
        colours=view.colours,
        drift=sum_drifts(view.drifts, tracks.n_frames),
        counts=counts,
        events=events.assign(title=events["kind"].map(KINDS)),
        displacements=moved,
        tiles=_tiles(view, counts, moved),
        notes=[f"{text[0].upper()}{text[1:]}." for text in (*view.film.notes, *tracks.notes)],
    )
    return track_report(film, found, version=__version__, methods=view.methods)


def _tiles(
    view: TrackedView, counts: NDArray[np.int64], moved: pd.DataFrame
) -> list[tuple[str, str, str]]:
    """The few numbers that tell of the whole film: name, value and detail."""
    lineage = view.tracks.lineage
    divisions = int((lineage["fate"] == "divides").sum())
    families = lineage["lineage_id"].nunique()
    area = view.tracks.cells["area_px"].sum() / (view.film.n_frames * np.prod(view.film.size))
    exponent = find_exponent(moved)
    value, detail = say_doubling(find_doubling_time(lineage, counts), view.frame_interval_h)
    return [
        ("Cells", f"{count(counts[0])} → {count(counts[-1])}", f"in {len(counts)} frames"),
        ("Tracks", count(len(lineage)), f"families: {count(families)}"),
        ("Divisions", count(divisions), plural(int(lineage["generation"].max()), "generation")),
        ("Doubling time", value, detail),
        ("Confluence", percent(float(area)), "mean of all frames"),
        ("Exponent of motion", "–" if np.isnan(exponent) else f"{exponent:.2f}",
         "1: random, 2: straight"),
    ]  # fmt: skip


def say_doubling(found: DoublingTime | None, frame_interval_h: float | None) -> tuple[str, str]:
    """A doubling time and its interval in words."""
    if found is None:
        return "–", "fewer than two frames with cells"
    unit = "h" if frame_interval_h else "frames"
    factor = frame_interval_h or 1
    if not found.n_divisions:
        return "–", f"no division was seen; 95 %: {significant(found.low * factor)} {unit} or more"
    interval = f"{significant(found.low * factor)} to {significant(found.high * factor)}"
    of = f"of {plural(found.n_divisions, 'division')}; 95 % interval: {interval}"
    return f"{significant(found.frames * factor)} {unit}", of


def _write_figures(view: TrackedView, out: Path) -> None:
    from coverslip.figures import figure_to_bytes
    from coverslip.figures.tracks import lineage_tree_figure, trajectories_figure

    lineage, cells = view.tracks.lineage, view.tracks.cells
    tree = lineage_tree_figure(
        lineage, rows=view.rows, colours=view.colours, frame_interval_h=view.frame_interval_h
    )
    places = still_places(cells, view.drifts)
    ways = trajectories_figure(cells, places=places, colours=view.colours)
    for name, figure in ((TREE, tree), (WAYS, ways)):
        for form in ("svg", "pdf"):
            write_bytes(out / f"{name}.{form}", figure_to_bytes(figure, form=form))
