"""pairs of truth and prediction → table: one row per image, then mean, spread and pool."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coverslip.errors import CoverslipError, DataError
from coverslip.evaluate.matching import FilePair, Matches, list_problems, match_files
from coverslip.files import read_labels
from coverslip.metrics import Counts, count_pixels, scores

COLUMNS: dict[str, str] = {
    "name": "image, or image and frame",
    "tp": "cell pixels predicted as cell",
    "fp": "background pixels predicted as cell",
    "fn": "cell pixels predicted as background",
    "tn": "background pixels predicted as background",
    "precision": "tp / (tp + fp), 0 to 1",
    "recall": "tp / (tp + fn), 0 to 1",
    "jaccard": "tp / (tp + fp + fn), 0 to 1; 1 for two empty masks",
    "dice": "2 tp / (2 tp + fp + fn), 0 to 1; 1 for two empty masks",
}

SUMMARY_COLUMNS: dict[str, str] = {
    "metric": "precision, recall, jaccard or dice",
    "mean": "mean over images, 0 to 1",
    "sd": "sample standard deviation over images; missing for one image",
    "median": "median over images, 0 to 1",
    "pooled": "score of all pixels of all images together, 0 to 1",
    "n": "number of images",
}

# A mask saved as JPEG has dozens of grey values beside 0 and 255; two or three may be meant.
SOFT_VALUES = 8

Item = TypeVar("Item")
Row = dict[str, Any]


def evaluate(pairs: Iterable[tuple[str, NDArray[Any], NDArray[Any]]]) -> pd.DataFrame:
    """Score predictions against truths that are in memory.

    Args:
        pairs: (name, truth, pred), each (H, W), or with times and depths before it; bool or
            integer labels.

    Returns:
        A table with `COLUMNS`, one row per image; a series has one row per frame.

    Raises:
        DataError: Shapes differ or an array is no mask; all such pairs are listed at once.
    """
    return _collect(pairs, score=lambda pair: _score(pair[0], truth=pair[1], pred=pair[2]))


def evaluate_folders(pred: str | Path, truth: str | Path) -> pd.DataFrame:
    """Match two folders (or two files) and score them: `evaluate_files(match_files(...))`."""
    return evaluate_files(match_files(pred, truth))


def evaluate_files(matches: Matches) -> pd.DataFrame:
    """Read matched files and score them, one pair in memory at a time.

    Returns:
        A table with `COLUMNS`, one row per image; a series has one row per frame.

    Raises:
        DataError: Files that cannot be read or do not fit together; all are listed at once.
    """
    return _collect(matches.pairs, score=_score_files)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Aggregate a table of `evaluate`: one row per metric, with `SUMMARY_COLUMNS`.

    Raises:
        DataError: The table has no row.
    """
    if table.empty:
        raise DataError("No image was scored, nothing to summarise: give one pair or more.")
    total = Counts(*(int(table[column].sum()) for column in ("tp", "fp", "fn", "tn")))
    rows = [
        {
            "metric": metric,
            "mean": table[metric].mean(),
            "sd": table[metric].std(ddof=1),
            "median": table[metric].median(),
            "pooled": pooled,
            "n": len(table),
        }
        for metric, pooled in scores(total).items()
    ]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _collect(items: Iterable[Item], *, score: Callable[[Item], list[Row]]) -> pd.DataFrame:
    """Score every item, so that a user hears of all problems at once and not of the first."""
    rows: list[Row] = []
    problems: list[str] = []
    for item in items:
        try:
            rows += score(item)
        except CoverslipError as error:
            problems.append(str(error))
    if problems:
        cure = "Nothing was scored: mend these, or leave them out"
        raise DataError(list_problems(problems, cure=cure))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _score_files(pair: FilePair) -> list[Row]:
    return _score(pair.name, truth=read_labels(pair.truth), pred=read_labels(pair.pred))


def _score(name: str, *, truth: NDArray[Any], pred: NDArray[Any]) -> list[Row]:
    """Score one pair, frame by frame if it is a series."""
    truth, pred = _drop_single_frames(truth), _drop_single_frames(pred)
    truth_mask = _to_mask(truth, what=f"{name}, truth")
    pred_mask = _to_mask(pred, what=f"{name}, prediction")
    try:
        if truth.ndim == 2 or truth.shape != pred.shape:
            return [_row(name, count_pixels(truth_mask, pred_mask))]
        frames = zip(_frames(truth_mask), _frames(pred_mask), strict=True)
        return [_row(f"{name} frame {i}", count_pixels(*pair)) for i, pair in enumerate(frames)]
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def _row(name: str, counts: Counts) -> Row:
    return {"name": name, **asdict(counts), **scores(counts)}


def _drop_single_frames(labels: NDArray[Any]) -> NDArray[Any]:
    """A series of one frame is an image: (1, 1, H, W) and (1, H, W) → (H, W)."""
    while labels.ndim > 2 and len(labels) == 1:
        labels = labels[0]
    return labels


def _frames(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Times and depths in one row: (T, Z, H, W) and (T, H, W) → (n, H, W)."""
    return mask.reshape(-1, *mask.shape[-2:])


def _to_mask(labels: NDArray[Any], *, what: str) -> NDArray[np.bool_]:
    """Turn labels into a mask, and refuse what only looks like labels."""
    if labels.dtype == np.bool_:
        return labels
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{what}: values of type {labels.dtype}, a mask or integer labels were wanted. "
            "Threshold a probability map first."
        )
    if _has_soft_edges(labels):
        raise DataError(
            f"{what}: grey values between 0 and 255, as in a mask saved as JPEG or resized with "
            "smoothing; each would count as cell. Save it as 0/255 PNG or TIFF, resized with "
            "nearest neighbour."
        )
    return np.asarray(labels > 0)


def _has_soft_edges(labels: NDArray[Any]) -> bool:
    """Tell a 0/255 mask with grey edges from instance ids, where no id has most of the pixels."""
    if labels.size == 0 or labels.min() < 0 or labels.max() != 255:
        return False
    counts = np.bincount(labels.ravel(), minlength=256)[1:]
    return bool(counts[254] * 2 > counts.sum() and np.count_nonzero(counts) > SOFT_VALUES)
