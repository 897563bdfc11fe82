"""rows of cells measured in a window → the same, as of the whole frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from coverslip.cells import UNSEEN_PX
from coverslip.regions import beyond

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.pipeline.large.region import View
    from coverslip.regions import Sides

NEAR_FIRST = "near_first"  # where the nearest cell begins; its number is not yet known


def place_rows(
    rows: pd.DataFrame,
    view: View,
    *,
    shape: tuple[int, int],
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """Count places from the frame's corner, and forget the nearest cell where it is not sure.

    Args:
        rows: of some cells, as `coverslip.measure.measure` has them; columns may be missing.
        view: what was measured.
        shape: of the frame.
        pixel_size_um: height and width of a pixel.

    Returns:
        The same columns, and `near_first` where the nearest cell was asked for: -1 without one.
    """
    rows = rows.copy()
    numbers = rows["label"].to_numpy()
    boxes, size = view.boxes[numbers - 1], view.labels.shape
    for axis, (letter, ends) in enumerate((("y", ("top", "bottom")), ("x", ("left", "right")))):
        start = view.window[axis].start
        for name in (f"centroid_{letter}_px", *(f"bbox_{end}_px" for end in ends)):
            if name in rows:
                rows[name] += start
        name = f"centroid_{letter}_um"
        if name in rows and pixel_size_um is not None:
            rows[name] += start * pixel_size_um[axis]
    goes_on = beyond(view.window, shape)
    if "touches_border" in rows:
        ends_here = ~np.array(goes_on)
        rows["touches_border"] = ((_gaps(boxes, size) == 0) & ends_here).any(axis=1)
    reach = seen_around(boxes, size, goes_on)
    return _forget_unsure(rows, view, reach=reach, pixel_size_um=pixel_size_um)


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
    view: View,
    *,
    reach: NDArray[np.float64],
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """Where another cell may be nearer, beyond what was seen, none is named."""
    unit = {"nearest_edge_px": 1.0, "nearest_edge_um": min(pixel_size_um or (1.0, 1.0))}
    near = rows["nearest_label"].to_numpy() if "nearest_label" in rows else None
    unsure = np.zeros(len(rows), dtype=bool) if near is None else view.cut[near]
    for name, size in unit.items():
        if name in rows:
            too_far = ~(rows[name].to_numpy() <= reach * size)
            rows.loc[too_far | unsure, name] = np.nan
            unsure |= too_far
    if near is not None:
        near = np.where(unsure, 0, near)
        rows["nearest_label"] = near
        rows[NEAR_FIRST] = np.where(near > 0, view.first[near], -1)
    return rows
