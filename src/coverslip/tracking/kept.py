"""cells and links of a film that is being tracked ↔ files: a run that was killed goes on from them.

What follows from one key (labels, images, settings, code) lies in one folder, whose name is its
hash. Each file is whole or not there; all are removed when the results are written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
import zlib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.io import whole_or_nothing
from coverslip.tracking.cells import Cells
from coverslip.tracking.cost import Scales
from coverslip.tracking.link import Linked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

FOLDER = "in-work"
RUN = 10
BROKEN = (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class KeptWork:
    """What is done of a film, a file for each run of frames.

    Attributes:
        folder: Where the files are.
    """

    folder: Path

    @staticmethod
    def runs(n: int) -> list[range]:
        """The runs of frames that are kept together: a kill costs one of them at most."""
        return [range(start, min(start + RUN, n)) for start in range(0, n, RUN)]

    def cells(self, frames: Iterable[int], find: Callable[[int], Cells]) -> list[Cells]:
        """The cells of a run of frames: those that are kept, or found now and kept."""
        numbers = list(frames)
        path = self.folder / f"cells_{numbers[0]:06d}.npz"
        kept = _read(path, Cells, numbers)
        if kept is None:
            kept = {number: find(number) for number in numbers}
            _write(path, kept)
        found = [kept[number] for number in numbers]
        return [replace(one, size=(int(one.size[0]), int(one.size[1]))) for one in found]

    def links(
        self, frames: Iterable[int], link: Callable[[list[int]], dict[int, Linked]]
    ) -> dict[int, Linked]:
        """The links of a run of frames, each with the next: those that are kept, or made now."""
        numbers = list(frames)
        path = self.folder / f"links_{numbers[0]:06d}.npz"
        kept = _read(path, Linked, numbers)
        if kept is None:
            kept = link(numbers)
            _write(path, kept)
        return kept

    def scales(self, learn: Callable[[], Scales]) -> Scales:
        """The scales of the film: those that are kept, or learnt now."""
        path = self.folder / "scales.npz"
        kept = _read(path, Scales, [0])
        if kept is None:
            kept = {0: learn()}
            _write(path, kept)
        scales: Scales = kept[0]
        return scales


def keep_work(out: Path, key: Mapping[str, Any]) -> KeptWork:
    """Open what was kept under a key in a folder of results; that of other keys is removed."""
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    for other in (out / FOLDER).glob("*"):
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)
    (out / FOLDER / name).mkdir(parents=True, exist_ok=True)
    return KeptWork(out / FOLDER / name)


def remove_work(out: Path) -> None:
    """Remove what a run left that was killed after its results were written."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def _write(path: Path, some: Mapping[int, Any]) -> None:
    """Write dataclasses of arrays and numbers, each field an array."""
    arrays = {
        f"{number}.{field.name}": np.asarray(getattr(one, field.name))
        for number, one in some.items()
        for field in fields(one)
    }
    with whole_or_nothing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def _read(path: Path, kind: type[Any], numbers: list[int]) -> dict[int, Any] | None:
    """What `_write` wrote; None where it is not there or broken."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            names = [field.name for field in fields(kind)]
            return {
                number: kind(**{name: _plain(file[f"{number}.{name}"]) for name in names})
                for number in numbers
            }
    except BROKEN:
        return None


def _plain(values: Any) -> Any:
    """A number as such; an array as it is."""
    return values.item() if values.ndim == 0 else values
