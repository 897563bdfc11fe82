"""what was found in one frame ↔ a part file, so that a film goes on where it was stopped."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError
from coverslip.files import whole_or_nothing
from coverslip.pipeline.record import json_to_table, table_to_json

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """All that is to be written of one frame, its pictures apart.

    Attributes:
        labels: (H, W) uint32.
        image: its row of images.csv.
        cells: its rows of cells.csv.
        notes: decisions taken when it was read.
        probs: (H, W) float32, where wanted.
        spread: (H, W) float32, where wanted.
    """

    labels: NDArray[np.uint32]
    image: dict[str, Any]
    cells: pd.DataFrame
    notes: tuple[str, ...]
    probs: NDArray[np.float32] | None = None
    spread: NDArray[np.float32] | None = None


def write_part(path: Path, frame: Frame) -> None:
    """Keep a frame, whole or not at all.

    Raises:
        FileError: it cannot be written.
    """
    rows = {"image": frame.image, "cells": table_to_json(frame.cells), "notes": frame.notes}
    arrays: dict[str, Any] = {"labels": frame.labels, "rows": np.array(json.dumps(rows).encode())}
    for name, values in (("probs", frame.probs), ("spread", frame.spread)):
        arrays |= {} if values is None else {name: values}
    with whole_or_nothing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def read_part(path: Path) -> Frame:
    """A frame that was kept.

    Raises:
        FileError: the file is damaged; it is removed, so that the next start makes it anew.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in arrays.files}
        rows = json.loads(held.pop("rows").item())
        cells = json_to_table(rows["cells"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        path.unlink(missing_ok=True)
        raise FileError(
            f"{path}: a frame that was done before can no longer be read ({error}). It was "
            "removed: start again, and it is done anew."
        ) from error
    return Frame(image=rows["image"], cells=cells, notes=tuple(rows["notes"]), **held)
