"""tracks.csv and lineage.csv of a result folder → Tracks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from coverslip.errors import FileError
from coverslip.tracking.assemble import FAMILY, LINEAGE_COLUMNS
from coverslip.tracking.lineage import Tracks

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("tracks", "lineage")
RECORD = "track.json"
CELL_COLUMNS = ("frame", "label", "track_id", *FAMILY)


def has_tracks(folder: Path) -> bool:
    """Whether a folder holds the tables that `track` writes."""
    return all(_find(folder, name) is not None for name in TABLES)


def read_tracks(folder: Path) -> Tracks:
    """Read what `coverslip track` wrote.

    Args:
        folder: Its result folder, with tracks.csv and lineage.csv, or both as Parquet; and
            track.json, which knows of frames without cells.

    Raises:
        FileError: A table is missing, cannot be read, or lacks a column.
    """
    cells, lineage = (_read(folder, name) for name in TABLES)
    for name, table, wanted in (
        ("tracks", cells, CELL_COLUMNS),
        ("lineage", lineage, LINEAGE_COLUMNS),
    ):
        missing = [column for column in wanted if column not in table]
        if missing:
            raise FileError(
                f"{_find(folder, name)}: no column {', '.join(missing)}. Wanted the table that "
                "coverslip track wrote."
            )
    record = read_record(folder)
    n_frames = int(cells["frame"].max()) + 1 if len(cells) else 0
    decisions = record.get("decisions")
    return Tracks(
        cells,
        lineage,
        max(n_frames, _whole(record.get("n_frames"))),
        decisions=decisions if isinstance(decisions, dict) else {},
    )


def _find(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{ending}" for ending in (".csv", ".parquet"))
    return next((path for path in paths if path.is_file()), None)


def _read(folder: Path, name: str) -> pd.DataFrame:
    path = _find(folder, name)
    if path is None:
        raise FileError(
            f"{folder}: no {name}.csv in it. Wanted a result folder of coverslip track."
        )
    try:
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError, ImportError) as error:
        raise FileError(f"{path}: cannot be read ({error}). Run coverslip track again.") from error


def read_record(folder: Path) -> dict[str, Any]:
    """Read track.json; empty where it is missing or damaged, since the tables say nearly all."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
