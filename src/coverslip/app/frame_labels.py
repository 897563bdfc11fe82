"""the labels of a frame as they are now, and what an edit changes of them → a reply to the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.app.journal import Box, Change, pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.segmentation import Window

    Labels = NDArray[np.uint32]

TRACKS = "tracks"  # the message of an edit of tracks, which changes no labels


@dataclass
class FrameLabels:
    """The labels of a frame as they are now.

    Attributes:
        labels: (H, W), changed in place.
        areas: pixels of each cell, by its number.
        next_label: a number that no cell has or had.
        edit: the number of the last edit.
        is_saved: whether the label file has all of it.
    """

    labels: Labels
    areas: dict[int, int]
    next_label: int
    edit: int = 0
    is_saved: bool = True

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return len(self.areas)


@dataclass(frozen=True)
class Reply:
    """What an edit changed.

    Attributes:
        image: its id.
        frame: from 0.
        edit: the number of the edit.
        window: that changed; None where nothing did.
        labels: of the window.
        next_label: a number for the next new cell.
        cells: how many cells the frame has.
        message: a sentence for the person.
        id: what the page calls the edit, so that it knows its own.
    """

    image: str
    frame: int
    edit: int
    window: Box | None
    labels: Labels
    next_label: int
    cells: int
    message: str = ""
    id: str | None = None

    def to_json(self, *, with_labels: bool = True) -> dict[str, Any]:
        """As the page gets it."""
        has_labels = with_labels and self.window is not None
        return {
            "id": self.id,
            "image": self.image,
            "frame": self.frame,
            "edit": self.edit,
            "window": None if self.window is None else list(self.window),
            "labels": pack(self.labels) if has_labels else None,
            "next_label": self.next_label,
            "cells": self.cells,
            "message": self.message,
            "tracks": self.message == TRACKS,
        }


def shrink(labels: Labels, made: Window) -> Change | None:
    """The smallest window in which labels change; None where none does."""
    height, width = made.labels.shape
    before = labels[made.top : made.top + height, made.left : made.left + width]
    differs = before != made.labels
    if not differs.any():
        return None
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    box = Box(
        made.top + int(rows[0]),
        made.left + int(columns[0]),
        made.top + int(rows[-1]) + 1,
        made.left + int(columns[-1]) + 1,
    )
    return Change(box, before[inner].copy(), made.labels[inner].astype(np.uint32))


def count_areas(labels: NDArray[Any]) -> dict[int, int]:
    """The pixels of each cell, by its number."""
    flat = labels.ravel()
    if flat.max(initial=0) <= 2**22:
        counts = np.bincount(flat)
        numbers = np.flatnonzero(counts)
        return {int(n): int(counts[n]) for n in numbers if n}
    found, sizes = np.unique(flat[flat > 0], return_counts=True)
    return {int(number): int(size) for number, size in zip(found, sizes, strict=True)}
