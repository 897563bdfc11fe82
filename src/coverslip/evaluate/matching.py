"""two folders of label files → pairs of prediction and truth."""

from dataclasses import dataclass
from pathlib import Path

from coverslip.errors import DataError, list_problems
from coverslip.files import group_label_files, label_name, say_ambiguous


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
    """

    pairs: tuple[FilePair, ...]
    without_truth: tuple[Path, ...]


def match_files(pred: str | Path, truth: str | Path) -> Matches:
    """Match predictions with truths by name.

    Names are compared without folder, file type and what tools append, so `a.tif`,
    `a_cp_masks.png` and `a_labels.ome.tif` belong together. A folder's subfolder `labels` or
    `masks` is taken in its place. Two files are a pair whatever their names.

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
    problems = [
        f"{truths[name][0]}: no prediction of this name in {pred}."
        for name in sorted(truths.keys() - preds.keys())
    ]
    for name in sorted(truths.keys() & preds.keys()):
        found = (truths[name], preds[name])
        problems += [say_ambiguous(files) for files in found if len(files) > 1]
    if problems:
        cure = "Give every truth one prediction of the same name, or move the others away"
        raise DataError(list_problems(problems, cure=cure))
    pairs = (FilePair(name, pred=preds[name][0], truth=truths[name][0]) for name in sorted(truths))
    extra = (file for name in sorted(preds.keys() - truths.keys()) for file in preds[name])
    return Matches(pairs=tuple(pairs), without_truth=tuple(extra))
