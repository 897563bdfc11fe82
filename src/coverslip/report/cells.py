"""table of cells → its columns, rounded, as the page's script reads them."""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from coverslip.report.html import clean, path_to_url
from coverslip.report.pictures import Drawing, TileSet, no_drawing

# So many cells are in the page, fewer where the table is wide; the CSV file has all.
MOST_CELLS = 20_000
MOST_VALUES = 400_000

# Where a cell lies is shown by its picture.
PLACES = ("file", "frame", "label", "bbox_", "centroid_")

UNITS = {"_um2": "µm²", "_px": "px", "_um": "µm", "_rad": "rad"}

# Names that a table may give to the same measurement, the first that is there counts.
AREA = ("area_um2", "area_px")
INTENSITY = ("intensity_mean", "mean_intensity")

# How sure a cell is: (column, whether the lowest are the most doubtful).
DOUBT = (("confidence", True), ("spread_mean", False))

# So many doubtful cells are shown first: two rows of a wide window.
MOST_DOUBTS = 24


@dataclass(frozen=True)
class Cells:
    """The cells of a run.

    Attributes:
        table: One row per cell, with `file`, `frame`, `label` and what was measured.
        draw: Gives the outlines of one frame, by file and frame; None where there are none.
        csv: File with the whole table, CSV or Parquet, as a path from the page; empty: not named.
        n_left_out: How many rows that file has more than `table`, which has every so-many-th of
            many.
    """

    table: pd.DataFrame
    draw: Callable[[str, int], Drawing | None] = no_drawing
    csv: str = ""
    n_left_out: int = 0


def find_column(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """The first of some names that a table has a number in, or None."""
    usable = (name for name in names if name in table and table[name].notna().any())
    return next(usable, None)


def area_column(table: pd.DataFrame) -> str | None:
    """Area in µm² if it is known of every cell, else in pixels."""
    names = [name for name in AREA if name in table and table[name].notna().all()]
    return names[0] if names else None


def measured_columns(table: pd.DataFrame) -> list[str]:
    """The columns to show: no places, µm where all cells have them, the main ones first."""
    kept = []
    for name in map(str, table):
        is_number = pd.api.types.is_numeric_dtype(table[name])  # yes and no are numbers too
        if is_number and not name.startswith(PLACES) and not name.endswith(("_um", "_um2")):
            kept.append(_in_um(name, table))
    main = (area_column(table), find_column(table, INTENSITY), *(name for name, _ in DOUBT))
    return [*(name for name in main if name in kept), *(name for name in kept if name not in main)]


def _in_um(name: str, table: pd.DataFrame) -> str:
    """The same measurement in micrometres, if it is known of every cell."""
    bare = name.removesuffix("_px")
    twins = (f"{bare}_um", f"{bare}_um2") if bare != name else ()
    return next((twin for twin in twins if twin in table and table[twin].notna().all()), name)


def name_and_unit(column: str) -> tuple[str, str]:
    """The name of a column for people: area_um2 is "Area" in "µm²"."""
    unit = next((suffix for suffix in UNITS if column.endswith(suffix)), "")
    words = column.removesuffix(unit).replace("_", " ")
    return words[:1].upper() + words[1:], UNITS.get(unit, "")


def cells_in_page(cells: pd.DataFrame, *, pictured: set[tuple[str, int]]) -> pd.DataFrame:
    """Choose the rows for the page: all, or first the doubtful and the others that it can show."""
    most = min(MOST_CELLS, MOST_VALUES // max(1, len(measured_columns(cells))))
    if len(cells) <= most:
        return cells
    keys = zip(cells["file"], cells["frame"], strict=True)
    unseen = ~np.array([key in pictured for key in keys], dtype=bool)
    rank = np.arange(len(cells))
    for name, is_low in DOUBT:
        seen = cells[name].where(~unseen) if name in cells else None
        if seen is not None:
            doubt = seen.rank(method="first", ascending=is_low)
            rank = np.where(doubt <= MOST_DOUBTS, -1, rank)
    return cells.iloc[np.sort(np.lexsort([rank, unseen])[:most])]


def data_block(
    images: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    folder: str = "",
    tiles: Mapping[tuple[str, int], TileSet] | None = None,
) -> Markup:
    """Write names of images and columns of cells as JSON that no browser takes for markup.

    Args:
        images: A completed table of images.
        cells: The rows for the page, with `file`, `frame` and `label`.
        folder: The folder that all files lie in; their names do not repeat it.
        tiles: Full resolution by file and frame.
    """
    rows = zip(images["file"], images["frame"], strict=True)
    place = {key: index for index, key in enumerate(rows)}
    keys = list(zip(cells["file"], cells["frame"], strict=True))
    known = np.array([key in place for key in keys], dtype=bool)
    cells = cells[known]
    contents = {
        "images": _names(images),
        **_places(images, folder=folder),
        "tiles": {
            place[key]: {
                "url": path_to_url(one.folder),
                "side": one.side,
                "levels": one.levels,
                "height": one.shape[0],
                "width": one.shape[1],
            }
            for key, one in (tiles or {}).items()
            if key in place
        },
        "image": [place[key] for key in keys if key in place],
        "label": cells["label"].astype(int).tolist(),
        "columns": [_column(cells, name) for name in measured_columns(cells)],
    }
    return escape_json(json.dumps(contents, separators=(",", ":")))


def escape_json(text: str) -> Markup:
    """Make JSON fit for a page: no browser takes it for markup."""
    for sign in "<>&":  # in a string of JSON these mean the same
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _names(images: pd.DataFrame) -> list[str]:
    """A name for each row: the file, and of a series its frame."""
    series = images["file"].duplicated(keep=False)
    return [
        clean(f"{name}, frame {frame}" if is_series else name)
        for name, frame, is_series in zip(images["name"], images["frame"], series, strict=True)
    ]


def _places(images: pd.DataFrame, *, folder: str) -> dict[str, Any]:
    """Of each image its file and frame, its width in pixels, and that of a pixel in µm."""
    numbers, names = pd.factorize(images["name"].to_numpy(dtype=object))
    return {
        "folder": clean(os.path.join(folder, "")) if folder else "",
        "files": [clean(name) for name in names],
        "file": numbers.tolist(),
        "frame": images["frame"].tolist(),
        "width": _known(images["width_px"], digits=7),
        "um": _known(pixel_widths_um(images), digits=4),
    }


def pixel_widths_um(images: pd.DataFrame) -> "pd.Series[float]":
    """The width of a pixel; a table of images has its height, and an area in both units."""
    area_um2 = images["median_area_um2"] / images["median_area_px"]
    return (area_um2 / images["pixel_size_um"]).fillna(images["pixel_size_um"])


def _known(values: "pd.Series[float]", *, digits: int) -> list[float | None]:
    """Numbers above 0; None where there is none."""
    return [float(f"{v:.{digits}g}") if 0 < v < math.inf else None for v in values.tolist()]


def _column(cells: pd.DataFrame, name: str) -> Mapping[str, Any]:
    """One column: its name, unit, decimals and values; missing ones are null."""
    title, unit = name_and_unit(name)
    values = cells[name].to_numpy(dtype=np.float64, na_value=np.nan)
    is_yes_or_no = bool(pd.api.types.is_bool_dtype(cells[name]))
    decimals = 0 if is_yes_or_no else decimals_of(values)
    rounded = np.round(values, decimals).tolist()
    column = {
        "key": clean(name),
        "name": title,
        "unit": unit,
        "decimals": decimals,
        "values": [
            None if not math.isfinite(v) else int(v) if not decimals else v for v in rounded
        ],
    }
    doubts = {doubt: "low" if low else "high" for doubt, low in DOUBT}
    column |= {"doubt": doubts[name]} if name in doubts else {}
    column |= {"yes": True} if is_yes_or_no else {}
    return column | ({"main": True} if name in {*AREA, *INTENSITY, *doubts} else {})


def decimals_of(values: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """Decimals that give a usual value of a column three figures; none if all are whole."""
    finite = values[np.isfinite(values)]
    if not finite.size or (finite == np.round(finite)).all():
        return 0
    usual = float(np.median(np.abs(finite))) or float(np.abs(finite).max())
    return min(6, max(0, 2 - math.floor(math.log10(usual))))
