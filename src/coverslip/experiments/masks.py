"""predicted masks ↔ one npz file beside their run's JSON."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

from coverslip.errors import FileError
from coverslip.files import whole_or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


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
