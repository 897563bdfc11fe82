"""strokes of a page → corrected labels: brush, delete, merge, split, draw, fill, undo and redo."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from coverslip.app.corrections import Corrections, FrameLabels, Reply
from coverslip.app.folder import Picture
from coverslip.app.journal import check_box, unpack
from coverslip.app.routes_images import Id, Number, session_of
from coverslip.errors import DataError
from coverslip.segmentation import (
    Window,
    delete_cells,
    draw_cell,
    fill_cell,
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
MOST_NEW = 2**31  # numbers of cells that a page may give; ours go on from there


class Seen(BaseModel):
    """What every edit may say: the number of the last edit that the page has seen."""

    edit: int | None = Field(default=None, ge=0)


class Patch(Seen):
    """What a brush or an eraser has drawn."""

    kind: Literal["patch"]
    window: Corners
    labels: str


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
    if isinstance(edit, Magic):
        raise DataError("the magic tool needs a network: segment the image first.")
    return apply(session.corrections, picture, frame, edit).to_json()


def apply(corrections: Corrections, picture: Picture, frame: int, edit: Any) -> Reply:
    """Do what a page asks for."""

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
            case _:
                return fill_cell(labels, edit.label)

    return corrections.edit(picture, frame, kind=edit.kind, make=make)


def merge_patch(corrections: Corrections, picture: Picture, frame: int, edit: Patch) -> Window:
    """The pixels that a page has changed, laid over the labels as they are now.

    A cell that is new to the page gets a number that is free now, where another page has taken the
    one that it thought of.
    """
    held = corrections.frame(picture, frame)
    box = check_box(edit.window, held.labels.shape)
    drawn = unpack(edit.labels, box.shape)
    if int(drawn.max()) > max(MOST_NEW, held.next_label):
        raise DataError(f"a cell of number {drawn.max()}: wanted numbers from 0 on.")
    now = held.labels[box.slices]
    if edit.edit is None or edit.edit >= held.edit:
        return Window(box.top, box.left, drawn)
    before, next_label = corrections.past(picture, frame, box, edit=edit.edit)
    differs = drawn != before
    is_new = differs & (drawn >= next_label)
    drawn = np.where(is_new, drawn + np.uint32(held.next_label - next_label), drawn)
    return Window(box.top, box.left, np.where(differs, drawn, now))


@router.post("/undo")
def post_undo(request: Request) -> dict[str, Any]:
    """Take back the last edit, of whichever image."""
    return session_of(request).corrections.undo().to_json()


@router.post("/redo")
def post_redo(request: Request) -> dict[str, Any]:
    """Do again what was undone last."""
    return session_of(request).corrections.redo().to_json()


class Finished(BaseModel):
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
    }
    session.corrections.note(picture, entry)
    return session.entry(picture)
