"""the regions of a frame, all done → labels, rows of cells, overview and numbers of the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.pipeline.large.kept import read_table
from coverslip.pipeline.large.place import NEAR_FIRST
from coverslip.tables import join_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from coverslip.pipeline.large.cores import Cores
    from coverslip.pipeline.large.join import Giant, Joined


def bands_of_rows(
    cores: Cores, joined: Joined, *, pixel_size_um: tuple[float, float] | None
) -> Iterator[pd.DataFrame]:
    """The rows of all cells, ascending, those of one row of regions at a time."""
    n_across = cores.regions[-1].place[1] + 1
    for start in range(0, len(cores.regions), n_across):
        regions = cores.regions[start : start + n_across]
        tables = []
        for region in regions:
            table = read_table(cores.folder.path(region))
            own = joined.numbers[region.number][table["label"].to_numpy()]
            tables.append(table.assign(label=own.astype(np.int64)))
        rows = _name_nearest(join_rows(tables, columns=[]), joined)
        ends = regions[0].core[0]
        giants = [g for g in joined.giants if ends.start <= g.first // cores.shape[1] < ends.stop]
        for giant in giants:
            number = int(np.searchsorted(joined.firsts, giant.first)) + 1
            rows = _add_giant(rows, giant, number, shape=cores.shape, pixel_size_um=pixel_size_um)
        yield rows.sort_values("label", ignore_index=True)


def _name_nearest(rows: pd.DataFrame, joined: Joined) -> pd.DataFrame:
    """Put in the numbers of nearest cells, which are known by where they begin."""
    if NEAR_FIRST not in rows:
        return rows
    first = rows[NEAR_FIRST].to_numpy()
    place = np.searchsorted(joined.firsts, first)
    there = place < len(joined.firsts)
    there[there] = joined.firsts[place[there]] == first[there]
    return rows.assign(nearest_label=np.where(there, place + 1, 0)).drop(columns=NEAR_FIRST)


def _add_giant(
    rows: pd.DataFrame,
    giant: Giant,
    number: int,
    *,
    shape: tuple[int, int],
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """Add the row of a cell that no region saw whole: its place and area; the rest stays empty."""
    (y, x), (top, bottom, left, right) = giant.centre, giant.box
    known: dict[str, Any] = {
        "label": number,
        "centroid_y_px": y,
        "centroid_x_px": x,
        "bbox_top_px": top,
        "bbox_left_px": left,
        "bbox_bottom_px": bottom,
        "bbox_right_px": right,
        "touches_border": top == 0 or left == 0 or bottom == shape[0] or right == shape[1],
        "area_px": giant.area,
    }
    if pixel_size_um is not None:
        height, width = pixel_size_um
        known |= {"centroid_y_um": y * height, "centroid_x_um": x * width}
        known |= {"area_um2": giant.area * height * width}
    # By hand: pandas would guess the type of a column that has nothing in the new row.
    columns = {
        name: np.append(rows[name].to_numpy(), known.get(name, np.nan)) for name in rows.columns
    }
    return pd.DataFrame(columns).astype(
        {"touches_border": bool} if "touches_border" in rows else {}
    )


@dataclass(frozen=True)
class Overview:
    """A large frame as a picture.

    Attributes:
        picture: (h, w) or (h, w, 3) float32, in the image's own values.
        labels: (h, w) uint32, the cell in the middle of each of its pixels.
    """

    picture: NDArray[np.float32]
    labels: NDArray[np.uint32]


def make_overview(cores: Cores, joined: Joined, *, reduce: int) -> Overview:
    """Put the reduced pictures of the regions together, and the labels beneath them."""
    height, width = (-(-length // reduce) for length in cores.shape)
    labels = np.zeros((height, width), dtype=np.uint32)
    picture = np.zeros((height, width), dtype=np.float32)
    for region in cores.regions:
        part = cores.folder.get(region, "picture")["picture"]
        if region.number == 0:  # colour or not
            picture = np.zeros((height, width, *part.shape[2:]), dtype=np.float32)
        rows, columns = (slice(p.start // reduce, -(-p.stop // reduce)) for p in region.core)
        picture[rows, columns] = part
        middles = cores.final(region.core, joined.numbers)
        across = _middles(middles.shape[1], reduce)
        labels[rows, columns] = middles[_middles(middles.shape[0], reduce)[:, None], across]
    return Overview(picture, labels)


def _middles(length: int, reduce: int) -> NDArray[np.int64]:
    """The middle of each stretch of so many pixels."""
    starts = np.arange(0, length, reduce)
    middles: NDArray[np.int64] = (starts + np.minimum(starts + reduce, length)) // 2
    return np.minimum(middles, length - 1)
