"""a finished run ↔ one JSON file, and its predicted masks ↔ one npz file beside it."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import whole_or_nothing, write_text
from coverslip.errors import CoverslipError, DataError, FileError
from coverslip.metrics import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


FORMAT = "coverslip-run-1"
NO_LEARNING = "no learning"


@dataclass(frozen=True)
class Run:
    """One system, trained and scored on one split of one data set.

    Attributes:
        id: ``dataset.split.budget.system``, also the stem of its file.
        dataset: name of the data set.
        split: ``"seed0"``, ``"fold2"`` and so on.
        system: key of `reproduction.systems.SYSTEMS` or `ABLATIONS`.
        budget: name, size_px, crop_px, batch, epochs, steps_per_epoch.
        model: network, or classical method.
        arguments: of the network's constructor.
        settings: of the training, or of the classical method.
        pretrained: ``"ImageNet"``, ``"none"`` (He initialisation) or ``"no learning"``.
        parameters: number of them; None for classical methods.
        gflop: for one image of size_px; None for classical methods.
        attempts: lr, outcome (converged, diverged) and reason of each; the last one counts.
        history: epoch, train_loss, val_jaccard and seconds of each epoch.
        images: how many in train, val and test.
        request: what was asked for; what is asked for otherwise is another run.
        seconds: train and score.
        peak_memory_mb: while training; None where nobody measured.
        device: that it ran on.
        provenance: versions, commit and machine.
        scores: size (resized, native) → test-time augmentation (none, paper, d4) → image →
            [tp, fp, fn, tn] in px.
    """

    id: str
    dataset: str
    split: str
    system: str
    budget: dict[str, Any]
    model: str
    arguments: dict[str, Any]
    settings: dict[str, Any]
    pretrained: str
    parameters: int | None
    gflop: float | None
    attempts: list[dict[str, Any]]
    history: list[dict[str, Any]]
    images: dict[str, int]
    request: dict[str, Any]
    seconds: dict[str, float]
    peak_memory_mb: float | None
    device: str
    provenance: dict[str, Any]
    scores: dict[str, dict[str, dict[str, list[int]]]]

    @property
    def diverged(self) -> bool:
        """Whether even its last attempt did not learn, so that its scores mean nothing."""
        return bool(self.attempts) and self.attempts[-1]["outcome"] == "diverged"

    def counts(self, *, size: str, tta: str) -> dict[str, Counts]:
        """The pixel counts of every test image; none where it was not scored that way.

        A classical method has no test-time augmentation and answers the same for each.
        """
        tta = "none" if self.pretrained == NO_LEARNING else tta
        images = self.scores.get(size, {}).get(tta, {})
        return {name: Counts(*counts) for name, counts in images.items()}


def read_run(path: Path) -> Run:
    """Read a run.

    Raises:
        FileError: the file cannot be read.
        DataError: it is no run of ours, damaged, or not named as its contents say.
    """
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}). Check its path.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: no JSON ({error}), a finished run was wanted: remove it and run it again."
        ) from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise DataError(
            f"{path}: no run of this version of coverslip (its format is not {FORMAT!r}): "
            "move it elsewhere, or run it again."
        )
    missing = [field.name for field in fields(Run) if field.name not in contents]
    if missing:
        raise DataError(f"{path}: damaged, it lacks {', '.join(missing)}: run it again.")
    run = Run(**{field.name: contents[field.name] for field in fields(Run)})
    _check(path, run)
    return run


def read_runs(folder: Path, *, on_skipped: Callable[[str], None]) -> list[Run]:
    """Read all runs of a folder, sorted by their id.

    Args:
        folder: where the JSON files lie; those in folders below it are not looked at.
        on_skipped: called with the message of every file that is no run, so that one bad file
            does not cost all the tables.

    Raises:
        FileError: no such folder.
    """
    if not folder.is_dir():
        raise FileError(
            f"{folder}: no such folder. Check its path, or run coverslip reproduce first."
        )
    runs = []
    for path in sorted(folder.glob("*.json")):
        try:
            runs.append(read_run(path))
        except CoverslipError as error:
            on_skipped(str(error))
    return sorted(runs, key=lambda run: run.id)


def write_run(path: Path, run: Run) -> None:
    """Write a run, whole or not at all, one line for each entry.

    A number that is not finite, such as the loss of a training that diverged, becomes null.

    Raises:
        FileError: the file cannot be written.
        ValueError: the file is not named as the run is.
    """
    if path.name != f"{run.id}.json":
        raise ValueError(f"{path}: the run {run.id} was wanted in {run.id}.json")
    contents = _finite({"format": FORMAT, **asdict(run)})
    lines = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in contents.items()
    )
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _check(path: Path, run: Run) -> None:
    """Refuse a run that the tables would stumble over, or count twice."""
    try:
        wanted = f"{run.dataset}.{run.split}.{run.budget['name']}.{run.system}"
        outcomes = [attempt["outcome"] for attempt in run.attempts]
        rates = [attempt["lr"] for attempt in run.attempts]
        counts = [
            counts
            for ttas in run.scores.values()
            for images in ttas.values()
            for counts in images.values()
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(f"{path}: damaged ({error!r}): run it again.") from error
    if run.id != wanted or path.stem != wanted:
        raise DataError(
            f"{path}: renamed or a copy, its contents are those of {wanted}: give it that name, "
            "or remove it; counted twice, it would change the tables."
        )
    if (
        not set(outcomes) <= {"converged", "diverged"}
        or not all(isinstance(rate, int | float) for rate in rates)
        or not all(map(_are_counts, counts))
    ):
        raise DataError(
            f"{path}: damaged, wanted attempts that converged or diverged at a learning rate, and "
            "four pixel counts for every image: run it again."
        )


def _are_counts(counts: Any) -> bool:
    is_list = isinstance(counts, list) and len(counts) == 4
    return is_list and all(type(count) is int and count >= 0 for count in counts)


def _finite(value: Any) -> Any:
    """The same without NaN and infinity, for which JSON has no word."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_masks(path: Path, masks: Mapping[str, NDArray[np.bool_]]) -> None:
    """Write masks as `numpy.savez_compressed` would; the same masks make the same bytes.

    Args:
        path: the file, ``.npz``.
        masks: (H, W) bool by the name of their image, which may be any ("file" among them, which
            `savez_compressed` takes for its own).

    Raises:
        FileError: the file cannot be written.
        TypeError: an array is not bool.
    """
    for name, mask in masks.items():
        if mask.dtype != np.bool_:
            raise TypeError(f"{path}: {name} has type {mask.dtype}, a bool mask was wanted")
    with (
        whole_or_nothing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, mask in masks.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # of 1980, as numpy's
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, mask, allow_pickle=False)


def read_masks(path: Path) -> dict[str, NDArray[np.bool_]]:
    """Read the masks of `write_masks` or of `numpy.savez_compressed`.

    Raises:
        FileError: missing, damaged, or holding anything but bool arrays (H, W).
    """
    try:
        # opened here, for numpy leaves a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            masks = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, TypeError, zlib.error, zipfile.BadZipFile) as error:
        raise FileError(
            f"{path}: cannot be read as masks ({error}): remove the run and run it again."
        ) from error
    for name, mask in masks.items():
        if mask.dtype != np.bool_ or mask.ndim != 2:
            raise FileError(
                f"{path}: {name} is {mask.dtype} of shape {mask.shape}, a bool mask (H, W) was "
                "wanted: remove the run and run it again."
            )
    return masks
