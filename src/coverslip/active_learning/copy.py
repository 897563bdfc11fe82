"""the chosen frames → TIFFs ready to be annotated, with predicted labels as a start.

A person corrects the predicted labels, which is quicker than to draw ground truth from nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from coverslip.errors import SettingsError
from coverslip.io import (
    find_channel,
    open_reading,
    read_frame,
    stem,
    whole_or_nothing,
    write_labels,
)
from coverslip.io.stack import physical_size
from coverslip.pipeline import segment

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.pipeline import Job

# Those that an OME-TIFF can hold; others are kept as float32.
OME_TYPES = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")


def check_copy(folder: Path) -> None:
    """Refuse a folder with something in it, which may be hours of somebody's drawing.

    Raises:
        SettingsError: it is not empty, or no folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(
            f"{folder}: is there already and not empty, and labels that were corrected there must "
            "not be lost: choose another folder for --copy."
        )


def copy_frames(
    table: pd.DataFrame,
    folder: Path,
    *,
    job: Job,
    on_frame: Callable[[int], None] = lambda done: None,
) -> list[Path]:
    """Write each chosen frame as ``NAME.tif``, and its predicted labels as ``NAME_labels.tif``.

    So the folder is one of annotated images, as `coverslip.io.find_pairs` reads it, once the
    labels are corrected.

    Args:
        table: of `suggest_frames`.
        folder: empty, or not there.
        job: as for `suggest_frames`.
        on_frame: called after each frame with how many are done.

    Returns:
        The images written.

    Raises:
        SettingsError: the folder is not empty.
        FileError: a file cannot be read, or not written.
    """
    check_copy(folder)
    written: list[Path] = []
    for source, number in zip(table["file"], table["frame"], strict=True):
        file = open_reading(source, job.reading)
        image = read_frame(file, int(number), channel=find_channel(file, job.reading))
        name = stem(Path(source)) + (f"_frame_{number:05d}" if file.n_frames > 1 else "")
        target = folder / f"{free_name(name, written)}.tif"
        found = segment(image, job.model, settings=job.settings)
        write_frame(target, image, pixel_size_um=file.pixel_size_um)
        write_labels(
            target.with_name(f"{target.stem}_labels.tif"),
            [found.labels],
            shape=found.labels.shape,
            axes="YX",
            pixel_size_um=file.pixel_size_um,
        )
        written.append(target)
        on_frame(len(written))
    return written


def free_name(name: str, written: list[Path]) -> str:
    """The name, with a number where a file of another folder has had it."""
    taken = {path.stem for path in written}
    numbered = (f"{name}_{i}" for i in range(2, len(written) + 2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def write_frame(
    path: Path, image: NDArray[Any], *, pixel_size_um: tuple[float, float] | None
) -> None:
    """Write a frame (H, W) or (H, W, 3) as OME-TIFF, of its own type.

    Raises:
        FileError: the file cannot be written.
    """
    kept = image if image.dtype.str[1:] in OME_TYPES else image.astype(np.float32)
    # Opened here, as tifffile, closing a file, does not say if that fails.
    with whole_or_nothing(path) as temporary, temporary.open("w+b") as file:
        tifffile.imwrite(
            file,
            kept,
            ome=True,
            photometric="minisblack" if image.ndim == 2 else "rgb",
            compression="zlib",
            metadata={"axes": "YX" if image.ndim == 2 else "YXS", **physical_size(pixel_size_um)},
        )
