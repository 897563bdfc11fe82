"""counts of one image ↔ a row of the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from coverslip.evaluate.columns import CELL_COLUMNS, COLUMNS, COUNTS, ERRORS
from coverslip.evaluate.numbers import settle
from coverslip.metrics import (
    THRESHOLDS,
    CellCounts,
    Counts,
    Outlines,
    cell_scores,
    scores,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.evaluate.numbers import Kind

WHOLE = ("n_true", "n_pred", *ERRORS, *(column for column in COUNTS if column != "iou_sum"))
TP = tuple(f"tp{round(100 * threshold)}" for threshold in THRESHOLDS)


@dataclass(frozen=True)
class Scored:
    """What was counted in one image.

    Attributes:
        name: Image, or image and frame.
        pixels: Of its mask.
        truth: Whether the true cells have numbers.
        cells: Of its cells; None where the truth is a mask.
        cells_by: What tells predicted cells apart, "number" or "piece".
    """

    name: str
    pixels: Counts
    truth: Kind
    cells: CellCounts | None
    cells_by: str


def make_table(images: Sequence[Scored]) -> pd.DataFrame:
    """Write `COLUMNS`, one row per image; those of cells are missing where the truth is a mask."""
    rows = []
    for image, kind in zip(images, settle([image.truth for image in images]), strict=True):
        row = {"name": image.name, **asdict(image.pixels), **scores(image.pixels)}
        if image.cells is not None and kind == "numbers":
            row |= {"cells_by": image.cells_by, **_cells_to_row(image.cells)}
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    types = dict.fromkeys(CELL_COLUMNS, "float64") | dict.fromkeys(WHOLE, "Int64")
    return table.astype(types | {"cells_by": "object"})


def _cells_to_row(counts: CellCounts) -> dict[str, Any]:
    outlines = {f"outline_{name}": value for name, value in asdict(counts.outlines).items()}
    named = {name: value for name, value in asdict(counts).items() if name in CELL_COLUMNS}
    return named | cell_scores(counts) | dict(zip(TP, counts.tp, strict=True)) | outlines


def pool_pixels_of(table: pd.DataFrame) -> Counts:
    """Add up the pixels of all rows."""
    return Counts(*(int(table[column].sum()) for column in ("tp", "fp", "fn", "tn")))


def pool_cells_of(table: pd.DataFrame) -> CellCounts:
    """Add up the cells of all rows, which must have them."""
    total = {column: int(table[column].sum()) for column in WHOLE}
    outlines = {
        column.removeprefix("outline_"): total.pop(column)
        for column in WHOLE
        if column.startswith("outline_")
    }
    return CellCounts(
        tp=tuple(total.pop(column) for column in TP),
        iou_sum=float(table["iou_sum"].sum()),
        outlines=Outlines(**outlines),
        **total,
    )
