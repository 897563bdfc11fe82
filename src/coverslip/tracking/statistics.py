"""tracks.csv → how fast cells multiply and move: doubling time, mean squared displacement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A mean squared displacement over more than this share of the film comes of too few, and of
# overlapping, ways.
MOST_LAG_SHARE = 0.25


@dataclass(frozen=True)
class DoublingTime:
    """How long it takes until there are twice as many cells, in frames.

    Attributes:
        frames: By the slope of log2(count) over the frames; infinite where they do not grow.
        low, high: Its interval of 95 %; `high` is infinite where no growth cannot be ruled out.
        rate: Doublings a frame: the slope.
    """

    frames: float
    low: float
    high: float
    rate: float


def still_places(cells: pd.DataFrame, drifts: NDArray[Any] | None = None) -> NDArray[np.float64]:
    """Where cells are in a view that does not drift.

    Args:
        cells: The table of cells and frames.
        drifts: (T - 1, 2), how far the view moved from each frame to the next; None: not at all.

    Returns:
        (N, 2) rows and columns, in the coordinates of the first frame.
    """
    places: NDArray[np.float64]
    places = cells[["centroid_y_px", "centroid_x_px"]].to_numpy(dtype=float, copy=True)
    if drifts is None or not len(drifts):
        return places
    places -= sum_drifts(drifts, len(drifts) + 1)[cells["frame"].to_numpy()]
    return places


def sum_drifts(drifts: NDArray[Any] | None, n_frames: int) -> NDArray[np.float64]:
    """By how much the view has moved since the first frame, (T, 2); zeros without drifts."""
    if drifts is None or not len(drifts):
        return np.zeros((n_frames, 2))
    return np.concatenate([np.zeros((1, 2)), np.cumsum(np.asarray(drifts, dtype=float), axis=0)])


def count_cells(cells: pd.DataFrame, n_frames: int) -> NDArray[np.int64]:
    """The number of cells of every frame."""
    return np.bincount(cells["frame"].to_numpy(), minlength=n_frames).astype(np.int64)


def find_doubling_time(counts: NDArray[Any]) -> DoublingTime | None:
    """Estimate how long the cells of a film need to double in number.

    A straight line is fitted to log2(count) over the frames by least squares; the interval is that
    of the slope, by Student's t. Counts of neighbouring frames are not independent, so its degrees
    of freedom are those of the frames divided by (1 + r) / (1 - r), where r is the correlation of
    each residual with the next.

    Args:
        counts: (T,) cells in each frame; frames without any are left out.

    Returns:
        None with fewer than three frames with cells.

    Example:
        >>> find_doubling_time([1, 2, 4, 8]).frames
        1.0
    """
    counts = np.asarray(counts)
    frames = np.flatnonzero(counts)
    if len(frames) < 3:
        return None
    logs = np.log2(counts[frames])
    fit = stats.linregress(frames, logs)
    rest = logs - fit.intercept - fit.slope * frames
    slope = round(float(fit.slope), 12)
    half = _half_interval(frames, rest)
    return DoublingTime(_turn(slope), _turn(slope + half), _turn(slope - half), slope)


def _half_interval(frames: NDArray[Any], rest: NDArray[Any]) -> float:
    """Half of the interval of a slope, of residuals that may follow each other."""
    n, total = len(frames), float((rest**2).sum())
    if total < 1e-18:
        return 0.0
    follow = min(max(float((rest[1:] * rest[:-1]).sum()) / total, 0.0), 0.9)
    free = max(n * (1 - follow) / (1 + follow) - 2, 1.0)
    error = np.sqrt(total / free / ((frames - frames.mean()) ** 2).sum())
    return float(stats.t.ppf(0.975, free) * error)


def _turn(rate: float) -> float:
    return 1 / rate if rate > 0 else np.inf


def find_displacements(
    cells: pd.DataFrame, drifts: NDArray[Any] | None = None, *, max_lag: int | None = None
) -> pd.DataFrame:
    """Find the mean squared displacement over time.

    Args:
        cells: The table of cells and frames.
        drifts: Of the view, from each frame to the next.
        max_lag: Frames; None: a quarter of the film, but at least three.

    Returns:
        `lag` (frames), `msd_px2` and `n` (ways that it is the mean of), a row for each lag that any
        track spans.
    """
    frames, tracks = cells["frame"].to_numpy(), cells["track_id"].to_numpy()
    length = int(frames.max(initial=0)) + 1
    most = max_lag or max(3, int(MOST_LAG_SHARE * length))
    places = still_places(cells, drifts)
    keys = tracks.astype(np.int64) * (length + most) + frames
    order = np.argsort(keys)
    keys, places = keys[order], places[order]
    rows = []
    for lag in range(1, most + 1):
        at = np.searchsorted(keys, keys + lag)
        there = (at < len(keys)) & (keys[np.minimum(at, len(keys) - 1)] == keys + lag)
        ways = places[at[there]] - places[there]
        if len(ways):
            rows.append((lag, float((ways**2).sum(axis=1).mean()), len(ways)))
    return pd.DataFrame(rows, columns=["lag", "msd_px2", "n"])


def find_exponent(displacements: pd.DataFrame) -> float:
    """The exponent of msd ∝ lag^a: 1 where cells wander at random, 2 where they go straight on.

    Args:
        displacements: Of `find_displacements`.

    Returns:
        By least squares of the logarithms; NaN with fewer than two lags, or without any motion.
    """
    moved = displacements[displacements["msd_px2"] > 0]
    if len(moved) < 2:
        return float("nan")
    return float(np.polyfit(np.log(moved["lag"]), np.log(moved["msd_px2"]), 1)[0])
