"""runs of one system → its scores, per image, per split and pooled; of two → how far apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coverslip.metrics import Counts, scores

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from coverslip.reproduction.result_file import Run

METRICS = ("jaccard", "dice", "precision", "recall")
COUNTS = ("tp", "fp", "fn", "tn")
COLUMNS = ("run", "split", "image", *COUNTS, *METRICS)

# Memory for the bootstrap: so many draws at a time, of 8 bytes an image.
DRAWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation; the latter is NaN for fewer than two values."""

    mean: float
    sd: float
    n: int


@dataclass(frozen=True)
class Difference:
    """How much better one system is than another on the same images.

    Attributes:
        mean: of the differences over images.
        low: lower end of the interval; NaN for fewer than two images.
        high: upper end.
        n: number of images.
        splits: those that both systems were run on.
    """

    mean: float
    low: float
    high: float
    n: int
    splits: tuple[str, ...]


def score_runs(runs: Iterable[Run], *, size: str, tta: str) -> pd.DataFrame:
    """Turn the pixel counts of runs into scores.

    Args:
        runs: of one system on one data set.
        size: ``"resized"`` or ``"native"``.
        tta: ``"none"``, ``"paper"`` or ``"d4"``; of no account for a classical method.

    Returns:
        One row for each run and image, with `COLUMNS`; scores from 0 to 1. Runs that diverged, or
        were not scored that way, have no row.
    """
    rows = [
        {
            "run": run.id,
            "split": run.split,
            "image": image,
            **asdict(counts),
            **scores(counts),
        }
        for run in runs
        if not run.diverged
        for image, counts in run.counts(size=size, tta=tta).items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def by_image(table: pd.DataFrame) -> pd.DataFrame:
    """`METRICS` of each image, the mean over its splits: scored by three seeds it counts once."""
    return table.groupby("image")[list(METRICS)].mean()


def by_split(table: pd.DataFrame) -> pd.DataFrame:
    """`METRICS` of each fold or seed, the mean over its images."""
    return table.groupby("split")[list(METRICS)].mean()


def pool_pixels(table: pd.DataFrame) -> dict[str, float]:
    """`METRICS` of all pixels of all rows together, each image as often as it was scored."""
    pooled = scores(Counts(*(int(table[column].sum()) for column in COUNTS)))
    return {metric: pooled[metric] for metric in METRICS}


def best_split(table: pd.DataFrame) -> str:
    """The fold or seed with the highest mean Jaccard, the first of equals.

    The paper reports this one. It is chosen by its own test images, and so promises too much.
    """
    return str(by_split(table)["jaccard"].idxmax())


def spread(values: pd.Series[float]) -> Spread:
    """Mean ± sample standard deviation."""
    return Spread(float(values.mean()), float(values.std(ddof=1)), len(values))


def paired_difference(
    table: pd.DataFrame, other: pd.DataFrame, *, metric: str = "jaccard"
) -> Difference | None:
    """Compare two systems on the images that both scored, in the splits that both were run on.

    Args:
        table: of `score_runs`.
        other: of `score_runs`, of the same data set.
        metric: one of `METRICS`.

    Returns:
        The mean of table minus other with its 95 % interval, or None where they share no image of
        any split: then their difference would be that of the images too.
    """
    pairs = table.merge(other, on=["split", "image"], suffixes=("", "_other"))
    if pairs.empty:
        return None
    pairs["difference"] = pairs[metric] - pairs[f"{metric}_other"]
    differences = pairs.groupby("image")["difference"].mean().to_numpy()
    low, high = bootstrap_interval(differences)
    splits = tuple(sorted(pairs["split"].unique()))
    return Difference(float(differences.mean()), low, high, len(differences), splits)


def bootstrap_interval(
    values: NDArray[np.float64], *, draws: int = 10_000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """The percentile interval of a mean, by drawing images with replacement.

    Efron & Tibshirani 1993, chapter 13. It says how far the choice of images moves the mean, not
    how far another training would; and it takes the images for independent.

    Args:
        values: one for each image, (n,).
        draws: how many samples of n images.
        seed: of the draws.
        level: share of the draws' means inside the interval.

    Returns:
        Its two ends; NaN for fewer than two images.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    random = np.random.default_rng(seed)
    means = [
        values[random.integers(0, len(values), (rows, len(values)))].mean(axis=1)
        for rows in _portions(draws)
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


def _portions(draws: int) -> list[int]:
    """Parts of at most `DRAWS_AT_ONCE` that add up."""
    whole, rest = divmod(draws, DRAWS_AT_ONCE)
    return [DRAWS_AT_ONCE] * whole + [rest] * bool(rest)
