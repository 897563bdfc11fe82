"""addresses of the folder's images → lists, tiles and labels."""

from __future__ import annotations

import gzip
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from coverslip.app.journal import Box, check_box
from coverslip.app.pictures import TILE_PX, n_levels
from coverslip.app.segmenting import rank_pictures
from coverslip.app.session import Session, finished_marks
from coverslip.errors import DataError, StoppedError

router = APIRouter(prefix="/api")
Id = Annotated[str, Path(pattern="^[0-9a-f]{12}$")]
Number = Annotated[int, Path(ge=0, le=2**31)]


def session_of(request: Request) -> Session:
    """The session that a request is for."""
    session: Session = request.app.state.session
    return session


@router.get("/folder")
def get_folder(request: Request, order: str = "name") -> dict[str, Any]:
    """The images of the folder, by their names or the most doubtful first."""
    session = session_of(request)
    if order not in ("name", "doubt"):
        raise DataError(f"no order {order!r}: wanted name or doubt.")
    entries = [session.entry(picture) for picture in session.folder.scan()]
    if order == "doubt":
        begin_ranking(session)
        last = len(entries) + 1
        ranks = {id: doubt.rank for id, doubt in session.doubts.items()}
        entries.sort(key=lambda entry: ranks.get(entry["id"], last))
    return {
        "folder": str(session.folder.path),
        "out": str(session.folder.out),
        "notes": [*session.folder.notes, *session.notes],
        "model": session.model,
        "image_count": len(entries),
        "images": entries,
    }


def begin_ranking(session: Session) -> None:
    """Have the images looked at, where that was not done yet."""
    is_asked = any(job.kind == "suggest" and not job.is_over.is_set() for job in session.jobs.all())
    if not session.doubts and not is_asked:
        session.jobs.add("suggest", lambda job: rank_pictures(session, job))


@router.get("/images/{id}")
def get_image(request: Request, id: Id) -> dict[str, Any]:
    """What is known of an image."""
    session = session_of(request)
    picture = session.folder.picture(id)
    file = picture.file
    return {
        **session.entry(picture),
        "axes": file.frame_axes,
        "pixel_size_um": file.pixel_size_um,
        "frame_interval_s": file.frame_interval_s,
        "channel": picture.channel,
        "finished": finished_marks(session.corrections.journal(picture).entries),
        "levels": n_levels(file.frame_shape),
        "tile": TILE_PX,
    }


@router.get("/images/{id}/thumbnail.png")
def get_thumbnail(request: Request, id: Id) -> Response:
    """A small picture of an image."""
    session = session_of(request)
    data = session.pictures.thumbnail(session.folder.picture(id))
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=60"})


@router.get("/images/{id}/frames/{frame}/tiles/{level}/{row}/{column}.png")
def get_tile(
    request: Request,
    id: Id,
    frame: Number,
    level: Number,
    row: Number,
    column: Number,
    channel: int | None = None,
) -> Response:
    """A tile of a frame; level 0 is full resolution, each further one half of it."""
    session = session_of(request)
    picture = session.folder.picture(id)
    chosen = picture.channel if channel is None else channel
    data = session.pictures.tile(picture, frame, chosen, (level, row, column))
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})


@router.get("/images/{id}/frames/{frame}/labels")
def get_labels(
    request: Request,
    id: Id,
    frame: Number,
    window: Annotated[str | None, Query(max_length=80)] = None,
) -> Response:
    """The labels of a frame, or of a window of it: rows of little-endian uint32."""
    session = session_of(request)
    picture = session.folder.picture(id)
    corrections = session.corrections
    with corrections.lock:
        held = corrections.frame(picture, frame)
        box = parse_window(window, picture.file.frame_shape)
        labels = held.labels[box.slices].copy()
        headers = {
            "X-Next-Label": str(held.next_label),
            "X-Edit": str(held.edit),
            "X-Cells": str(held.n_cells),
        }
    return send_labels(request, labels, headers)


def parse_window(text: str | None, shape: tuple[int, int]) -> Box:
    """A window as it stands in an address; all of the frame where none does."""
    return Box(0, 0, *shape) if text is None else check_box(text.split(","), shape)


def send_labels(request: Request, labels: Any, headers: dict[str, str]) -> Response:
    """Labels as rows of little-endian uint32, packed where the other side can unpack them."""
    data = np.ascontiguousarray(labels, dtype="<u4").tobytes()
    headers = {**headers, "X-Shape": f"{labels.shape[0]},{labels.shape[1]}"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        data, headers = gzip.compress(data, 1), {**headers, "Content-Encoding": "gzip"}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/events")
def get_events(request: Request) -> StreamingResponse:
    """A stream of events: "job", "edit", "images" that changed, sentences as "note"."""
    events = session_of(request).events
    listener = events.listen()
    if listener is None:
        raise StoppedError("too many pages are open: close some.")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        events.stream(listener), media_type="text/event-stream", headers=headers
    )
