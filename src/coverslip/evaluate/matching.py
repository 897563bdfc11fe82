"""two folders of label files → pairs of prediction and truth."""

from dataclasses import dataclass
from pathlib import Path

from coverslip.errors import DataError
from coverslip.files import find_images, stem

# What tools append to an image's name when they write its mask; the longest first.
SUFFIXES = (
    "_prediction",
    "_cp_masks",
    "_labels",
    "_label",
    "_masks",
    "_truth",
    "_mask",
    "_pred",
    "_seg",
    "_gt",
)

# What lies beside the labels that this package writes, and is no mask.
BY_PRODUCTS = ("_overlay", "_probs", "_uncertainty")


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

    Names are compared without folder, file type and a suffix of `SUFFIXES`, so `a.tif`,
    `a_cp_masks.png` and `a_labels.ome.tif` belong together. A folder's subfolder `labels` or
    `masks` is taken in its place. Two files are a pair whatever their names.

    Raises:
        FileError: A folder or file is not there, or has no image in it.
        DataError: Truths without a prediction, or several files for one name; all listed at once.
    """
    pred, truth = Path(pred), Path(truth)
    if pred.is_file() and truth.is_file():
        return Matches(pairs=(FilePair(_name(truth), pred=pred, truth=truth),), without_truth=())
    preds, truths = _files_by_name(pred), _files_by_name(truth)
    problems = [
        f"{truths[name][0]}: no prediction of this name in {pred}."
        for name in sorted(truths.keys() - preds.keys())
    ]
    for name in sorted(truths.keys() & preds.keys()):
        found = (truths[name], preds[name])
        problems += [_say_ambiguous(files) for files in found if len(files) > 1]
    if problems:
        cure = "Give every truth one prediction of the same name, or move the others away"
        raise DataError(list_problems(problems, cure=cure))
    pairs = (FilePair(name, pred=preds[name][0], truth=truths[name][0]) for name in sorted(truths))
    extra = (file for name in sorted(preds.keys() - truths.keys()) for file in preds[name])
    return Matches(pairs=tuple(pairs), without_truth=tuple(extra))


def _files_by_name(source: Path) -> dict[str, list[Path]]:
    """List label files by name; a file with a mask suffix beats one without (its image)."""
    inner = [source / sub for sub in ("labels", "masks") if (source / sub).is_dir()]
    found = find_images([inner[0] if inner else source])
    by_name: dict[str, list[Path]] = {}
    for file in (file for file in found if not stem(file).endswith(BY_PRODUCTS)):
        by_name.setdefault(_name(file), []).append(file)
    for name, files in by_name.items():
        by_name[name] = [file for file in files if stem(file) != name] or files
    return by_name


def _name(file: Path) -> str:
    """Stem without a mask suffix; a stem that is nothing but a suffix stays."""
    whole = stem(file)
    for suffix in SUFFIXES:
        if whole.lower().endswith(suffix) and len(whole) > len(suffix):
            return whole[: -len(suffix)]
    return whole


def _say_ambiguous(files: list[Path]) -> str:
    others = ", ".join(file.name for file in files[1:])
    return f"{files[0]}: other files of this name beside it ({others})."


def list_problems(problems: list[str], *, cure: str) -> str:
    """One message for all problems: the cure and their number first, then a line each."""
    lines = "\n".join(f"  {problem}" for problem in problems)
    return f"{cure} ({len(problems)}):\n{lines}"
