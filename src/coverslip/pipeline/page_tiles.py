"""an image at full resolution → JPEG tiles beside the report, coarser ones over them.

Deep zoom for the report's viewer: whole-slide images and large frames, tile by tile, as they are
looked at. They lie in a folder, since a page that holds them could not be opened any more.
"""

from __future__ import annotations

import io
import json
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from coverslip.errors import CoverslipError, FileError
from coverslip.figures import picture_levels, stretch_picture
from coverslip.io import find_channel, find_gap, open_frame, open_reading, write_text
from coverslip.report import TileSet, frames_to_show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.figures import Levels
    from coverslip.io import FrameReader, ImageFile
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import BatchResult, Record

SIDE_PX = 512
QUALITY = 86
MAX_CHANNELS = 3  # one for each colour of a picture
BAND_PX = 2048  # rows that are looked at together
SAMPLE_PX = 2.5e5


def page_channels(file: ImageFile, job: Job) -> list[int]:
    """The channels that the page shows of a file: what is segmented first, and others beside it."""
    first = file.together or (find_channel(file, job.reading),)
    apart = file.apart or file
    return [*first, *(n for n in range(apart.n_channels) if n not in first)][:MAX_CHANNELS]


def write_tiles(
    done: Mapping[Path, Record],
    targets: Mapping[Path, Outputs],
    *,
    job: Job,
    on_note: Callable[[str], None],
) -> None:
    """Write the tiles of the frames that the page shows, of images that have none yet.

    An image that cannot be read any more has none, and this is said.
    """
    n_films = sum(len(record.images) > 1 for record in done.values())
    for path, record in done.items():
        for frame in frames_to_show(len(record.images), n_films=n_films):
            folder = targets[path].tiles(frame)
            if (folder / "tiles.json").is_file():
                continue
            try:
                file = open_reading(path, job.reading)
                chosen = page_channels(file, job)
                if record.is_large:  # the picture that they lie on has no others
                    chosen = chosen[: max(1, len(file.together))]
                write_frame_tiles(folder, file, frame, channels=chosen)
            except (CoverslipError, OSError) as error:
                on_note(f"{path}: no tiles for the page ({error})")
                break


def write_frame_tiles(
    folder: Path, file: ImageFile, frame: int, *, channels: Sequence[int]
) -> None:
    """Write the tiles of one frame, last of all what says that they are whole.

    Args:
        folder: for them; what is in it goes.
        file: an opened image file.
        frame: which, from 0.
        channels: their numbers; of more than one, each becomes a colour.

    Raises:
        FileError: the image cannot be read.
        OSError: the tiles cannot be written.
    """
    apart = file.apart or file
    chosen = [n for n in channels if find_gap(apart, frame, channel=n) is None]
    if not chosen:
        raise FileError(f"frame {frame} is not there")
    shutil.rmtree(folder, ignore_errors=True)  # what a killed start has left
    shape = file.frame_shape
    with ExitStack() as stack:
        readers = [stack.enter_context(open_frame(apart, frame, channel=n)) for n in chosen]
        stretches = [find_levels(reader, shape) for reader in readers]
        for top in range(0, shape[0], SIDE_PX):
            window = slice(top, min(top + SIDE_PX, shape[0])), slice(0, shape[1])
            band = [
                stretch_picture(reader.read(*window), levels)
                for reader, levels in zip(readers, stretches, strict=True)
            ]
            _write_row(folder / "0", top // SIDE_PX, to_colours(band))
    n_levels = write_coarser(folder, shape)
    about = {"side": SIDE_PX, "levels": n_levels, "height": shape[0], "width": shape[1]}
    write_text(folder / "tiles.json", json.dumps(about))


def find_levels(reader: FrameReader, shape: tuple[int, int]) -> Levels:
    """The dark and the bright end of a frame, by every so-many-th of its pixels."""
    step = max(1, round(float(np.sqrt(shape[0] * shape[1] / SAMPLE_PX))))
    bands = [
        reader.read(slice(top, min(top + BAND_PX, shape[0])), slice(0, shape[1]))[::step, ::step]
        for top in range(0, shape[0], BAND_PX)
    ]
    return picture_levels(np.concatenate(bands))


def to_colours(band: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """(h, w, 3) pictures of channels as one: of one channel, itself; of more, one for a colour."""
    if len(band) == 1:
        return band[0]
    picture = np.zeros(band[0].shape, np.uint8)
    for place, channel in enumerate(band):
        picture[..., place] = channel[..., 0]
    return picture


def write_coarser(folder: Path, shape: tuple[int, int]) -> int:
    """Put four tiles together to one of half their size, until one is left; how many sizes."""
    height, width = shape
    level = 0
    while max(height, width) > SIDE_PX:
        level, height, width = level + 1, -(-height // 2), -(-width // 2)
        for row, column, box in tile_boxes(height, width):
            size = box[2] - box[0], box[3] - box[1]
            _save(folder / str(level), (row, column), _join_four(folder, level, row, column, size))
    return level + 1


def tile_boxes(height: int, width: int) -> Iterator[tuple[int, int, tuple[int, int, int, int]]]:
    """Row and column of each tile, and its left, top, right and bottom."""
    for top in range(0, height, SIDE_PX):
        for left in range(0, width, SIDE_PX):
            right, bottom = min(left + SIDE_PX, width), min(top + SIDE_PX, height)
            yield top // SIDE_PX, left // SIDE_PX, (left, top, right, bottom)


def _join_four(
    folder: Path, level: int, row: int, column: int, size: tuple[int, int]
) -> Image.Image:
    """The tiles of the finer level that lie under one, at half their size."""
    parts = {}
    for y in (0, 1):
        for x in (0, 1):
            path = folder / str(level - 1) / f"{2 * row + y}_{2 * column + x}.jpg"
            if path.is_file():
                parts[y, x] = Image.open(io.BytesIO(path.read_bytes()))
    whole = Image.new(parts[0, 0].mode, (2 * SIDE_PX, 2 * SIDE_PX))
    for (y, x), part in parts.items():
        whole.paste(part, (x * SIDE_PX, y * SIDE_PX))
    width = parts[0, 0].width + (parts[0, 1].width if (0, 1) in parts else 0)
    height = parts[0, 0].height + (parts[1, 0].height if (1, 0) in parts else 0)
    return whole.crop((0, 0, width, height)).resize(size, Image.Resampling.BOX)


def _write_row(folder: Path, row: int, band: NDArray[np.uint8]) -> None:
    """Cut a band of the image into tiles; one without colour becomes grey."""
    is_grey = bool((band == band[..., :1]).all())
    for left in range(0, band.shape[1], SIDE_PX):
        part = band[:, left : left + SIDE_PX]
        picture = Image.fromarray(part[..., 0].copy() if is_grey else part.copy())
        _save(folder, (row, left // SIDE_PX), picture)


def _save(folder: Path, place: tuple[int, int], picture: Image.Image) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    row, column = place
    picture.save(folder / f"{row}_{column}.jpg", quality=QUALITY, subsampling=0)


def find_tiles(
    result: BatchResult, targets: Mapping[Path, Outputs]
) -> dict[tuple[str, int], TileSet]:
    """The tiles that are there, by file and frame, as the page names them."""
    found = {}
    for path, record in result.done.items():
        for frame in frames_to_show(len(record.images), n_films=1):
            folder = targets[path].tiles(frame)
            if not (folder / "tiles.json").is_file():
                continue
            about = json.loads((folder / "tiles.json").read_text(encoding="utf-8"))
            shape = about["height"], about["width"]
            place = folder.relative_to(targets[path].folder).as_posix()
            found[record.path, frame] = TileSet(place, about["side"], about["levels"], shape)
    return found
