"""rows of cells measured in a region → the same, as of the whole frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import ndimage

from coverslip.segmentation import UNSEEN_PX
from coverslip.tables import join_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

    from coverslip.pipeline.region import RegionResult
    from coverslip.pipeline.stitch import OversizeCell, RegionLabels, Stitched
    from coverslip.tiling import Sides

NEAR_FIRST = "near_first"  # where the nearest cell begins; its number is not yet known


def place_rows(
    rows: pd.DataFrame,
    found: RegionResult,
    *,
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """Count places from the frame's corner, and forget the nearest cell where it is not sure.

    Args:
        rows: of some cells, as `coverslip.measurements.measure` has them; columns may be missing.
        found: what was measured.
        pixel_size_um: height and width of a pixel.

    Returns:
        The same columns, and `near_first` where the nearest cell was asked for: -1 without one.
    """
    rows = rows.copy()
    numbers = rows["label"].to_numpy()
    goes_on = found.open_sides
    if not any(goes_on):
        return _name_first(rows, found)
    boxes, size = found.boxes[numbers - 1], found.labels.shape
    for axis, (letter, ends) in enumerate((("y", ("top", "bottom")), ("x", ("left", "right")))):
        start = found.window[axis].start
        for name in (f"centroid_{letter}_px", *(f"bbox_{end}_px" for end in ends)):
            if name in rows:
                rows[name] += start
        name = f"centroid_{letter}_um"
        if name in rows and pixel_size_um is not None:
            rows[name] += start * pixel_size_um[axis]
    if "touches_border" in rows:
        ends_here = ~np.array(goes_on)
        rows["touches_border"] = ((_gaps(boxes, size) == 0) & ends_here).any(axis=1)
    reach = seen_around(boxes, size, goes_on)
    return _forget_unsure(rows, found, reach=reach, pixel_size_um=pixel_size_um)


def find_boxes(labels: NDArray[np.uint32]) -> NDArray[np.int64]:
    """(n, 4): top, bottom, left and right of the cells 1 to n; an end is one more than the last."""
    found = ndimage.find_objects(labels.astype(np.int32))
    ends = [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in found]
    return np.array(ends, dtype=np.int64).reshape(-1, 4)


def are_near(
    boxes: NDArray[np.int64], others: NDArray[np.int64], *, reach: int
) -> NDArray[np.bool_]:
    """Which boxes (n, 4) have one of others (m, 4) within reach."""
    near = np.zeros(len(boxes), dtype=bool)
    for top, bottom, left, right in others:
        down = (boxes[:, 0] < bottom + reach) & (boxes[:, 1] > top - reach)
        near |= down & (boxes[:, 2] < right + reach) & (boxes[:, 3] > left - reach)
    return near


def seen_around(
    boxes: NDArray[np.int64], size: tuple[int, ...], goes_on: Sides
) -> NDArray[np.float64]:
    """How far around each box everything was seen; infinite where the frame ends."""
    gaps = np.where(np.array(goes_on), _gaps(boxes, size) - UNSEEN_PX, np.inf)
    return np.asarray(gaps.min(axis=1, initial=np.inf))


def _gaps(boxes: NDArray[np.int64], size: tuple[int, ...]) -> NDArray[np.int64]:
    """(n, 4): how many pixels lie between a box and each side of the window."""
    height, width = size
    return np.stack([boxes[:, 0], height - boxes[:, 1], boxes[:, 2], width - boxes[:, 3]], axis=1)


def _forget_unsure(
    rows: pd.DataFrame,
    found: RegionResult,
    *,
    reach: NDArray[np.float64],
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """Where another cell may be nearer, beyond what was seen, none is named."""
    unit = {"nearest_edge_px": 1.0, "nearest_edge_um": min(pixel_size_um or (1.0, 1.0))}
    near = rows["nearest_label"].to_numpy() if "nearest_label" in rows else None
    unsure = np.zeros(len(rows), dtype=bool) if near is None else found.cut[near]
    for name, size in unit.items():
        if name in rows:
            too_far = ~(rows[name].to_numpy() <= reach * size)
            rows.loc[too_far | unsure, name] = np.nan
            unsure |= too_far
    if near is not None:
        rows["nearest_label"] = np.where(unsure, 0, near)
    return _name_first(rows, found)


def _name_first(rows: pd.DataFrame, found: RegionResult) -> pd.DataFrame:
    """Name the nearest cell by where it begins, which holds in the whole frame."""
    if "nearest_label" not in rows:
        return rows
    near = rows["nearest_label"].to_numpy()
    return rows.assign(**{NEAR_FIRST: np.where(near > 0, found.first[near], -1)})


def bands_of_rows(
    labels: RegionLabels, cells: Stitched, *, pixel_size_um: tuple[float, float] | None
) -> Iterator[pd.DataFrame]:
    """The rows of all cells, ascending, those of one row of regions at a time."""
    n_across = labels.regions[-1].place[1] + 1
    for start in range(0, len(labels.regions), n_across):
        regions = labels.regions[start : start + n_across]
        tables = []
        for region in regions:
            table = labels.store.rows(region)
            own = cells.numbers[region.number][table["label"].to_numpy()]
            tables.append(table.assign(label=own.astype(np.int64)))
        rows = _name_nearest(join_rows(tables, columns=[]), cells)
        ends = regions[0].core[0]
        oversize = [
            c for c in cells.oversize if ends.start <= c.first // labels.shape[1] < ends.stop
        ]
        for cell in oversize:
            number = int(np.searchsorted(cells.first_pixels, cell.first)) + 1
            rows = _add_oversize(
                rows, cell, number, shape=labels.shape, pixel_size_um=pixel_size_um
            )
        yield rows.sort_values("label", ignore_index=True)


def _name_nearest(rows: pd.DataFrame, cells: Stitched) -> pd.DataFrame:
    """Put in the numbers of nearest cells, which are known by where they begin."""
    if NEAR_FIRST not in rows:
        return rows
    first = rows[NEAR_FIRST].to_numpy()
    place = np.searchsorted(cells.first_pixels, first)
    there = place < len(cells.first_pixels)
    there[there] = cells.first_pixels[place[there]] == first[there]
    return rows.assign(nearest_label=np.where(there, place + 1, 0)).drop(columns=NEAR_FIRST)


def _add_oversize(
    rows: pd.DataFrame,
    cell: OversizeCell,
    number: int,
    *,
    shape: tuple[int, int],
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """Add the row of a cell that no region saw whole: its place and area; the rest stays empty."""
    (y, x), (top, bottom, left, right) = cell.centre, cell.box
    known: dict[str, Any] = {
        "label": number,
        "centroid_y_px": y,
        "centroid_x_px": x,
        "bbox_top_px": top,
        "bbox_left_px": left,
        "bbox_bottom_px": bottom,
        "bbox_right_px": right,
        "touches_border": top == 0 or left == 0 or bottom == shape[0] or right == shape[1],
        "area_px": cell.area,
    }
    if pixel_size_um is not None:
        height, width = pixel_size_um
        known |= {"centroid_y_um": y * height, "centroid_x_um": x * width}
        known |= {"area_um2": cell.area * height * width}
    # By hand: pandas would guess the type of a column that has nothing in the new row.
    columns = {
        name: np.append(rows[name].to_numpy(), known.get(name, np.nan)) for name in rows.columns
    }
    return pd.DataFrame(columns).astype(
        {"touches_border": bool} if "touches_border" in rows else {}
    )
