"""labels that a person corrected → their label file, which is the truth from then on.

The file is written as `segment` writes it, but not entered into its ledger: so the next start sees
that a person changed it, and makes tables, overlays and report of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.io import (
    Ledger,
    find_channel,
    open_label_file,
    open_label_frames,
    smallest_dtype,
    write_label_regions,
    write_labels,
    writing,
)
from coverslip.pipeline.job import work_key
from coverslip.pipeline.plan import is_large
from coverslip.pipeline.record import Record, read_any_record, write_record
from coverslip.pipeline.sources import keep_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io import ImageFile, Reading
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs


@dataclass(frozen=True)
class HandLedger(Ledger):
    """The ledger of an image whose label file a person corrects.

    What is written while it is open counts as a person's, and not as that of `segment`.

    Attributes:
        hashes: of the label files that the corrections began with, or that they gave.
        on_write: called with the hash of a label file, before it gets its name.
        accepts: whether what is written counts as the program's own after all: labels that a
            person took as a model found them.
    """

    hashes: frozenset[str] = frozenset()
    on_write: Callable[[str], None] = field(default=lambda digest: None)
    accepts: bool = False

    def entries(self) -> dict[str, set[str]]:
        """What may be replaced: what `segment` wrote, and what these corrections did."""
        known = super().entries()
        names = [*known, *(path.name for path in self.folder.glob(f"{self.name}_labels*"))]
        return {name: known.get(name, set()) | self.hashes for name in names}

    def enter(self, path: Path, digest: str) -> None:
        """Tell the caller instead of entering it."""
        self.on_write(digest)
        if self.accepts:
            super().enter(path, digest)


def read_label_frame(path: Path, frame: int) -> NDArray[np.uint32]:
    """A frame of a label file.

    Raises:
        FileError: it cannot be read, or has no such frame.
    """
    height, width = open_label_file(path).frame_shape
    with open_label_frames(path, whole=False) as read:
        return read(frame, (slice(0, height), slice(0, width))).astype(np.uint32)


def save_frames(
    path: Path, held: Mapping[int, NDArray[np.uint32]], *, file: ImageFile, reading: Reading
) -> None:
    """Write the label file of an image or film anew, whole and in one step.

    Args:
        path: the label file.
        held: the labels of some frames; those of the others stay as they are in the file.
        file: the image.
        reading: which channel of it was segmented.

    Raises:
        FileError: it cannot be read or written.
    """
    write_labels(
        path,
        all_frames(path, held, file=file),
        shape=tuple(file.length(axis) for axis in file.frame_axes + "YX"),
        axes=file.frame_axes + "YX",
        dtype=stored_type(path, held),
        **about(file, reading),
    )


def save_large_frame(
    path: Path, labels: NDArray[np.uint32], *, file: ImageFile, reading: Reading
) -> None:
    """The same for a frame that has a label file of its own."""
    write_label_regions(
        path,
        shape=labels.shape,
        read=lambda rows, columns: labels[rows, columns],
        dtype=smallest_dtype(int(labels.max(initial=0))),
        **about(file, reading),
    )


def about(file: ImageFile, reading: Reading) -> dict[str, Any]:
    """What a label file says of its image."""
    return {
        "pixel_size_um": file.pixel_size_um,
        "frame_interval_s": file.frame_interval_s,
        "channel_name": dict(enumerate(file.channel_names)).get(find_channel(file, reading)),
    }


def all_frames(
    path: Path, held: Mapping[int, NDArray[np.uint32]], *, file: ImageFile
) -> Iterator[NDArray[np.uint32]]:
    """The labels of all frames, one after the other; empty ones where none were found yet."""
    is_there = path.exists() and len(held) < file.n_frames
    for frame in range(file.n_frames):
        if frame in held:
            yield held[frame]
        elif is_there:
            yield read_label_frame(path, frame)  # and closed again: Windows replaces no open file
        else:
            yield np.zeros(file.frame_shape, dtype=np.uint32)


def stored_type(path: Path, held: Mapping[int, NDArray[np.uint32]]) -> Any:
    """The type that the numbers of all frames need."""
    largest = max((int(labels.max(initial=0)) for labels in held.values()), default=0)
    before = open_label_file(path).dtype if path.exists() else np.dtype(np.uint8)
    return np.uint32 if before.itemsize > 2 else smallest_dtype(largest)


def take_as_truth(path: Path, target: Outputs, *, file: ImageFile, job: Job) -> None:
    """Have the next start with a job take the label files of an image as the truth.

    They are so for any model and settings, and also where no model was used before.

    Args:
        path: the image file.
        target: where its results go; its label files are there.
        file: the same image, opened.
        job: that of the next start.

    Raises:
        FileError: the record cannot be written.
    """
    large = is_large(file, job)
    n_frames = file.n_frames
    names = [
        (target.frame_labels(frame, n_frames) if large else target.labels)
        .relative_to(target.folder)
        .as_posix()
        for frame in range(n_frames)
    ]
    height, width = file.frame_shape
    rows = pd.DataFrame(
        {
            "file": str(path),
            "frame": range(n_frames),
            "n_cells": 0.0,
            "confluence": 0.0,
            "height_px": height,
            "width_px": width,
            "overlay": "none",
            "labels": names,
        }
    )
    earlier = read_any_record(target.record)
    keep_source(target.folder, target.name, path)
    record = Record(
        path=str(path),
        key="corrected",
        work=work_key(path, job),
        images=rows if earlier is None or earlier.is_large != large else earlier.images,
        parts=[] if earlier is None else earlier.parts,
        notes=[],
        is_large=large,
        digests={},
    )
    with writing(None):
        write_record(target.record, record)
