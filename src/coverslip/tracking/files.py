"""a time-lapse of label files → tables of tracks and lineages, tracked labels and a record."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError
from coverslip.io import (
    Ledger,
    fingerprint,
    hash_content,
    remove_leftovers,
    write_labels,
    write_text,
    writing,
)
from coverslip.provenance import __version__, code_version
from coverslip.report import methods_to_text
from coverslip.tables import write_table
from coverslip.tracking.cells import find_cells
from coverslip.tracking.follow import Pixels, check_labels, track_cells, track_labels
from coverslip.tracking.images import add_intensity, open_film_images
from coverslip.tracking.kept import keep_work, remove_work
from coverslip.tracking.methods import describe_tracking
from coverslip.tracking.settings import TrackSettings
from coverslip.tracking.show import ShowSettings, TrackedView, describe_show, show_tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.tracking.cells import Cells
    from coverslip.tracking.films import Film
    from coverslip.tracking.kept import KeptWork
    from coverslip.tracking.lineage import Tracks

TRACKS, LINEAGE, LABELS, RECORD = "tracks.csv", "lineage.csv", "tracked_labels.tif", "track.json"
METHODS = "methods.txt"
MOST_UINT16 = 65_535
# Pixels of one number that spread more than this many times as far as an ellipse's are in pieces.
PARTED = 4


@dataclass(frozen=True)
class TrackedFilm:
    """A film that was tracked, and the folder of its results; no `tracks` if it was done before."""

    film: Film
    folder: Path
    tracks: Tracks | None


def track_film(
    film: Film,
    out: Path,
    *,
    settings: TrackSettings | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    show: ShowSettings | None = None,
    overwrite: bool = False,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> TrackedFilm:
    """Track the cells of a film, and write what was found.

    Args:
        film: Of labels, from `open_films`.
        out: The folder of the results: tracks.csv, lineage.csv, tracked_labels.tif, report.html,
            methods.txt, track.json.
        settings: None: the defaults.
        pixel_size_um: Height and width of a pixel; None: what the file says.
        frame_interval_s: From a frame to the next; None: what the file says.
        show: The images behind the labels, and what is made to look at; None: the page alone.
        overwrite: Do again what was done with the same labels and settings.
        on_frame: Called with each frame that is read or written: how many are, of how many.
        on_note: Called with every decision that the user should be told.

    Raises:
        FileError: A frame cannot be read, or a result not be written.
        DataError: Labels that cannot be tracked.
    """
    settings = settings or TrackSettings()
    size = pixel_size_um or film.pixel_size_um
    interval = frame_interval_s or film.frame_interval_s
    show = show or ShowSettings()
    images = None if show.images is None else open_film_images(show.images, film)
    key = _key(film, settings, size, interval) | {"show": describe_show(show, images)}
    if not overwrite and _is_done(out, key):
        remove_work(out)
        return TrackedFilm(film, out, None)
    for text in film.notes:
        on_note(text)
    work = keep_work(out, key)
    remove_leftovers(out)
    pixels = Pixels(film.__getitem__, None if images is None else images.__getitem__)
    total = 2 * film.n_frames
    cells = _find_all(pixels, film.n_frames, work, lambda done: on_frame(done, total))
    if are_masks(cells):
        on_note("every frame is a mask of one value: its connected pieces are taken for the cells")
        film = replace(film, are_masks=True)
        pixels = replace(pixels, labels_of=film.__getitem__)
        cells = [_find_in(pixels, number) for number in range(film.n_frames)]
    tracks = track_cells(
        cells,
        pixels,
        pixel_size_um=size,
        frame_interval_s=interval,
        settings=settings,
        work=work,
    )
    if not len(tracks.cells):
        remove_work(out)
        raise DataError(f"{film.name}: no cell in any of {film.n_frames} frames: nothing to track.")
    for text in tracks.notes:
        on_note(text)
    view = TrackedView(film, tracks, images, interval, [_describe(one) for one in tracks.mends])
    if images is not None:
        tracks = add_intensity(tracks, images, labels_of=view.labels_of)
        view = replace(view, tracks=tracks)
    methods = describe_tracking(tracks, settings, command=show.command, config=show.config)
    out.mkdir(parents=True, exist_ok=True)
    with writing(Ledger(out, sets_aside=True)):
        write_text(out / METHODS, methods_to_text(methods))
        _write(film, tracks, out, size=size, interval=interval, on_frame=on_frame)
        show_tracks(replace(view, methods=methods), out, settings=show)
        _write_record(film, tracks, out, key=key, size=size, interval=interval)
    remove_work(out)
    return TrackedFilm(film, out, tracks)


def _find_all(
    pixels: Pixels, n_frames: int, work: KeptWork, on_done: Callable[[int], None]
) -> list[Cells]:
    """Find the cells of every frame, or take those that were found before a run was killed."""
    cells: list[Cells] = []
    for run in work.runs(n_frames):
        cells += work.cells(run, lambda number: _find_in(pixels, number))
        for number in run:
            on_done(number + 1)
    return cells


def _find_in(pixels: Pixels, number: int) -> Cells:
    image = None if pixels.image_of is None else pixels.image_of(number)
    return find_cells(check_labels(pixels.labels_of(number), number), image=image)


def are_masks(frames: Sequence[Cells]) -> bool:
    """Whether a film holds one number alone, and so masks: a cell far larger than it is wide.

    A film of one cell is none: its pixels lie together, as the spread of them tells.
    """
    numbers = {int(label) for cells in frames for label in cells.label[:2]}
    if len(numbers) != 1 or len(frames) < 2:
        return False
    round_spread = [cells.area / (4 * np.pi) for cells in frames if len(cells)]
    spread = [np.sqrt(np.linalg.det(cells.spread)) for cells in frames if len(cells)]
    return bool(np.median(np.concatenate(spread) / np.concatenate(round_spread)) > PARTED)


def _write(
    film: Film,
    tracks: Tracks,
    out: Path,
    *,
    size: tuple[float, float] | None,
    interval: float | None,
    on_frame: Callable[[int, int], None],
) -> None:
    def frames() -> Iterator[NDArray[np.uint32]]:
        for number in range(film.n_frames):
            yield track_labels(tracks, film[number], number)
            on_frame(film.n_frames + number + 1, 2 * film.n_frames)

    write_table(out / TRACKS, tracks.cells)
    write_table(out / LINEAGE, tracks.lineage)
    write_labels(
        out / LABELS,
        frames(),
        shape=(film.n_frames, *film.size),
        axes="TYX",
        pixel_size_um=size,
        frame_interval_s=interval,
        dtype=np.uint16 if len(tracks.lineage) <= MOST_UINT16 else np.uint32,
    )


def _write_record(
    film: Film,
    tracks: Tracks,
    out: Path,
    *,
    key: dict[str, Any],
    size: tuple[float, float] | None,
    interval: float | None,
) -> None:
    """Write track.json, last of all: where it is, the rest is whole."""
    record = {
        "coverslip": __version__,
        "key": key,
        "labels": [None if path is None else str(path) for path in film.files],
        "n_frames": film.n_frames,
        "n_tracks": len(tracks.lineage),
        "n_divisions": int((tracks.lineage["fate"] == "divides").sum()),
        "pixel_size_um": size,
        "frame_interval_s": interval,
        "mends": [_describe(one) for one in tracks.mends],
        "notes": [*film.notes, *tracks.notes],
        "results": {name: hash_content(out / name) for name in _results(key)},
        **tracks.decisions,
    }
    write_text(out / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def _describe(mend: Any) -> dict[str, Any]:
    kind = type(mend).__name__.lower()
    names = ("frame", "label", "other", "new_label")
    return {"kind": kind} | {name: getattr(mend, name) for name in names if hasattr(mend, name)}


def _key(
    film: Film,
    settings: TrackSettings,
    size: tuple[float, float] | None,
    interval: float | None,
) -> dict[str, Any]:
    """What the results follow from: equal keys, equal results."""
    files = [None if path is None else fingerprint(path) for path in film.files]
    return {
        "code": code_version(),
        "labels": files,
        "settings": asdict(settings),
        "pixel_size_um": None if size is None else list(size),
        "frame_interval_s": interval,
    }


def _results(key: dict[str, Any]) -> list[str]:
    """The names of the files that a key gives, without its record."""
    return [TRACKS, LINEAGE, LABELS, METHODS, *key["show"]["files"]]


def _is_done(out: Path, key: dict[str, Any]) -> bool:
    """Whether the results of a key are there, and still what was written."""
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
        results = dict(record["results"])
        return record["key"] == key and all(
            hash_content(out / name) == results[name] for name in _results(key)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
