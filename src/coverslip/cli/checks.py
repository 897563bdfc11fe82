"""options → nothing, or an error before the model is loaded."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Those of coverslip.evaluation, which cannot be asked without PyTorch.
DEGRADATIONS = (
    "inversion",
    "illumination",
    "noise",
    "photons",
    "blur",
    "resolution",
    "jpeg",
    "scale",
    "brightness",
    "gamma",
)

# What is written beside the table, by the names of its scores.
ROBUSTNESS_FILES = tuple(
    f"{name}.{form}" for name in ("robustness", "robustness_cells") for form in ("png", "pdf")
)


def check_segment(
    images: Sequence[str],
    out: Path,
    *,
    table: str,
    project: str,
    workers: int | None = None,
    scheduler: str | None = None,
    recursive: bool = False,
) -> None:
    """Find what would stop coverslip segment.

    Raises:
        SettingsError: no known format of tables, or projection; or workers that cannot be.
        FileError: images that are not there, or a folder that cannot be written.
    """
    from coverslip._optional import need
    from coverslip.io import check_projection, check_writable, find_images
    from coverslip.tables import check_format

    check_format(table)
    check_projection(project)
    check_crew(scheduler, workers)
    if scheduler is not None:
        need("distributed", extra="cluster", what="work on several machines")
    find_images(images, recursive=recursive)
    check_writable(out)


def check_crew(scheduler: str | None, workers: int | None) -> None:
    """Refuse workers that cannot be.

    Raises:
        SettingsError: a scheduler and workers of one's own, no worker, or no address.
    """
    if scheduler is not None and workers is not None:
        raise SettingsError(
            f"--workers {workers} starts processes of this computer, and --scheduler {scheduler} "
            "has workers of its own: wanted one of the two."
        )
    if workers is not None and workers < 1:
        raise SettingsError(f"--workers {workers}: wanted 1 or more.")
    if scheduler is not None and "://" not in scheduler:
        raise SettingsError(
            f"--scheduler {scheduler}: wanted the address that `dask scheduler` prints, such as "
            "tcp://10.0.0.1:8786."
        )


def check_suggest(
    images: Sequence[str],
    out: Path,
    *,
    model: str,
    number: int,
    every: int,
    copy: Path | None,
    project: str,
) -> None:
    """Find what would stop coverslip suggest.

    Raises:
        SettingsError: a number below 1, no known projection, or a method without learning.
        FileError: images that are not there, or a file or folder that cannot be written.
    """
    from coverslip.io import check_projection, check_writable, find_images
    from coverslip.segmentation.classical import METHODS

    for option, value in (("--number", number), ("--every", every)):
        if value < 1:
            raise SettingsError(f"{option} {value}: wanted 1 or more.")
    check_projection(project)
    if model in METHODS:
        raise SettingsError(
            f"{model} is a method without learning: it is never unsure, and learns nothing from "
            "what you annotate. Take a trained network, such as --model phase."
        )
    find_images(images)
    check_writable(out, is_file=True)
    if copy is not None:
        check_writable(copy)


def check_robustness(
    model: str, data: Path, out: Path, *, masks: Path | None, only: Sequence[str]
) -> None:
    """Find what would stop coverslip robustness.

    Raises:
        SettingsError: an unknown degradation, or the model named last.
        CoverslipError: no pairs of images and masks, a folder that cannot be written, or a file in
            it that coverslip did not write and would replace.
    """
    from coverslip.io import check_ours, check_writable, find_pairs

    for name in only:
        if name not in DEGRADATIONS:
            near = difflib.get_close_matches(name, DEGRADATIONS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise SettingsError(f"--only {name}: wanted one of {', '.join(DEGRADATIONS)}.{hint}")
    check_order("robustness", model, data)
    find_pairs(data, masks)
    check_writable(out)
    for name in ROBUSTNESS_FILES:
        check_ours(out / name)


def check_score(
    model: str, data: Path, *, masks: Path | None, out: Path | None, errors: Path | None
) -> None:
    """Find what would stop coverslip score.

    Raises:
        SettingsError: the model named last.
        CoverslipError: no pairs of images and masks, or a file or folder that cannot be written.
    """
    from coverslip.io import check_writable, find_pairs

    check_order("score", model, data)
    find_pairs(data, masks)
    if out is not None:
        check_writable(out, is_file=True)
    if errors is not None:
        check_writable(errors)


def check_order(verb: str, model: str, data: Path) -> None:
    """Refuse a folder of images where the model is wanted, and a model where they are.

    Raises:
        SettingsError: the two are swapped.
    """
    from coverslip.checkpoints import shipped_models
    from coverslip.segmentation.classical import METHODS

    is_model = str(data) in (*METHODS, *shipped_models()) or data.suffix in (
        ".safetensors",
        ".onnx",
    )
    folder = Path(model)
    if is_model and folder.is_dir() and not (folder / "best.safetensors").is_file():
        raise SettingsError(
            f"{model} is a folder and {data} a model: wanted the model first, "
            f"coverslip {verb} {data} {model}."
        )
