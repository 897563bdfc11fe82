"""table of images → the few numbers that stand for all of them."""

from collections.abc import Callable

import pandas as pd

from coverslip.report.html import Html, element
from coverslip.report.values import count, percent, plural, significant


def summary(table: pd.DataFrame, *, n_failed: int) -> Html:
    """Write the tiles that answer "how did it go" at one glance, of a completed table."""
    failed = f"{n_failed} failed" if n_failed else "none failed"
    n_files, n_frames = table["file"].nunique(), len(table)
    is_series = n_frames > n_files
    frames = f"{plural(n_frames, 'frame')}, " if is_series else ""
    each = "frame" if is_series else "image"
    cells, shares, areas = (table[c] for c in ("n_cells", "confluence", "median_area_um2"))
    tiles = [
        _tile("Files" if is_series else "Images", count(n_files), f"{frames}{failed}"),
        _tile(f"Cells per {each}", count(cells.median()), _range(cells, count, "median")),
        _tile("Confluence", percent(shares.mean()), _range(shares, percent, "mean")),
    ]
    if not is_series:  # a cell of a series would be counted once a frame
        tiles.append(_tile("Cells in all", count(cells.sum()), "summed over the images"))
    if areas.notna().any():
        area = f"{significant(areas.median())} µm²"
        tiles.append(_tile("Cell area", area, f"median over {each}s of their medians"))
    return element("section", *tiles, class_="tiles", aria_label="Summary")


def _tile(name: str, value: str, detail: str) -> Html:
    parts = zip(("name", "value", "detail"), (name, value, detail), strict=True)
    return element("div", *(element("p", text, class_=part) for part, text in parts), class_="tile")


def _range(values: "pd.Series[float]", show: Callable[[float], str], middle: str) -> str:
    if len(values) < 2:
        return ""
    return f"{middle}; from {show(values.min())} to {show(values.max())}"
