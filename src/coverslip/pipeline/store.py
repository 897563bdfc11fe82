"""tiles, regions and rows of cells ↔ memory, or files of arrays, each whole or not at all."""

from __future__ import annotations

import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from coverslip.io import whole_or_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.tiling import Region

    Arrays = Mapping[str, NDArray[Any]]

BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
COLUMN = "cells."  # what the columns of a table are called among other arrays


class RegionStore(Protocol):
    """The regions of one frame that are done, by `coverslip.pipeline.region.pack_region`."""

    def put(self, region: Region, arrays: Arrays) -> None:
        """Keep a region."""

    def is_done(self, region: Region) -> bool:
        """Whether a region is there and whole."""

    def get(self, region: Region, *names: str) -> dict[str, NDArray[Any]]:
        """Some of its arrays."""

    def rows(self, region: Region) -> pd.DataFrame:
        """Its rows of cells."""


@dataclass(frozen=True)
class HeldRegions:
    """Regions in memory: of an image that is done in one go."""

    held: dict[int, Arrays] = field(default_factory=dict)

    def put(self, region: Region, arrays: Arrays) -> None:
        """Keep a region."""
        self.held[region.number] = arrays

    def is_done(self, region: Region) -> bool:
        """Whether a region is there."""
        return region.number in self.held

    def get(self, region: Region, *names: str) -> dict[str, NDArray[Any]]:
        """Some of its arrays."""
        return {name: self.held[region.number][name] for name in names}

    def rows(self, region: Region) -> pd.DataFrame:
        """Its rows of cells."""
        return arrays_to_table(self.held[region.number])


@dataclass(frozen=True)
class RegionFolder:
    """Regions on disk: of a film or a large image, which may be stopped and goes on later."""

    folder: Path

    def path(self, region: Region) -> Path:
        """Where a region is kept."""
        row, column = region.place
        return self.folder / f"region_{row:05d}_{column:05d}.npz"

    def put(self, region: Region, arrays: Arrays) -> None:
        """Keep a region.

        Raises:
            FileError: it cannot be written.
        """
        write_arrays(self.path(region), arrays)

    def is_done(self, region: Region) -> bool:
        """Whether a region is there and can be read from end to end."""
        try:
            with zipfile.ZipFile(self.path(region)) as file:
                return file.testzip() is None
        except BROKEN:
            return False

    def is_there(self, region: Region) -> bool:
        """Whether a region is there, whole or not: a quick look."""
        return self.path(region).is_file()

    def get(self, region: Region, *names: str) -> dict[str, NDArray[Any]]:
        """Some of its arrays.

        Raises:
            OSError, ValueError, KeyError, zipfile.BadZipFile: it is not there, or broken.
        """
        with opened_arrays(self.path(region)) as file:
            return {name: file[name] for name in names}

    def rows(self, region: Region) -> pd.DataFrame:
        """Its rows of cells; raises as `get`."""
        return read_table(self.path(region))


@dataclass(frozen=True)
class TileCache:
    """The predicted tiles of a frame on disk, until all regions that need them are done."""

    folder: Path

    def path(self, index: tuple[int, int]) -> Path:
        """Where a tile is kept."""
        return self.folder / f"{index[0]:05d}_{index[1]:05d}.npy"

    def has(self, index: tuple[int, int]) -> bool:
        """Whether a tile is there."""
        return self.path(index).is_file()

    def get(self, index: tuple[int, int]) -> NDArray[np.float32] | None:
        """Return the cached tile, or None where it is gone or cannot be read."""
        try:
            tile: NDArray[np.float32] = np.load(self.path(index), allow_pickle=False)
        except BROKEN:
            return None
        return tile

    def put(self, index: tuple[int, int], part: NDArray[np.float32]) -> None:
        """Keep a tile."""
        with whole_or_nothing(self.path(index)) as temporary:
            np.save(temporary, part, allow_pickle=False)

    def drop(self, index: tuple[int, int]) -> None:
        """Delete the cached tile."""
        self.path(index).unlink(missing_ok=True)


@contextmanager
def opened_arrays(path: Path) -> Iterator[Any]:
    """Open a file of `write_arrays`; raises as `read_table`."""
    with path.open("rb") as stream:  # NumPy leaves it open where it is damaged
        file = np.load(stream, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array, where several by name are wanted")
        yield file


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


def arrays_to_table(arrays: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """The inverse of `table_to_arrays`; other arrays among them are passed over."""
    names = [name for name in arrays if name.startswith(COLUMN)]
    return pd.DataFrame({name.removeprefix(COLUMN): arrays[name] for name in names})


def read_table(path: Path) -> pd.DataFrame:
    """The table in a file of `write_arrays`.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile: it is not there, or broken.
    """
    with opened_arrays(path) as file:
        names = [name for name in file.files if name.startswith(COLUMN)]
        return arrays_to_table({name: file[name] for name in names})
