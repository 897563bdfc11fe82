"""what was done to an image ↔ a small file, so that it need not be done again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.io import write_text
from coverslip.tables import cell_columns

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class TablePart:
    """Rows of cells in a file of their own, so that those of all images need not be held.

    Attributes:
        name: of the file, from the folder of the results.
        n_rows: how many.
        columns: their columns; `file` is left out.
    """

    name: str
    n_rows: int
    columns: list[str]


@dataclass(frozen=True)
class Record:
    """What was done to one image.

    Attributes:
        path: the image, as it was given.
        key: a hash of the image file, model, settings and version of coverslip.
        work: the same without the version: what was asked for.
        images: one row per frame; columns as in images.csv.
        parts: files of its rows of cells; columns as in cells.csv.
        notes: decisions taken, for the user to see.
        is_large: whether its frames were done region by region.
        digests: hashes of its label files, by their names.
        truth: of label files that a person changed and all else was made of: their hash; or "".
        model: the name of the model.
        choice: why that was chosen of several, where it was; or "".
        skipped: whether this was done before.
    """

    path: str
    key: str
    images: pd.DataFrame
    parts: list[TablePart] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_large: bool = False
    digests: dict[str, str] = field(default_factory=dict)
    truth: str = ""
    work: str = ""
    model: str = ""
    choice: str = ""
    skipped: bool = False

    @property
    def n_cells(self) -> int:
        """How many cells were found in all its frames."""
        return int(self.images["n_cells"].sum())

    @property
    def labels(self) -> list[str]:
        """Its label files, from the folder of the results."""
        return list(dict.fromkeys(self.images["labels"]))

    @property
    def row_files(self) -> list[str]:
        """Its files of rows of cells, from the folder of the results."""
        return [part.name for part in self.parts]


@dataclass(frozen=True)
class BatchResult:
    """What became of every image.

    Attributes:
        done: the record of every image that was segmented, now or earlier, in the order given.
        skipped: the images among them that were done before with the same settings.
        failed: the others, with the reason.

    Example:
        >>> from coverslip.pipeline import BatchResult
        >>> BatchResult().failed
        {}
    """

    done: dict[Path, Record] = field(default_factory=dict)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """How many cells were found in all images that are done."""
        return sum(record.n_cells for record in self.done.values())


def write_record(path: Path, record: Record) -> None:
    """Write a record, whole or not at all."""
    contents = {
        "path": record.path,
        "key": record.key,
        "notes": record.notes,
        "images": table_to_json(record.images),
        "parts": [asdict(part) for part in record.parts],
        "is_large": record.is_large,
        "digests": record.digests,
        "truth": record.truth,
        "work": record.work,
        "model": record.model,
        "choice": record.choice,
    }
    write_text(path, json.dumps(contents, ensure_ascii=False))


def read_record(path: Path, *, key: str, truth: str = "") -> Record | None:
    """An earlier record of the same work, or None; of one with corrected labels, with the same."""
    record = read_any_record(path)
    return record if record and record.key == key and record.truth == truth else None


def read_any_record(path: Path) -> Record | None:
    """An earlier record of whatever work.

    Returns:
        None where there is none, or one of another version, or damaged, or changed into what no
        record says: the image is done anew then.
    """
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
        record = Record(
            path=contents["path"],
            key=contents["key"],
            images=json_to_table(contents["images"]),
            notes=contents["notes"],
            parts=[TablePart(**part) for part in contents["parts"]],
            is_large=contents["is_large"],
            digests=contents["digests"],
            truth=contents["truth"],
            work=contents.get("work", ""),
            model=contents.get("model", ""),
            choice=contents.get("choice", ""),
            skipped=True,
        )
        return record if is_sound(record) else None
    except Exception:  # what a text can do to pandas is more than can be listed
        return None


NUMBERS = ("frame", "n_cells", "confluence", "height_px", "width_px")


def is_sound(record: Record) -> bool:
    """Whether a record says what one can say, and names no file outside of the results."""
    rows = record.images
    texts = [record.path, record.key, record.truth, record.work, *record.notes]
    texts += [record.model, record.choice]
    names = [*rows["labels"], *rows["overlay"], *record.row_files, *record.digests]
    numbers = rows[list(NUMBERS)].to_numpy(dtype=float)
    gaps = rows[["n_cells", "confluence"]].isna().all(axis=1).to_numpy()  # frames not in the file
    n_labels = len(record.labels)
    return (
        all(isinstance(it, str) for it in (*texts, *names, *record.digests.values()))
        and all(map(_is_inside, names))
        and bool((rows["file"] == record.path).all())
        and bool((numbers[~gaps] >= 0).all() and np.isfinite(numbers[~gaps]).all())
        and len(rows) > 0
        and n_labels in (1, len(rows))
        and all(isinstance(part.n_rows, int) and part.n_rows >= 0 for part in record.parts)
        and all(map(_are_columns, record.parts))
        and isinstance(record.notes, list)
        and isinstance(record.is_large, bool)
    )


def _are_columns(part: TablePart) -> bool:
    """Whether a part has columns of a table of cells."""
    try:
        return isinstance(part.columns, list) and bool(cell_columns(part.columns))
    except (KeyError, TypeError, AttributeError):
        return False


def _is_inside(name: str) -> bool:
    """Whether a name leads to what lies in the folder that it is of."""
    path = PureWindowsPath(name)  # which knows the separators of all systems
    return bool(path.parts) and not path.anchor and ".." not in path.parts


def table_to_json(table: pd.DataFrame) -> dict[str, Any]:
    """A table as JSON can hold it, with the types of its columns: 3.0 is not 3, nor float32."""
    types = {str(name): str(kind) for name, kind in table.dtypes.items()}
    return {"types": types, "columns": table.to_dict("list")}


def json_to_table(contents: dict[str, Any]) -> pd.DataFrame:
    """The inverse of `table_to_json`, to the last bit."""
    return pd.DataFrame(contents["columns"]).astype(contents["types"])
