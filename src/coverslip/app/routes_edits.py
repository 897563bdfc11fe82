"""strokes of a page → corrected labels: brush, delete, merge, split, draw, fill, undo and redo."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from coverslip.app.corrections import Corrections
from coverslip.app.folder import Picture
from coverslip.app.following import write_corrected
from coverslip.app.frame_labels import FrameLabels, Reply
from coverslip.app.journal import check_box, unpack
from coverslip.app.routes_images import Id, Number, session_of
from coverslip.app.session import Session
from coverslip.app.warm import Maps
from coverslip.errors import DataError
from coverslip.segmentation import (
    Window,
    delete_cells,
    draw_cell,
    fill_cell,
    grow_cell,
    merge_cells,
    split_cell,
)

router = APIRouter(prefix="/api")
Label = Annotated[int, Field(ge=1, le=2**32 - 2)]
Point = tuple[
    Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)],
    Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)],
]
Points = Annotated[list[Point], Field(min_length=1, max_length=100_000)]
Numbers = Annotated[list[Label], Field(min_length=1, max_length=1_000_000)]
Corners = tuple[int, int, int, int]
KEEP = 2**32 - 1  # in a patch: the pixel stays as it is
MOST_NEW = 2**31  # numbers of cells that a page may give; ours go on from there


class Named(BaseModel):
    """What every change may say: a name of its own, so that it is not done twice."""

    id: Annotated[str | None, Field(max_length=64)] = None


class Seen(Named):
    """What every edit may say: the number of the last edit that the page has seen."""

    edit: int | None = Field(default=None, ge=0)


class Patch(Seen):
    """What a brush or an eraser has drawn.

    Pixels of `KEEP` stay as they are. `new` is the number of a cell that the stroke begins: where
    another page has taken it meanwhile, the cell gets the next free one.
    """

    kind: Literal["patch"]
    window: Corners
    labels: str
    new: Label | None = None


class Delete(Seen):
    """Cells that go."""

    kind: Literal["delete"]
    labels: Numbers


class Merge(Seen):
    """Cells that become one."""

    kind: Literal["merge"]
    labels: Numbers


class Split(Seen):
    """A cell and the line that cuts it."""

    kind: Literal["split"]
    label: Label
    line: Points


class Outline(Seen):
    """The outline of a cell; without a label, of a new one."""

    kind: Literal["outline"]
    points: Points
    label: Label | None = None


class Fill(Seen):
    """A cell whose holes are filled."""

    kind: Literal["fill"]
    label: Label


class Magic(Seen):
    """A click at which the network is asked for a cell."""

    kind: Literal["magic"]
    point: tuple[int, int]


Edit = Annotated[
    Patch | Delete | Merge | Split | Outline | Fill | Magic, Field(discriminator="kind")
]


@router.post("/images/{id}/frames/{frame}/edits")
def post_edit(request: Request, id: Id, frame: Number, edit: Edit) -> dict[str, Any]:
    """Change the labels of a frame; what came of it is on the disk before this returns."""
    session = session_of(request)
    picture = session.folder.picture(id)
    picture.check_frame(frame)
    maps = session.warm.looked(picture, frame) if isinstance(edit, Magic) else None
    return session.told(apply(session.corrections, picture, frame, edit, maps=maps))


def apply(
    corrections: Corrections,
    picture: Picture,
    frame: int,
    edit: Any,
    *,
    maps: Maps | None,
) -> Reply:
    """Do what a page asks for; `maps` are what a network says of the frame, for the magic tool."""

    def make(held: FrameLabels) -> Window:
        labels = held.labels
        match edit:
            case Patch():
                return merge_patch(corrections, picture, frame, edit)
            case Delete():
                return delete_cells(labels, edit.labels)
            case Merge():
                return merge_cells(labels, edit.labels)
            case Split():
                return split_cell(labels, edit.label, edit.line, next_label=held.next_label)
            case Outline():
                return draw_cell(labels, edit.points, number=edit.label or held.next_label)
            case Magic() if maps is not None:
                at = check_point(edit.point, labels.shape)
                number, reach = held.next_label, maps.reach_px
                return grow_cell(labels, at, maps.by_name, number=number, reach_px=reach)
            case _:
                return fill_cell(labels, edit.label)

    return corrections.edit(picture, frame, kind=edit.kind, make=make, id=edit.id)


def check_point(point: tuple[int, int], shape: tuple[int, ...]) -> tuple[int, int]:
    """Refuse a click beside the image.

    Raises:
        DataError: it is.
    """
    if not (0 <= point[0] < shape[0] and 0 <= point[1] < shape[1]):
        raise DataError(
            f"the click at {list(point)} is not in the image of {shape[0]} × {shape[1]}."
        )
    return point


def merge_patch(corrections: Corrections, picture: Picture, frame: int, edit: Patch) -> Window:
    """The pixels that a page has changed, laid over the labels as they are now.

    A cell that is new to the page gets a number that is free now, where another page has taken the
    one that it thought of.
    """
    held = corrections.frame(picture, frame)
    box = check_box(edit.window, held.labels.shape)
    drawn = unpack(edit.labels, box.shape)
    now = held.labels[box.slices]
    kept = drawn == KEEP
    drawn = np.where(kept, now, drawn)
    if edit.new is not None and edit.new in held.areas:
        drawn[(drawn == edit.new) & ~kept] = held.next_label
    if int(drawn.max()) > max(MOST_NEW, held.next_label):
        raise DataError(f"a cell of number {drawn.max()}: wanted numbers from 0 on.")
    if edit.edit is None or edit.edit >= held.edit:
        return Window(box.top, box.left, drawn)
    before, next_label = corrections.past(picture, frame, box, edit=edit.edit)
    differs = (drawn != before) & ~kept
    is_new = differs & (drawn >= next_label)
    drawn = np.where(is_new, drawn + np.uint32(held.next_label - next_label), drawn)
    return Window(box.top, box.left, np.where(differs, drawn, now))


@router.post("/undo")
def post_undo(request: Request, named: Named | None = None) -> dict[str, Any]:
    """Take back the last edit, of whichever image."""
    session = session_of(request)
    return stepped(session, session.corrections.undo(named.id if named else None))


@router.post("/redo")
def post_redo(request: Request, named: Named | None = None) -> dict[str, Any]:
    """Do again what was undone last."""
    session = session_of(request)
    return stepped(session, session.corrections.redo(named.id if named else None))


def stepped(session: Session, reply: Reply) -> dict[str, Any]:
    """What is told of a step back or forth; the tables of corrected tracks follow it."""
    told = session.told(reply)
    if told["tracks"]:
        write_corrected(session, session.folder.picture(reply.image))
    return told


class Finished(Named):
    """Which frames a person has corrected to the end, or which rectangles of them."""

    frames: list[Annotated[int, Field(ge=0)]] = Field(min_length=1, max_length=100_000)
    rectangles: list[Corners] | None = Field(default=None, max_length=1000)
    finished: bool = True


@router.post("/images/{id}/finished")
def post_finished(request: Request, id: Id, marked: Finished) -> dict[str, Any]:
    """Say that frames are ready for training."""
    session = session_of(request)
    picture = session.folder.picture(id)
    for frame in marked.frames:
        picture.check_frame(frame)
    shape = picture.file.frame_shape
    boxes = marked.rectangles
    rectangles = None if boxes is None else [list(check_box(box, shape)) for box in boxes]
    entry = {
        "mark": "finished",
        "frames": marked.frames,
        "rectangles": rectangles,
        "finished": marked.finished,
        "id": marked.id,
    }
    if marked.id is None or marked.id not in session.corrections.ids:
        session.corrections.note(picture, entry)
        session.events.send("images", {})
    return session.entry(picture)
