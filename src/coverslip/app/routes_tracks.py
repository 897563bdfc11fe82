"""addresses of a film's tracks → the tracks, and a person's changes of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from coverslip.app.following import (
    change_tracks,
    corrected_tracks,
    track_picture,
    tracks_to_json,
)
from coverslip.app.routes_edits import Named
from coverslip.app.routes_images import Id, session_of

router = APIRouter(prefix="/api")
Cell = tuple[int, int]  # frame and label


class Link(Named):
    """A cell, and the same one in a later frame."""

    model_config = ConfigDict(populate_by_name=True)
    kind: Literal["link"]
    first: Cell = Field(alias="from")
    to: Cell


class Cut(Named):
    """A cell with which a new track begins."""

    kind: Literal["cut"]
    at: Cell


class Divide(Named):
    """A cell and its daughters."""

    kind: Literal["divide"]
    mother: Cell
    daughters: list[Cell] = Field(min_length=2, max_length=2)


class Swap(Named):
    """Two cells of a frame that exchange what follows."""

    kind: Literal["swap"]
    first: Cell
    second: Cell


Change = Annotated[Link | Cut | Divide | Swap, Field(discriminator="kind")]


@router.post("/images/{id}/track")
def post_track(request: Request, id: Id) -> dict[str, int]:
    """Track the cells of a film in the background."""
    session = session_of(request)
    picture = session.folder.picture(id)
    job = session.jobs.add("track", lambda job: track_picture(session, picture, job), image=id)
    return {"job": job.number}


@router.get("/images/{id}/tracks")
def get_tracks(request: Request, id: Id) -> dict[str, Any]:
    """The tracks of a film, and what to look at first."""
    session = session_of(request)
    return tracks_to_json(corrected_tracks(session, session.folder.picture(id)))


@router.post("/images/{id}/tracks/edits")
def post_change(request: Request, id: Id, change: Change) -> dict[str, Any]:
    """Change the tracks of a film; the answer is all of them anew."""
    session = session_of(request)
    picture = session.folder.picture(id)
    asked = change.model_dump(by_alias=True, exclude={"id"})
    change_tracks(session, picture, asked, id=change.id)
    return tracks_to_json(corrected_tracks(session, picture))
