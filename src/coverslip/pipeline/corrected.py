"""label files that a person changed → the truth of which all other results are made anew.

What a person corrects by hand in Fiji or napari is ground truth, and is never overwritten.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from coverslip.errors import CoverslipError, FileError
from coverslip.io import check_labels, hash_content, open_label_file, open_label_frames
from coverslip.pipeline.region import labels_to_result
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.plan import FramePlan
    from coverslip.pipeline.record import Record
    from coverslip.pipeline.region import RegionResult
    from coverslip.tiling import Region, Window

BAND_PX = 1024  # rows of a large label file that are read at once, to see that it is whole


def hash_labels(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The hashes of label files that are there, by their names from the folder."""
    return {name: hash_content(folder / name) for name in names if (folder / name).exists()}


def hash_of_all(digests: dict[str, str]) -> str:
    """One hash of several."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


class Truth(NamedTuple):
    """Label files that a person changed, which can be taken as the truth."""

    digest: str  # the hash of all; "" where there is no such thing
    is_mask: bool  # whether all cells have one number, as in a mask of 0 and 255


NO_TRUTH = Truth("", is_mask=False)


def find_truth(target: Outputs, record: Record, digests: dict[str, str]) -> Truth:
    """The label files that a person changed, if they can be taken as the truth.

    Args:
        target: where its results are.
        record: what was done of it with the same settings.
        digests: of the label files that are there.
    """
    known = target.ledger().entries()
    changed = [name for name, digest in digests.items() if digest not in known.get(name, set())]
    if not changed or list(digests) != record.labels or not target.has_form(record.labels):
        return NO_TRUTH
    shape = (int(record.images["height_px"][0]), int(record.images["width_px"][0]))
    n_frames = len(record.images) // len(record.labels)
    seen = [
        look_through(target.folder / name, (n_frames, *shape), is_large=record.is_large)
        for name in changed
    ]
    if not all(one.is_usable for one in seen):
        return NO_TRUTH
    ids = set().union(*(one.ids for one in seen))
    # A film's other label files are as we wrote them, with a number for each cell.
    is_mask = (
        len(ids) == 1 and len(changed) == len(digests) and any(one.n_pieces > 1 for one in seen)
    )
    return Truth(hash_of_all(digests), is_mask=is_mask)


class Seen(NamedTuple):
    """What a look through a label file shows."""

    is_usable: bool  # it can be read from end to end, and is of the image's size
    ids: frozenset[int] = frozenset()  # the cells' numbers; of many, some
    n_pieces: int = 0  # at most, in a frame or a band of it, where there is one number


def look_through(path: Path, shape: tuple[int, int, int], *, is_large: bool) -> Seen:
    """Read a label file from end to end.

    Args:
        path: the file.
        shape: frames, height and width that it should have.
        is_large: read it in bands.
    """
    n_frames, height, width = shape
    ids: set[int] = set()
    n_pieces = 0
    try:
        with no_complaint():
            file = open_label_file(path)
            if (file.n_frames, *file.frame_shape) != shape:
                return Seen(is_usable=False)
            with open_label_frames(path, whole=not is_large) as read:
                step = BAND_PX if is_large else height
                for frame, top in product(range(n_frames), range(0, height, step)):
                    rows = slice(top, min(top + step, height))
                    labels = read(frame, (rows, slice(0, width)))
                    if not is_large:
                        check_labels(labels, what=path)
                    if len(ids) < 2:
                        ids |= set(np.unique(labels[labels > 0])[:2].tolist())
                        n_pieces = max(n_pieces, int(mask_to_labels(labels > 0).max(initial=0)))
    except CoverslipError:
        return Seen(is_usable=False)
    return Seen(is_usable=True, ids=frozenset(ids), n_pieces=n_pieces)


@contextmanager
def no_complaint() -> Iterator[None]:
    """Take it for damage what tifffile says of a file that it reads nevertheless.

    Raises:
        FileError: it said something.
    """
    said: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("tifffile")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
    if said:
        raise FileError(said[0])


def label_place(plan: FramePlan) -> tuple[Path, int]:
    """The label file of a frame, and which of its frames it is."""
    target, n_frames = plan.opened.target, plan.file.n_frames
    if plan.is_large:
        return target.frame_labels(plan.index, n_frames), 0
    return target.labels, plan.index


@contextmanager
def opened_truth(plan: FramePlan) -> Iterator[Callable[[Window], NDArray[Any]]]:
    """Read windows of a frame's corrected labels."""
    path, frame = label_place(plan)
    with open_label_frames(path, whole=not plan.is_large) as read:
        yield lambda window: read(frame, window)


def take_from_labels(
    plan: FramePlan, region: Region, read: Callable[[Window], NDArray[Any]]
) -> RegionResult:
    """The cells of a region as a person left them."""
    margin = plan.margins.first
    while True:
        window = region.window(margin)
        ids = read(window)
        if plan.opened.is_mask:
            ids = mask_to_labels(ids > 0)
        found = labels_to_result(ids, region, window)
        reach = plan.settings.measure.reach_px
        if found.is_sure(reach_px=reach) or margin >= plan.margins.most:
            return found
        margin = min(2 * margin, plan.margins.most)


def numbers_in_file(plan: FramePlan, first_pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers that cells have in the label file, by where they begin in the flat frame."""
    width = plan.file.frame_shape[1]
    numbers = np.zeros(len(first_pixels), dtype=np.int64)
    rows, columns = np.divmod(first_pixels, width)
    with opened_truth(plan) as read:
        for top in range(0, plan.file.frame_shape[0], BAND_PX):
            inside = (top <= rows) & (rows < top + BAND_PX)
            if inside.any():
                bottom = min(top + BAND_PX, plan.file.frame_shape[0])
                band = read((slice(top, bottom), slice(0, width)))
                numbers[inside] = band[rows[inside] - top, columns[inside]]
    return numbers


def check_truth(target: Outputs, names: Sequence[str], *, truth: str) -> dict[str, str]:
    """See that corrected labels are still those that all was made of; their hashes.

    Raises:
        FileError: they were changed meanwhile.
    """
    digests = hash_labels(target.folder, names)
    if hash_of_all(digests) != truth:
        raise FileError(
            f"{target.labels}: was changed while it was read: start again when it is done."
        )
    return digests


def truth_message(names: Sequence[str], n_cells: int, *, is_mask: bool = False) -> str:
    """What is said where label files are the truth."""
    which = names[0] if len(names) == 1 else f"{len(names)} label files from {names[0]} on"
    verb = "was" if len(names) == 1 else "were"
    its = "its" if len(names) == 1 else "their"
    cells = f"{n_cells} cell is" if n_cells == 1 else f"{n_cells} cells are"
    since = "it was written" if len(names) == 1 else "they were written"
    pieces = ""
    if is_mask:
        pieces = " (a mask of one number: each connected piece is a cell, in reading order)"
    return f"{which} {verb} changed since {since}: {its} {cells} taken as the truth{pieces}"
