"""a film's labels → tracks, as `coverslip track` finds them, and what a person corrects of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from coverslip.errors import DataError, FileError
from coverslip.io import Ledger, write_text, writing
from coverslip.tables import write_table
from coverslip.tracking import (
    ShowSettings,
    Tracks,
    correct_tracks,
    find_events,
    open_films,
    open_frames,
    read_tracks,
    track_film,
)

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.app.folder import Picture
    from coverslip.app.jobs import Job
    from coverslip.app.session import Session

KIND = "tracks"
CORRECTED = "corrected"  # the folder of the corrected tables, in that of the tracks


def tracks_folder(picture: Picture) -> Path:
    """Where the tracks of a film are."""
    return picture.target.folder / "tracks" / picture.target.name


def track_picture(session: Session, picture: Picture, job: Job) -> None:
    """Track the cells of a film, by its labels as they are now.

    Raises:
        DataError: it is no film, or has no labels.
        StoppedError: it was stopped.
    """
    n_frames = picture.file.n_frames
    if n_frames < 2:
        raise DataError(f"{picture.name}: has one frame, and a film is wanted.")
    session.corrections.save_all()
    files = list(dict.fromkeys(picture.label_file(frame)[0] for frame in range(n_frames)))
    if not all(path.exists() for path in files):
        raise DataError(f"{picture.name}: has no labels yet: segment it first.")
    film = open_frames(picture.target.name, files) if len(files) > 1 else open_films(files)[0]
    with film:
        track_film(
            film,
            tracks_folder(picture),
            show=ShowSettings(images=(picture.path,)),
            frame_interval_s=picture.file.frame_interval_s,
            on_frame=lambda done, total: job.step(done, total, f"tracking {picture.name}"),
        )
    job.done = job.total
    tracks = corrected_tracks(session, picture)
    job.message = "no tracks" if tracks is None else repr(tracks).removeprefix("Tracks")
    session.events.send("images", {})


def changes_of(session: Session, picture: Picture) -> list[dict[str, Any]]:
    """What a person changed of an image's tracks and did not undo, in its order."""
    corrections = session.corrections
    with corrections.lock:
        live = {edit for edit, key in corrections.done if key == picture.id}
        return [
            entry["change"]
            for entry in corrections.journal(picture).numbered()
            if entry.get("kind") == KIND and entry["edit"] in live
        ]


def corrected_tracks(session: Session, picture: Picture) -> Tracks | None:
    """The tracks of a film with all that a person changed; None where there are none.

    Changes that name cells which are no longer there, since labels were changed, are passed over.

    Raises:
        FileError: the tables of the tracks cannot be read.
    """
    try:
        tracks = read_tracks(tracks_folder(picture))
    except FileError:
        if (tracks_folder(picture) / "tracks.csv").exists():
            raise
        return None
    good: list[dict[str, Any]] = []
    try:
        return correct_tracks(tracks, changes_of(session, picture))
    except DataError:
        for change in changes_of(session, picture):
            try:
                correct_tracks(tracks, [*good, change])
            except DataError:
                continue
            good.append(change)
        return correct_tracks(tracks, good)


def change_tracks(
    session: Session, picture: Picture, change: dict[str, Any], *, id: str | None
) -> None:
    """Keep a change of tracks, after looking whether it can be made.

    Raises:
        DataError: it cannot be made, or nothing was tracked.
    """
    if id is not None and id in session.corrections.ids:
        return
    tracks = corrected_tracks(session, picture)
    if tracks is None:
        raise DataError(f"{picture.name}: is not tracked yet.")
    correct_tracks(tracks, [change])
    entry = {"kind": KIND, "frame": -1, "change": change, "id": id}
    session.corrections.note(picture, entry, undoable=True)
    write_corrected(session, picture)


def write_corrected(session: Session, picture: Picture) -> None:
    """Write the corrected tracks beside those that were found.

    Raises:
        FileError: a table cannot be written.
    """
    tracks = corrected_tracks(session, picture)
    if tracks is None:
        return
    folder = tracks_folder(picture) / CORRECTED
    folder.mkdir(parents=True, exist_ok=True)
    with writing(Ledger(folder, sets_aside=True)):
        write_table(folder / "tracks.csv", tracks.cells)
        write_table(folder / "lineage.csv", tracks.lineage)
        facts = {"n_frames": tracks.n_frames, "corrected": len(changes_of(session, picture))}
        write_text(folder / "track.json", json.dumps(facts))


def tracks_to_json(tracks: Tracks | None) -> dict[str, Any]:
    """Tracks and what a person should look at first, as a page gets them."""
    if tracks is None:
        return {"tracked": False, "tracks": [], "events": []}
    names = ("frame", "label", "centroid_y_px", "centroid_x_px")
    places: dict[int, list[list[float]]] = {}
    columns = [tracks.cells[name].tolist() for name in ("track_id", *names)]
    at: dict[tuple[int, int], tuple[float, float]] = {}
    for track, frame, label, y, x in zip(*columns, strict=True):
        places.setdefault(track, []).append([frame, label, round(y, 2), round(x, 2)])
        at[frame, track] = y, x
    keys = ("track_id", "parent_track_id", "begin_frame", "end_frame", "fate")
    rows = [
        {**dict(zip(keys, values, strict=True)), "cells": places.get(values[0], [])}
        for values in zip(*(tracks.lineage[key].tolist() for key in keys), strict=True)
    ]
    events = []
    for one in find_events(tracks.cells, tracks.lineage).to_dict("records"):
        y, x = at.get((one["frame"], one["track_id"]), (None, None))
        events.append({**{str(key): value for key, value in one.items()}, "y": y, "x": x})
    return {"tracked": True, "tracks": rows, "events": events}
