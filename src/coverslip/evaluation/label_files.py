"""two folders of label files → pairs → the scores of each image.

Predictions of any tool are compared with ground truth, file by file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from coverslip.errors import CoverslipError, DataError, costs_itself, list_problems
from coverslip.evaluation.score_table import Scored, find_kind, make_table, number_cells
from coverslip.io import (
    Named,
    check_labels,
    group_label_files,
    label_files_in,
    label_name,
    match_names,
    read_checked,
)
from coverslip.metrics import count_cells, count_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd
    from numpy.typing import NDArray

Item = TypeVar("Item")


def evaluate(
    pairs: Iterable[tuple[str, NDArray[Any], NDArray[Any]]],
    *,
    on_note: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:
    """Score predictions against truths that are in memory.

    Args:
        pairs: (name, truth, pred), each (H, W), or with times and depths before it; bool or
            integer labels. Cells are scored where the truth numbers them; of a predicted mask the
            8-connected pieces are taken for cells.
        on_note: Called with what was decided of the numbers, see `coverslip.io.check_labels`.

    Returns:
        A table with `COLUMNS`, one row per image; a series has one row per frame. The columns of
        cells are missing where the truth is a mask.

    Raises:
        DataError: Shapes differ or an array is no mask; all such pairs are listed at once.

    Example:
        >>> import coverslip, numpy as np
        >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 2]])
        >>> pred = np.array([[1, 1, 1, 0, 0, 0, 0, 2]])
        >>> table = coverslip.evaluate([("a", truth, pred)])
        >>> table[["name", "jaccard", "n_true", "cell_recall"]]
          name   jaccard  n_true  cell_recall
        0    a  0.571429       2          0.5
    """
    return collect_scores(
        pairs,
        name=lambda pair: Path(pair[0]),
        score=lambda pair: score_arrays(*pair, on_note=on_note),
    )


def evaluate_folders(pred: str | Path, truth: str | Path) -> pd.DataFrame:
    """Match two folders (or two files) and score them: `evaluate_files(match_files(...))`.

    Example:
        >>> import coverslip
        >>> table = coverslip.evaluate_folders("examples/truth/nuclei", "examples/truth/nuclei")
        >>> len(table), float(table["mean_ap"].min())
        (5, 1.0)
    """
    return evaluate_files(match_files(pred, truth))


def evaluate_files(
    matches: Matches,
    *,
    on_note: Callable[[str], None] = lambda text: None,
    on_failed: Callable[[Path, str], None] | None = None,
) -> pd.DataFrame:
    """Read matched files and score them, one pair in memory at a time.

    Args:
        matches: From `match_files`.
        on_note: As for `evaluate`.
        on_failed: Called with each prediction that cannot be scored, and why, while the others
            are; None: all such are raised in the end.

    Returns:
        A table with `COLUMNS`, one row per image; a series has one row per frame.

    Raises:
        DataError: Files that cannot be read or do not fit together, where nobody is called with
            them, or where all are such; all are listed at once.

    Example:
        >>> from coverslip.evaluation import evaluate_files, match_files
        >>> matches = match_files("examples/truth/nuclei", "examples/truth/nuclei")
        >>> float(evaluate_files(matches)["jaccard"].min())
        1.0
    """
    return collect_scores(
        matches.pairs,
        name=lambda pair: pair.pred,
        score=lambda pair: _score_files(pair, on_note=on_note),
        on_failed=on_failed,
    )


def collect_scores(
    items: Iterable[Item],
    *,
    name: Callable[[Item], Path],
    score: Callable[[Item], list[Scored]],
    on_failed: Callable[[Path, str], None] | None = None,
) -> pd.DataFrame:
    """Score every item, so that one that cannot be costs itself only, and each problem is told.

    Args:
        items: What is scored.
        name: The file of an item, to be named.
        score: Its scores.
        on_failed: As for `evaluate_files`.

    Raises:
        DataError: Of all problems at once, where nobody is called with them or all items have one.
    """
    images: list[Scored] = []
    failed: dict[Path, str] = {}

    def fail(path: Path, why: str) -> None:
        failed[path] = why
        if on_failed is not None:
            on_failed(path, why)

    for item in items:
        with costs_itself(name(item), fail, kinds=Exception if on_failed else CoverslipError):
            images += score(item)
    if failed and (on_failed is None or not images):
        cure = "Nothing was scored: mend these, or leave them out"
        raise DataError(list_problems(list(failed.values()), cure=cure))
    return make_table(images)


def _score_files(pair: FilePair, *, on_note: Callable[[str], None]) -> list[Scored]:
    truth = read_checked(pair.truth, image=pair.pred)
    pred = read_checked(pair.pred, image=pair.truth)
    for path, found in ((pair.truth, truth), (pair.pred, pred)):
        for note in found.notes:
            on_note(f"{path}: {note}")
    return _score(pair.name, truth=truth.labels, pred=pred.labels)


def score_arrays(
    name: str,
    truth: NDArray[Any],
    pred: NDArray[Any],
    *,
    on_note: Callable[[str], None] = lambda text: None,
) -> list[Scored]:
    """Score a prediction against its truth, as `evaluate` does."""
    checked = []
    for what, values in (("truth", truth), ("prediction", pred)):
        found = check_labels(values, what=f"{name}, {what}")
        for note in found.notes:
            on_note(f"{name}, {what}: {note}")
        # Of a bool array it is known that it is a mask, also where that has one piece.
        checked.append(values if values.dtype == np.bool_ else found.labels)
    return _score(name, truth=checked[0], pred=checked[1])


def _score(name: str, *, truth: NDArray[Any], pred: NDArray[Any]) -> list[Scored]:
    """Score one pair, frame by frame if it is a series."""
    truth, pred = _drop_single_frames(truth), _drop_single_frames(pred)
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

    Example:
        >>> from pathlib import Path
        >>> from coverslip.evaluation import FilePair
        >>> FilePair("a", pred=Path("pred/a_cp_masks.png"), truth=Path("truth/a.tif")).name
        'a'
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

    Example:
        >>> from coverslip.evaluation import match_files
        >>> len(match_files("examples/truth/nuclei", "examples/truth/nuclei").pairs)
        5
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

    Example:
        >>> from coverslip.evaluation import match_files
        >>> matches = match_files("examples/truth/nuclei", "examples/truth/nuclei")
        >>> matches.pairs[0].name, matches.pairs[0].truth.name, len(matches.without_truth)
        ('fluorescence_culture', 'fluorescence_culture.png', 0)
    """
    pred, truth = Path(pred), Path(truth)
    if pred.is_file() and truth.is_file() and len(label_files_in(truth)) == 1:
        return Matches(
            pairs=(FilePair(label_name(truth), pred=pred, truth=truth),), without_truth=()
        )
    preds, truths = group_label_files(pred), group_label_files(truth)
    asked = Named("prediction", pred, {name: preds[name] for name in sorted(preds)})
    found = match_names(
        Named("truth", truth, {name: truths[name] for name in sorted(truths)}), asked
    )
    missing = [name for name in sorted(truths) if name not in found.pairs]
    if allow_missing and found.pairs:
        found = match_names(
            Named("truth", truth, {name: truths[name] for name in found.pairs}), asked
        )
    if found.problems:
        cure = "Give every truth one prediction of the same name, or move the others away"
        cure += ", or score those that have one (evaluate --allow-missing)" * bool(
            found.pairs and missing
        )
        raise DataError(list_problems(found.problems, cure=cure))
    pairs = (FilePair(name, pred=ours, truth=true) for name, (true, ours) in found.pairs.items())
    return Matches(
        pairs=tuple(pairs),
        without_truth=tuple(file for name in found.left for file in preds[name]),
        without_pred=tuple(file for name in missing for file in truths[name]),
    )
