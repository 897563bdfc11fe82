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
    """How long it takes until there are twice as many cells, in frames, if none is lost.

    Attributes:
        frames: By the rate of divisions; infinite where none was seen.
        low, high: Its interval of 95 %; `high` is infinite where no division was seen.
        n_divisions: That were seen.
    """

    frames: float
    low: float
    high: float
    n_divisions: int


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


def find_doubling_time(lineage: pd.DataFrame, counts: NDArray[Any]) -> DoublingTime | None:
    """Estimate how long cells need to double in number, by how often they divide.

    Cells that come in, leave, or are lost say nothing of it. Where each cell divides at a rate r,
    whatever its age, the daughters that n cells add in a frame follow the negative binomial
    distribution with n and exp(-r) (Yule 1925, doi 10.1098/rstb.1925.0002); the interval of r is
    that of its likelihood by Jeffreys' rule.

    Args:
        lineage: The table of tracks.
        counts: (T,) cells in each frame.

    Returns:
        None where no cell is seen in a frame before the last.

    Example:
        One cell for nine frames and then two: one division in nine frames.

        >>> import pandas as pd
        >>> lineage = pd.DataFrame({"parent_track_id": [0, 1, 1]})
        >>> round(find_doubling_time(lineage, [1] * 9 + [2]).frames, 1)
        6.6
    """
    daughters = lineage.loc[lineage["parent_track_id"] > 0, "parent_track_id"].value_counts()
    born = int((daughters[daughters > 1] - 1).sum())
    watched = int(np.sum(counts[:-1]))
    if not watched:
        return None
    frames = np.log(2) / np.log1p(born / watched) if born else np.inf
    stays = stats.beta.ppf([0.025, 0.975], watched, born + 0.5)
    low, high = (np.log(2) / -np.log(np.asarray(stays, dtype=float))).tolist()
    return DoublingTime(float(frames), low, high if born else np.inf, int((daughters > 1).sum()))


def find_displacements(
    cells: pd.DataFrame,
    drifts: NDArray[Any] | None = None,
    *,
    pixel_size_um: tuple[float, float] | None = None,
    max_lag: int | None = None,
) -> pd.DataFrame:
    """Find the mean squared displacement over time.

    Args:
        cells: The table of cells and frames.
        drifts: Of the view, from each frame to the next.
        pixel_size_um: Height and width of a pixel, where known.
        max_lag: Frames; None: a quarter of the film, but at least three.

    Returns:
        `lag` (frames), `msd_px2`, or `msd_um2` where the size of a pixel is known, and `n` (ways
        that it is the mean of), a row for each lag that any track spans.
    """
    frames, tracks = cells["frame"].to_numpy(), cells["track_id"].to_numpy()
    length = int(frames.max(initial=0)) + 1
    most = max_lag or max(3, int(MOST_LAG_SHARE * length))
    places = still_places(cells, drifts) * (pixel_size_um or (1.0, 1.0))
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
    name = "msd_px2" if pixel_size_um is None else "msd_um2"
    return pd.DataFrame(rows, columns=["lag", name, "n"])


def find_exponent(displacements: pd.DataFrame) -> float:
    """The exponent of msd ∝ lag^a: 1 where cells wander at random, 2 where they go straight on.

    Args:
        displacements: Of `find_displacements`.

    Returns:
        By least squares of the logarithms; NaN with fewer than two lags, or without any motion.
    """
    name = "msd_um2" if "msd_um2" in displacements else "msd_px2"
    moved = displacements[displacements[name] > 0]
    if len(moved) < 2:
        return float("nan")
    return float(np.polyfit(np.log(moved["lag"]), np.log(moved[name]), 1)[0])
