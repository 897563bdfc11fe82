"""table of scores → mean, spread and pool of each score, and the same in percent to be read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from coverslip.errors import DataError
from coverslip.evaluate.columns import ERRORS, SUMMARY_COLUMNS
from coverslip.evaluate.rows import pool_cells_of, pool_pixels_of
from coverslip.metrics import cell_scores, scores

if TYPE_CHECKING:
    from collections.abc import Mapping


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Aggregate a table of `evaluate`: one row per metric, with `SUMMARY_COLUMNS`.

    First the four scores of pixels, then those of cells over the images that have them; none, if no
    image has.

    Raises:
        DataError: The table has no row.
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
