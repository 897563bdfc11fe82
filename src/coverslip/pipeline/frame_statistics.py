"""a frame, read once from top to bottom → the few numbers that its regions must agree on."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.io import write_text
from coverslip.preprocessing import sample_step, stretch_between
from coverslip.value_range import BLOCK_PX, are_noise, find_range, sample_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io import FrameReader
    from coverslip.preprocessing import Preprocess

BAND_VALUES = 2**23  # read at once, in whole rows
BAND_ROWS = 512  # in multiples of which files store their tiles


@dataclass(frozen=True)
class FrameStatistics:
    """What one channel of a frame holds.

    Attributes:
        low: what the stretch makes 0 of.
        high: what the stretch makes 1 of.
        is_colour: whether its pixels have three samples.
        is_grey: whether none of its pixels has a colour.
        shows_noise: whether there is nothing but noise in it.
        notes: what the user should know of its pixels, such as NaN.
        below: what is less was left out of the stretch, see `ValueRange`.
        above: what is more likewise.
    """

    low: float
    high: float
    is_colour: bool
    is_grey: bool
    shows_noise: bool
    notes: tuple[str, ...] = ()
    below: float = -math.inf
    above: float = math.inf


def statistics_path(folder: Path, channel: int) -> Path:
    """Where what was found in a channel is kept, among the regions of its frame."""
    return folder / f"channel_{channel}.json"


def statistics_notes(folder: Path) -> list[str]:
    """What the user should know of the pixels of a frame that was looked at."""
    found: list[str] = []
    for path in sorted(folder.glob("channel_*.json")):
        known = read_statistics(path)
        found += known.notes if known else ()
    return list(dict.fromkeys(found))


def keep_statistics(
    reader: FrameReader, *, how: Preprocess, path: Path, notes: Sequence[str] = ()
) -> FrameStatistics:
    """Look at a whole frame, band by band, as `coverslip.preprocessing.stretch` would.

    Args:
        reader: the frame.
        how: which percentiles the stretch makes 0 and 1 of.
        path: where the answer is kept, so that a second start need not read the frame again.
        notes: a list to which the reader adds what it has to say of the pixels.

    Raises:
        FileError: it cannot be read.
    """
    found = read_statistics(path)
    if found is None:
        found = measure_statistics(reader, how)
        found = replace(found, notes=(*notes, *found.notes))
        write_text(path, json.dumps(asdict(found)))
    return found


def read_statistics(path: Path) -> FrameStatistics | None:
    """What was kept; None where nothing was, or it is damaged."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        found = FrameStatistics(**{**known, "notes": tuple(map(str, known["notes"]))})
        is_sound = (
            math.isfinite(found.low)
            and math.isfinite(found.high)
            and found.low <= found.high
            and found.below <= found.above
            and isinstance(found.shows_noise, bool)
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if is_sound else None


def measure_statistics(reader: FrameReader, how: Preprocess) -> FrameStatistics:
    """Read a frame from top to bottom, a band of rows in memory at a time."""
    n_samples = len(reader.read(slice(0, 1), slice(0, 1)).ravel())
    shape = reader.shape if n_samples == 1 else (*reader.shape, n_samples)
    step, place = sample_step(shape), 0
    samples, following, lows, highs = [], [], [], []
    is_grey = True
    for band in _bands(reader, n_samples):
        flat = band.reshape(-1)
        some, their = sample_pairs(band, -place % step, step)
        samples.append(some)
        following.append(their)
        place += flat.size
        lows.append(float(flat.min()))
        highs.append(float(flat.max()))
        is_grey = is_grey and (band.ndim == 2 or bool((band == band[..., :1]).all()))
    found = find_range(
        np.concatenate(samples),
        np.concatenate(following),
        percentiles=(how.low_percentile, how.high_percentile),
    )
    low, high = (found.low, found.high) if found.low < found.high else (min(lows), max(highs))
    stretched = (
        stretch_between(band, low, high) for band in _bands(reader, n_samples, rows_of=BLOCK_PX)
    )
    return FrameStatistics(
        low,
        high,
        is_colour=n_samples > 1,
        is_grey=is_grey,
        shows_noise=are_noise(stretched, shape=reader.shape),  # read to the first cell
        notes=(found.note,) if found.note else (),
        below=found.below,
        above=found.above,
    )


def _bands(reader: FrameReader, n_samples: int, *, rows_of: int = 1) -> Iterator[NDArray[Any]]:
    """The frame in whole rows, from top to bottom, so many of them or a multiple at once."""
    height, width = reader.shape
    rows = max(1, BAND_VALUES // (width * n_samples))
    rows = rows // BAND_ROWS * BAND_ROWS or max(rows_of, rows // rows_of * rows_of)
    for top in range(0, height, rows):
        yield reader.read(slice(top, min(top + rows, height)), slice(0, width))
