"""pairs of truth and prediction → table: one row per image."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from numpy.typing import NDArray

from coverslip.errors import CoverslipError, DataError, list_problems
from coverslip.evaluate.matching import FilePair, Matches, match_files
from coverslip.evaluate.numbers import find_kind, number_cells
from coverslip.evaluate.rows import Scored, make_table
from coverslip.files import check_labels, read_labels
from coverslip.metrics import count_cells, count_pixels

Item = TypeVar("Item")


def evaluate(pairs: Iterable[tuple[str, NDArray[Any], NDArray[Any]]]) -> pd.DataFrame:
    """Score predictions against truths that are in memory.

    Args:
        pairs: (name, truth, pred), each (H, W), or with times and depths before it; bool or
            integer labels. Cells are scored where the truth numbers them; of a predicted mask the
            8-connected pieces are taken for cells.

    Returns:
        A table with `COLUMNS`, one row per image; a series has one row per frame. The columns of
        cells are missing where the truth is a mask.

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


def _collect(items: Iterable[Item], *, score: Callable[[Item], list[Scored]]) -> pd.DataFrame:
    """Score every item, so that a user hears of all problems at once and not of the first."""
    images: list[Scored] = []
    problems: list[str] = []
    for item in items:
        try:
            images += score(item)
        except CoverslipError as error:
            problems.append(str(error))
    if problems:
        cure = "Nothing was scored: mend these, or leave them out"
        raise DataError(list_problems(problems, cure=cure))
    return make_table(images)


def _score_files(pair: FilePair) -> list[Scored]:
    return _score(pair.name, truth=read_labels(pair.truth), pred=read_labels(pair.pred))


def _score(name: str, *, truth: NDArray[Any], pred: NDArray[Any]) -> list[Scored]:
    """Score one pair, frame by frame if it is a series."""
    truth, pred = _drop_single_frames(truth), _drop_single_frames(pred)
    check_labels(truth, what=f"{name}, truth")
    check_labels(pred, what=f"{name}, prediction")
    try:
        if truth.ndim == 2 or truth.shape != pred.shape:
            return [_score_frame(name, truth, pred)]
        frames = zip(_frames(truth), _frames(pred), strict=True)
        return [_score_frame(f"{name} frame {i}", *pair) for i, pair in enumerate(frames)]
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def _score_frame(name: str, truth: NDArray[Any], pred: NDArray[Any]) -> Scored:
    pixels = count_pixels(truth > 0, pred > 0)
    kind = find_kind(truth)
    numbered, cells_by = number_cells(pred)
    cells = None if kind == "mask" else count_cells(truth, numbered)
    return Scored(name, pixels=pixels, truth=kind, cells=cells, cells_by=cells_by)


def _drop_single_frames(labels: NDArray[Any]) -> NDArray[Any]:
    """A series of one frame is an image: (1, 1, H, W) and (1, H, W) → (H, W)."""
    while labels.ndim > 2 and len(labels) == 1:
        labels = labels[0]
    return labels


def _frames(labels: NDArray[Any]) -> NDArray[Any]:
    """Times and depths in one row: (T, Z, H, W) and (T, H, W) → (n, H, W)."""
    return labels.reshape(-1, *labels.shape[-2:])
