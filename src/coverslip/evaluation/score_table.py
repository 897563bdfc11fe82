"""counts of images → the table of scores → mean, spread and pool of each."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from coverslip.errors import DataError
from coverslip.metrics import THRESHOLDS, CellCounts, Counts, Outlines, cell_scores, scores
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

COUNTS: dict[str, str] = {
    f"tp{round(100 * threshold)}": f"cells matched at an IoU of {threshold}"
    for threshold in THRESHOLDS
} | {
    "iou_sum": "sum of the IoU of the cells matched at 0.5",
    "aji_shared_px": "numerator of aji, in pixels",
    "aji_union_px": "denominator of aji, in pixels",
    "outline_true_px": "pixels of the outlines of true cells",
    "outline_pred_px": "pixels of the outlines of predicted cells",
    "outline_true_near_px": "those of outline_true_px within 2 px of a predicted outline",
    "outline_pred_near_px": "those of outline_pred_px within 2 px of a true outline",
}

ERRORS: dict[str, str] = {
    "splits": "true cells that were split",
    "merges": "predicted cells that merge several true ones",
}

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


PIXEL_COLUMNS: dict[str, str] = {
    "tp": "cell pixels predicted as cell",
    "fp": "background pixels predicted as cell",
    "fn": "cell pixels predicted as background",
    "tn": "background pixels predicted as background",
    "precision": "tp / (tp + fp), 0 to 1",
    "recall": "tp / (tp + fn), 0 to 1",
    "jaccard": "tp / (tp + fp + fn), 0 to 1; 1 for two empty masks",
    "dice": "2 tp / (2 tp + fp + fn), 0 to 1; 1 for two empty masks",
}

SCORES: dict[str, str] = {
    "ap50": "matched / (matched + missed + invented) cells at an IoU of 0.5, 0 to 1",
    "ap75": "the same at an IoU of 0.75",
    "mean_ap": "mean of the same at an IoU of 0.5, 0.55 … 0.95",
    "cell_precision": "matched / predicted cells at an IoU of 0.5, 0 to 1",
    "cell_recall": "matched / true cells at an IoU of 0.5, 0 to 1",
    "cell_f1": "2 matched / (true + predicted) cells at an IoU of 0.5, 0 to 1",
    "sq": "mean IoU of the cells matched at 0.5, 0 to 1",
    "pq": "panoptic quality at an IoU of 0.5, sq × cell_f1, 0 to 1",
    "aji": "aggregated Jaccard index, 0 to 1",
    "boundary_f": "boundary F-score: agreement of the cells' outlines within 2 px, 0 to 1",
}

# Missing in the rows of images whose truth has no cell numbers.
CELL_COLUMNS: dict[str, str] = {
    "cells_by": "what tells predicted cells apart: their number, or the piece of a mask",
    "n_true": "true cells",
    "n_pred": "predicted cells",
    **SCORES,
    **ERRORS,
    **COUNTS,
}

COLUMNS: dict[str, str] = {"name": "image, or image and frame", **PIXEL_COLUMNS, **CELL_COLUMNS}

SUMMARY_COLUMNS: dict[str, str] = {
    "metric": "precision, recall, jaccard, dice; of cells, a column from ap50 to merges",
    "mean": "mean over images",
    "sd": "sample standard deviation over images; missing for one image",
    "median": "median over images",
    "pooled": "score of the pixels, or cells, of all images together; number of splits or merges",
    "n": "number of images",
}

# With one piece or none, a mask and numbered cells look the same: "unclear".
Kind = Literal["numbers", "mask", "unclear"]


def find_kind(labels: NDArray[Any]) -> Kind:
    """Tell numbered cells from a mask.

    Args:
        labels: (H, W), bool or integers; 0 and below is background.

    Returns:
        "mask" for a bool array, and where all cells are one number, whichever, in several
        8-connected pieces; "unclear" where they are one piece and where there is none; otherwise
        "numbers".
    """
    if labels.dtype == np.bool_:
        return "mask"
    cells = labels > 0
    if not cells.any():
        return "unclear"
    if (labels[cells] != labels.max()).any():
        return "numbers"
    return "mask" if mask_to_labels(cells).max() > 1 else "unclear"


def settle(kinds: Sequence[Kind]) -> list[Kind]:
    """Decide by the other images of a data set what one with one piece or none is.

    Among masks alone it is a mask: its one piece may be a clump of cells. Among images with
    numbered cells, or on its own, it is one cell.
    """
    doubt: Kind = "mask" if "mask" in kinds and "numbers" not in kinds else "numbers"
    return [doubt if kind == "unclear" else kind for kind in kinds]


def number_cells(labels: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Number the cells of a prediction, if it is a mask, by its 8-connected pieces.

    Returns:
        Labels, and what tells cells apart: "number" or "piece".
    """
    if find_kind(labels) == "mask":
        return mask_to_labels(labels > 0), "piece"
    return labels, "number"


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Aggregate a table of `evaluate`: one row per metric, with `SUMMARY_COLUMNS`.

    First the four scores of pixels, then those of cells over the images that have them; none, if no
    image has.

    Raises:
        DataError: The table has no row.

    Example:
        >>> import coverslip, numpy as np
        >>> truth = np.array([[1, 1, 1, 1, 0, 2, 2, 2]])
        >>> pred = np.array([[1, 1, 1, 0, 0, 0, 0, 2]])
        >>> table = coverslip.evaluate([("a", truth, pred), ("b", truth, truth)])
        >>> summary = coverslip.summarise(table).set_index("metric")
        >>> float(summary.loc["cell_recall", "mean"]), float(summary.loc["cell_recall", "pooled"])
        (0.75, 0.75)
    """
    if table.empty:
        raise DataError("No image was scored, nothing to summarise: give one pair or more.")
    rows = _aggregate(table, scores(pool_pixels_of(table)))
    with_cells = table[table["n_true"].notna()] if "n_true" in table else table[:0]
    if not with_cells.empty:
        cells = pool_cells_of(with_cells)
        errors = {name: getattr(cells, name) for name in ERRORS}
        rows += _aggregate(with_cells, cell_scores(cells) | errors)
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _aggregate(table: pd.DataFrame, pooled: Mapping[str, float]) -> list[dict[str, object]]:
    values = {metric: table[metric].astype("float64") for metric in pooled}
    return [
        {
            "metric": metric,
            "mean": values[metric].mean(),
            "sd": values[metric].std(ddof=1),
            "median": values[metric].median(),
            "pooled": of_all,
            "n": len(table),
        }
        for metric, of_all in pooled.items()
    ]


def summary_in_percent(summary: pd.DataFrame) -> pd.DataFrame:
    """Turn a summary of scores into the form papers print.

    Args:
        summary: One row per metric, with metric, mean, sd, median, pooled (0 to 1) and n.

    Returns:
        Text: metric, mean ± sd, median, pooled (in percent, one decimal) and images. Without an
        sd (one image) the mean stands alone.

    Example:
        >>> import coverslip, numpy as np
        >>> from coverslip.evaluation import summary_in_percent
        >>> labels = np.array([[1, 1, 0, 2, 2]])
        >>> summary = coverslip.summarise(coverslip.evaluate([("a", labels, labels)]))
        >>> summary_in_percent(summary)["median"].iloc[0]
        '100.0'
    """
    means = [
        _percent(mean) if math.isnan(sd) else f"{_percent(mean)} ± {_percent(sd)}"
        for mean, sd in zip(summary["mean"], summary["sd"], strict=True)
    ]
    return pd.DataFrame(
        {
            "metric": summary["metric"],
            "mean ± sd": means,
            "median": summary["median"].map(_percent),
            "pooled": summary["pooled"].map(_percent),
            "images": summary["n"],
        }
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
