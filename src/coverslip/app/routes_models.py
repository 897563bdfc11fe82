"""addresses of models, previews and jobs → what a network finds, and work in the background."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from coverslip.app.kept_labels import ACCEPT
from coverslip.app.learning import train_model
from coverslip.app.routes_edits import Named
from coverslip.app.routes_images import Id, Number, parse_window, send_labels, session_of
from coverslip.app.segmenting import Choice, segment_pictures
from coverslip.app.session import Session
from coverslip.app.warm import AUTO, describe_models, preview_headers
from coverslip.segmentation import Window

router = APIRouter(prefix="/api")
Name = Annotated[str, Field(min_length=1, max_length=64)]
Size = Annotated[float, Field(gt=0, le=10_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class Wanted(Named):
    """How an image is to be segmented; what is left out is the model's own."""

    model: Name = AUTO
    cell_size: Size | None = None
    threshold: Share | None = None

    def choice(self) -> Choice:
        """The same for a job."""
        return Choice(self.model, self.cell_size, self.threshold)


class Several(Wanted):
    """Which images too; None: all."""

    images: list[str] | None = None


@router.get("/models")
def get_models(request: Request) -> list[dict[str, Any]]:
    """The models that ship, and those that were trained here."""
    return describe_models(session_of(request).warm)


class Chosen(BaseModel):
    """The name of a model."""

    name: Name


@router.post("/model")
def post_model(request: Request, wanted: Chosen) -> dict[str, str]:
    """Choose the model for new images."""
    session = session_of(request)
    if wanted.name != AUTO:
        session.warm.open(wanted.name)
    session.chosen = wanted.name
    return {"model": session.model}


@router.post("/images/{id}/frames/{frame}/preview")
def post_preview(
    request: Request,
    id: Id,
    frame: Number,
    wanted: Wanted,
    window: Annotated[str | None, Query(max_length=80)] = None,
) -> Response:
    """What a model finds in a frame, or in a window of it; nothing is written."""
    session = session_of(request)
    picture = session.folder.picture(id)
    maps = session.warm.maps(picture, frame, model=wanted.model, cell_size=wanted.cell_size)
    box = parse_window(window, picture.file.frame_shape)
    labels = maps.labels(wanted.threshold, box.slices)
    return send_labels(request, labels, preview_headers(maps, labels, wanted.threshold))


@router.post("/images/{id}/frames/{frame}/accept")
def post_accept_frame(request: Request, id: Id, frame: Number, wanted: Wanted) -> dict[str, Any]:
    """Take what a model finds in a frame; it can be undone."""
    return accept(session_of(request), id, frame, wanted)


@router.post("/images/{id}/accept")
def post_accept(request: Request, id: Id, wanted: Wanted) -> dict[str, Any]:
    """The same for the first frame of an image."""
    return accept(session_of(request), id, 0, wanted)


def accept(session: Session, id: str, frame: int, wanted: Wanted) -> dict[str, Any]:
    """Put what a model finds in the place of a frame's labels."""
    picture = session.folder.picture(id)
    maps = session.warm.maps(picture, frame, model=wanted.model, cell_size=wanted.cell_size)
    labels = maps.labels(wanted.threshold).astype(np.uint32)
    reply = session.corrections.edit(
        picture,
        frame,
        kind=ACCEPT,
        make=lambda held: Window(0, 0, labels),
        id=wanted.id,
        message=f"{int(labels.max(initial=0))} cells found by {maps.model}",
    )
    return session.told(reply)


@router.post("/segment")
def post_segment(request: Request, wanted: Several) -> dict[str, int]:
    """Segment images in the background; corrected ones stay as they are."""
    session = session_of(request)
    pictures = session.folder.scan()
    if wanted.images is not None:
        pictures = [session.folder.picture(id) for id in wanted.images]
    choice = wanted.choice()
    job = session.jobs.add("segment", lambda job: segment_pictures(session, pictures, choice, job))
    return {"job": job.number}


class Train(BaseModel):
    """What to train: from which model, and for how long."""

    model_config = ConfigDict(populate_by_name=True)
    start: Name = Field(default=AUTO, alias="from")
    minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 10.0


@router.post("/train")
def post_train(request: Request, wanted: Train) -> dict[str, int]:
    """Train a model on the finished frames, in the background."""
    session = session_of(request)
    start, minutes = wanted.start, wanted.minutes
    job = session.jobs.add("train", lambda job: train_model(session, start, minutes, job))
    return {"job": job.number}


@router.get("/jobs")
def get_jobs(request: Request) -> list[dict[str, Any]]:
    """All jobs that can be asked for."""
    return [job.to_json() for job in session_of(request).jobs.all()]


@router.get("/jobs/{number}")
def get_job(request: Request, number: Number) -> dict[str, Any]:
    """How far a job is."""
    return session_of(request).jobs.get(number).to_json()


@router.post("/jobs/{number}/stop")
def post_stop(request: Request, number: Number) -> dict[str, Any]:
    """Stop a job; what it has done is kept."""
    return session_of(request).jobs.stop(number).to_json()
