"""two folders of label files → pairs → the scores of each image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from coverslip.errors import CoverslipError, DataError, list_problems
from coverslip.evaluation.score_table import Scored, find_kind, make_table, number_cells
from coverslip.io import check_labels, group_label_files, label_name, read_labels, say_ambiguous
from coverslip.metrics import count_cells, count_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd
    from numpy.typing import NDArray

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


@dataclass(frozen=True)
class FilePair:
    """A prediction and its truth.

    Attributes:
        name: What they have in common, for the table.
        pred: Label or mask file of a tool.
        truth: Label or mask file to score it against.
    """

    name: str
    pred: Path
    truth: Path


@dataclass(frozen=True)
class Matches:
    """The files of two folders, matched.

    Attributes:
        pairs: Sorted by name.
        without_truth: Files beside the predictions that no truth asks for. They are not scored,
            and the user should be told so.
        without_pred: Truths without a prediction, likewise, where some may be missing.
    """

    pairs: tuple[FilePair, ...]
    without_truth: tuple[Path, ...]
    without_pred: tuple[Path, ...] = ()


def match_files(pred: str | Path, truth: str | Path, *, allow_missing: bool = False) -> Matches:
    """Match predictions with truths by name.

    Names are compared without folder, file type and what tools append, so `a.tif`,
    `a_cp_masks.png` and `a_labels.ome.tif` belong together. A folder's subfolder `labels` or
    `masks` is taken in its place. Two files are a pair whatever their names.

    Args:
        pred: Folder or file of predictions.
        truth: Folder or file to score them against.
        allow_missing: Leave truths without a prediction out, as long as there is any pair.

    Raises:
        FileError: A folder or file is not there, or has no image in it.
        DataError: Truths without a prediction, or several files for one name; all listed at once.
    """
    pred, truth = Path(pred), Path(truth)
    if pred.is_file() and truth.is_file():
        return Matches(
            pairs=(FilePair(label_name(truth), pred=pred, truth=truth),), without_truth=()
        )
    preds, truths = group_label_files(pred), group_label_files(truth)
    both, missing = sorted(truths.keys() & preds.keys()), sorted(truths.keys() - preds.keys())
    problems = [f"{truths[name][0]}: no prediction of this name in {pred}." for name in missing]
    if allow_missing and both:
        problems = []
    for name in both:
        found = (truths[name], preds[name])
        problems += [say_ambiguous(files) for files in found if len(files) > 1]
    if problems:
        cure = "Give every truth one prediction of the same name, or move the others away"
        cure += ", or score those that have one (evaluate --allow-missing)" * bool(both and missing)
        raise DataError(list_problems(problems, cure=cure))
    pairs = (FilePair(name, pred=preds[name][0], truth=truths[name][0]) for name in both)
    extra = (file for name in sorted(preds.keys() - truths.keys()) for file in preds[name])
    return Matches(
        pairs=tuple(pairs),
        without_truth=tuple(extra),
        without_pred=tuple(file for name in missing for file in truths[name]),
    )
