"""a label file in a folder of results → what its cells.csv says of each of its cells."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError
from coverslip.tables import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

WHERE = ("file", "frame", "label")
MOST_ABOVE = 2  # the labels of a film's frames lie in a folder within that of the results


def find_measurements(
    path: Path, labels: NDArray[np.integer[Any]], *, tell: Callable[[str], None]
) -> dict[tuple[int, int], dict[str, float]]:
    """Find what was measured of the cells of a label file that `coverslip segment` wrote.

    Args:
        path: The label file.
        labels: What it holds, (n, H, W). A cell whose area is no longer that of the table was
            changed since, and nothing is said of it.
        tell: Called with what the user should know.

    Returns:
        Name and value of each measurement, by the frame and the number of the cell; nothing where
        there are no tables beside the file, or none that knows it.
    """
    for folder in list(path.absolute().parents)[:MOST_ABOVE]:
        tables = _read_tables(folder)
        if tables is not None:
            found = _rows_of(path, folder, *tables)
            if found is not None:
                return _by_cell(found, labels, path=path, tell=tell)
    return {}


def _read_tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The tables of images and of cells in a folder."""
    for form in FORMATS:
        images, cells = folder / f"images.{form}", folder / f"cells.{form}"
        if images.is_file() and cells.is_file():
            tables = _read_table(images), _read_table(cells)
            is_ours = {*WHERE, "area_px"} <= set(tables[1]) and "labels" in tables[0]
            return tables if is_ours else None
    return None


def _read_table(path: Path) -> pd.DataFrame:
    """A table, read once for all label files that it is of, unless it was written anew.

    Raises:
        FileError: It cannot be read.
    """
    from coverslip.io import check_regular

    check_regular(path)
    stat = path.stat()
    return _read_state(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4)
def _read_state(path: Path, size: int, time: int) -> pd.DataFrame:
    del size, time
    import pandas as pd

    try:
        table: pd.DataFrame = (
            pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        )
    except (OSError, ValueError, ImportError) as error:
        raise FileError(
            f"{path}: cannot be read ({error}). Move it away, or segment again."
        ) from error
    return table


def _rows_of(
    path: Path, folder: Path, images: pd.DataFrame, cells: pd.DataFrame
) -> pd.DataFrame | None:
    """Rows of the cells of a label file, its first frame called 0; None: the table has it not."""
    name = path.absolute().relative_to(folder).as_posix()
    own = images[images["labels"] == name]
    if own.empty:
        return None
    frames = own["frame"]
    rows = cells[(cells["file"] == own["file"].iloc[0]) & cells["frame"].isin(frames)]
    first = int(frames.min()) if len(frames) == 1 else 0
    found: pd.DataFrame = rows.assign(frame=rows["frame"] - first)
    return found


def _by_cell(
    rows: pd.DataFrame,
    labels: NDArray[np.integer[Any]],
    *,
    path: Path,
    tell: Callable[[str], None],
) -> dict[tuple[int, int], dict[str, float]]:
    areas = [dict(zip(*np.unique(frame, return_counts=True), strict=True)) for frame in labels]
    names = [name for name in rows if name not in WHERE and rows[name].dtype.kind in "biuf"]
    found: dict[tuple[int, int], dict[str, float]] = {}
    for row in rows.to_dict("records"):
        frame, label = int(row["frame"]), int(row["label"])
        if frame < len(areas) and areas[frame].get(label) == row["area_px"]:
            values = {str(name): row[name] for name in names}
            found[frame, label] = {
                name: int(value) if isinstance(value, bool | np.bool_ | int) else float(value)
                for name, value in values.items()
                if not math.isnan(value)
            }
    n_cells = sum(len(area) - (0 in area) for area in areas)
    if len(found) < n_cells:
        tell(
            f"{path}: {n_cells - len(found)} of {n_cells} cells are not as the table beside them "
            "says, and are exported without measurements; coverslip segment makes it anew"
        )
    return found
