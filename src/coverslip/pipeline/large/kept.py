"""what became of a tile or a region ↔ a file of its own, whole or not at all."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.files import whole_or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.regions import Region

BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
COLUMN = "cells."  # what the columns of a table are called among other arrays


@dataclass(frozen=True)
class TileFolder:
    """The predicted tiles of a frame, until all regions that need them are done."""

    folder: Path

    def path(self, index: tuple[int, int]) -> Path:
        """Where a tile is kept."""
        return self.folder / f"{index[0]:05d}_{index[1]:05d}.npy"

    def has(self, index: tuple[int, int]) -> bool:
        """Whether it is there."""
        return self.path(index).is_file()

    def get(self, index: tuple[int, int]) -> NDArray[np.float32] | None:
        """It, or None where it is gone or cannot be read."""
        try:
            tile: NDArray[np.float32] = np.load(self.path(index), allow_pickle=False)
        except BROKEN:
            return None
        return tile

    def put(self, index: tuple[int, int], part: NDArray[np.float32]) -> None:
        """Keep it."""
        with whole_or_nothing(self.path(index)) as temporary:
            np.save(temporary, part, allow_pickle=False)

    def drop(self, index: tuple[int, int]) -> None:
        """It is needed no more."""
        self.path(index).unlink(missing_ok=True)


@dataclass(frozen=True)
class RegionFolder:
    """The regions of a frame that are done."""

    folder: Path

    def path(self, region: Region) -> Path:
        """Where a region is kept."""
        row, column = region.place
        return self.folder / f"region_{row:05d}_{column:05d}.npz"

    def is_done(self, region: Region) -> bool:
        """Whether it is there and can be read from end to end."""
        try:
            with zipfile.ZipFile(self.path(region)) as file:
                return file.testzip() is None
        except BROKEN:
            return False

    def count(self) -> int:
        """How many are there, whole or not."""
        return len(list(self.folder.glob("region_*.npz")))

    def get(self, region: Region, *names: str) -> dict[str, NDArray[Any]]:
        """Some of its arrays.

        Raises:
            OSError, ValueError, KeyError, zipfile.BadZipFile: it is not there, or broken.
        """
        with np.load(self.path(region), allow_pickle=False) as file:
            return {name: file[name] for name in names}


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays into one file; equal ones make equal bytes.

    Raises:
        FileError: it cannot be written.
    """
    with whole_or_nothing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def table_to_arrays(table: pd.DataFrame) -> dict[str, NDArray[np.generic]]:
    """A table of numbers as arrays, one for each column, in their order."""
    return {f"{COLUMN}{name}": table[name].to_numpy() for name in table}


def read_table(path: Path) -> pd.DataFrame:
    """The table in a file of `write_arrays`.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile: it is not there, or broken.
    """
    with np.load(path, allow_pickle=False) as file:
        names = [name for name in file.files if name.startswith(COLUMN)]
        return pd.DataFrame({name.removeprefix(COLUMN): file[name] for name in names})
