"""runs of a system → the entries of its row, each with the runs that it came from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from coverslip.reproduction.tables.layout import (
    Entry,
    difference_entry,
    join_ids,
    percent_entry,
    signed,
)
from coverslip.reproduction.tables.paper import TABLES
from coverslip.reproduction.tables.statistics import (
    METRICS,
    best_split,
    by_image,
    by_split,
    paired_difference,
    pool_pixels,
    score_runs,
    spread,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.result_file import Run

HEADS = {"jaccard": "JS", "dice": "DC", "precision": "P", "recall": "R"}
GAIN = "ours − paper"
RIVAL = "RP − this [95 %]"


def paper_entries(key: str, number: int) -> list[Entry]:
    """The paper's four scores of a system; none where it has no row."""
    if key not in TABLES[number]:
        return []
    source = f"Ayanzadeh et al. 2021, Table {number}"
    return [
        percent_entry(key, f"{HEADS[metric]} paper", mean=mean / 100, sd=sd / 100, source=source)
        for metric, (mean, sd) in TABLES[number][key]._asdict().items()
    ]


def score_entries(row: str, table: pd.DataFrame, *, after: str = "") -> list[Entry]:
    """Mean ± standard deviation over images of the four scores.

    Args:
        row: its key.
        table: of `score_runs`.
        after: what follows JS, DC, P and R in the heads of the columns.
    """
    if table.empty:
        return []
    images, source = by_image(table), join_ids(table["run"])
    return [
        spread_entry(row, f"{HEADS[metric]}{after}", images[metric], source=source)
        for metric in METRICS
    ]


def gain_entries(key: str, number: int, table: pd.DataFrame) -> list[Entry]:
    """Our mean Jaccard minus the paper's; none where one of them is missing."""
    if table.empty or key not in TABLES[number]:
        return []
    points = 100 * spread(by_image(table)["jaccard"]).mean - TABLES[number][key].jaccard[0]
    source = f"{join_ids(table['run'])} and Ayanzadeh et al. 2021, Table {number}"
    return [Entry(key, GAIN, signed(points), value=points, source=source)]


def way_columns(unit: str) -> list[str]:
    """Heads of the columns of `way_entries`."""
    ways = ["images", "over images", "over pixels", f"over {unit}s", f"best {unit}"]
    return [f"{unit}s", *ways, "at native size", RIVAL]


def way_entries(
    row: str, runs: Sequence[Run], *, tta: str, unit: str, n_splits: int
) -> list[Entry]:
    """Jaccard in all the ways in which one could mean it.

    Args:
        row: its key.
        runs: of one system.
        tta: test-time augmentation.
        unit: what a split is called.
        n_splits: how many there are to do.
    """
    table = score_runs(runs, size="resized", tta=tta)
    if table.empty:
        return []
    source = join_ids(table["run"])
    images, splits = by_image(table)["jaccard"], by_split(table)["jaccard"]
    native = score_runs(runs, size="native", tta=tta)
    done = f"{len(splits)} of {n_splits}"
    entries = [
        Entry(row, f"{unit}s", done, value=len(splits), source=source),
        Entry(row, "images", str(len(images)), value=len(images), source=source),
        spread_entry(row, "over images", images, source=source),
        percent_entry(row, "over pixels", mean=pool_pixels(table)["jaccard"], source=source),
        spread_entry(row, f"over {unit}s", splits, source=source),
        best_entry(row, f"best {unit}", table),
    ]
    if not native.empty:
        values, source = by_image(native)["jaccard"], join_ids(native["run"])
        entries.append(spread_entry(row, "at native size", values, source=source))
    return entries


def spread_entry(row: str, column: str, values: pd.Series[float], *, source: str) -> Entry:
    """Mean ± standard deviation of shares of one, in percent."""
    found = spread(values)
    return percent_entry(row, column, mean=found.mean, sd=found.sd, n=found.n, source=source)


def best_entry(row: str, column: str, table: pd.DataFrame) -> Entry:
    """Mean ± standard deviation over the images of the best fold or seed, and its name."""
    name = best_split(table)
    best = table[table["split"] == name]
    entry = spread_entry(row, column, best["jaccard"], source=join_ids(best["run"]))
    return replace(entry, text=f"{entry.text} ({name})")


def rival_entries(row: str, table: pd.DataFrame, other: pd.DataFrame) -> list[Entry]:
    """Mean Jaccard of one table minus that of another, of the images that both have.

    Args:
        row: key of the other.
        table: of `score_runs`, of ResNet18-UNet+RP.
        other: of `score_runs`, of the other system or setting.
    """
    difference = paired_difference(table, other)
    if difference is None:
        return []
    runs = pd.concat([table, other])
    runs = runs[runs["split"].isin(difference.splits)]
    return [difference_entry(row, RIVAL, difference, source=join_ids(runs["run"]))]
