"""a file → what the readers make of it: read, refused, or a finding."""

from __future__ import annotations

import traceback
from pathlib import Path

import torch

from coverslip.checkpoints import load_checkpoint, read_card
from coverslip.checkpoints.pretrained import read_weights
from coverslip.errors import CoverslipError
from coverslip.io import ImageFile, Pair, open_image, read_frame, read_labels
from coverslip.io.annotations import readers as annotations
from coverslip.io.annotations.rasterise import Canvas
from coverslip.io.formats.guard import readable
from coverslip.tracking.ctc import read_ctc_table
from coverslip.tracking.trackmate import read_trackmate
from coverslip.training import read_groups
from coverslip.training.splits import read_list

MOST_FRAMES = 3  # of a film; every one goes the same way


def read_as_all(path: Path) -> str:
    """Read a file as everything that its name allows.

    Returns:
        "read" where all of it went well, "refused" where one of the readers told the user why not;
        else what was raised and where.
    """
    outcome = "read"
    for reader in READERS[path.suffix]:
        try:
            reader(path)
        except CoverslipError as error:
            if out_of_memory(error):
                return describe(error)
            outcome = "refused"
        except BaseException as error:
            return describe(error)
    return outcome


def out_of_memory(error: BaseException | None) -> bool:
    """Whether a refusal came too late, when the memory was gone: no small file may need that."""
    while error is not None:
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def describe(error: BaseException) -> str:
    """The kind of an error and the innermost line of it, and of our own code."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    frames = traceback.extract_tb(cause.__traceback__) or traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "coverslip" in frame.filename] or frames
    lines = {
        f"{Path(frame.filename).name}:{frame.lineno}": None for frame in (ours[-1], frames[-1])
    }
    return f"{type(cause).__name__} at {' ← '.join(reversed(lines))}: {str(cause)[:100]}"


def read_image(path: Path) -> None:
    """The header, some frames and the last one, of the first channel and the last."""
    file = open_image(path)
    for frame in wanted(file):
        for channel in {0, file.n_channels - 1}:
            read_frame(file, frame, channel=channel)


def wanted(file: ImageFile) -> list[int]:
    """The first frames and the last."""
    return sorted({*range(min(MOST_FRAMES, file.n_frames)), file.n_frames - 1})


def read_csv(path: Path) -> None:
    """A list of images and the groups in it."""
    rows = read_list(path)
    pairs = [Pair(str(name), path, (path,)) for name in rows.index[:3]]
    for column in rows.columns[:3]:
        read_groups(pairs, path, column=column)


def load_and_run(path: Path) -> None:
    """Load a checkpoint and ask it something, since a card may lie about its network."""
    model = load_checkpoint(path)
    _ = model.threshold, model.min_area_px, model.preprocess.mean
    with torch.inference_mode():
        model.network(torch.zeros(1, 3, 8, 8))


def read_drawn(path: Path) -> None:
    """Annotations, of an image of the seeds' size."""
    with readable(path):
        annotations.READERS[path.suffix](path, lambda: Canvas(24, 24), None)


def read_film(path: Path) -> None:
    """TrackMate's tracks, and the first outlines filled."""
    film = read_trackmate(path)
    for frame in range(min(MOST_FRAMES, len(film.frames))):
        film.frames[frame].max()


IMAGE = (read_image, read_labels)
READERS = {
    **dict.fromkeys((".png", ".jpg", ".bmp", ".tif"), IMAGE),
    ".safetensors": (read_card, load_and_run, read_weights),
    ".pth": (read_weights,),
    ".xml": (read_film,),
    ".txt": (read_ctc_table,),
    ".csv": (read_csv,),
    **dict.fromkeys((".npy", ".json", ".geojson", ".zip"), (read_drawn,)),
}
