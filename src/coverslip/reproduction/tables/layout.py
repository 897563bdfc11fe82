"""numbers, each with its sources → the frames of a table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from coverslip.reproduction.tables.statistics import Difference

MISSING = "—"

SOURCE_COLUMNS: dict[str, str] = {
    "row": "key of the system, or what else a row stands for",
    "column": "head of the column",
    "text": "what the table prints",
    "value": "the number before rounding, in the unit of the table; missing for words",
    "sd": "standard deviation, where the table prints one",
    "low": "lower end of the 95 % interval, where the table prints one",
    "high": "upper end",
    "n": "how many values (images, folds, seeds, runs) the number is of; 0 where it is not a mean",
    "source": "stems of the JSON files that it was computed from, or the paper's table",
}


@dataclass(frozen=True)
class Entry:
    """One entry of a table, and where it comes from; the attributes are `SOURCE_COLUMNS`."""

    row: str
    column: str
    text: str
    value: float = math.nan
    sd: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    source: str = ""


@dataclass(frozen=True)
class PaperTable:
    """A table to print.

    Attributes:
        title: what the numbers are of.
        frame: the table, text, `MISSING` where there is nothing.
        notes: sentences to stand below it.
        sources: one row for each entry, with `SOURCE_COLUMNS`.
        details: heading → further table with the same rows.
    """

    title: str
    frame: pd.DataFrame
    notes: list[str]
    sources: pd.DataFrame
    details: dict[str, pd.DataFrame] = field(default_factory=dict)


def percent_entry(
    row: str, column: str, *, mean: float, sd: float = math.nan, n: int = 0, source: str = ""
) -> Entry:
    """A share of one (and its standard deviation) as percent: ``85.0 ± 4.5``."""
    text = f"{100 * mean:.1f}" if math.isnan(sd) else f"{100 * mean:.1f} ± {100 * sd:.1f}"
    value, deviation = (round(100 * share, 9) for share in (mean, sd))  # 1.8, not 1.80…03
    return Entry(row, column, text, value=value, sd=deviation, n=n, source=source)


def difference_entry(row: str, column: str, difference: Difference, *, source: str) -> Entry:
    """A difference of shares of one as points of percent: ``+1.2 [−0.4, +2.0]``."""
    mean, low, high = (100 * x for x in (difference.mean, difference.low, difference.high))
    interval = "" if math.isnan(low) else f" [{signed(low)}, {signed(high)}]"
    text = f"{signed(mean)}{interval}"
    return Entry(row, column, text, value=mean, low=low, high=high, n=difference.n, source=source)


def signed(points: float) -> str:
    """One decimal with its sign, which zero has none of: ``+1.2``, ``−0.3``, ``0.0``."""
    text = f"{points:+.1f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0 else text


def entries_to_frame(
    entries: Iterable[Entry],
    *,
    rows: Mapping[str, str],
    columns: Sequence[str],
    head: str = "System",
) -> pd.DataFrame:
    """Lay entries out.

    Args:
        entries: in any order; those of other columns are passed over.
        rows: key → label of every row, in order.
        columns: in order; one without any entry is left out.
        head: of the column of labels.
    """
    texts = {(entry.row, entry.column): entry.text for entry in entries}
    used = [column for column in columns if any((row, column) in texts for row in rows)]
    filled = {column: [texts.get((row, column), MISSING) for row in rows] for column in used}
    return pd.DataFrame({head: list(rows.values()), **filled})


def entries_to_sources(entries: Iterable[Entry]) -> pd.DataFrame:
    """One row for each entry, with `SOURCE_COLUMNS`."""
    names = [field.name for field in fields(Entry)]
    return pd.DataFrame([asdict(entry) for entry in entries], columns=names)


def join_ids(ids: Iterable[str]) -> str:
    """The ids of runs, each once, in order."""
    return " ".join(sorted(set(ids)))
