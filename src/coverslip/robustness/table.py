"""scores at every strength ↔ a CSV, and what it says in a line for each degradation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from coverslip.errors import DataError
from coverslip.evaluate import COLUMNS
from coverslip.files import write_text
from coverslip.robustness.degradations import DEGRADATIONS, UNDISTURBED

if TYPE_CHECKING:
    from pathlib import Path

ROBUSTNESS_COLUMNS: dict[str, str] = {
    "degradation": "what was done to the image; none: nothing",
    "strength": "how much of it, in its unit; missing for none",
    "unit": "what the strength counts",
    **COLUMNS,
}

SUMMARY_COLUMNS: dict[str, str] = {
    "degradation": "what was done to the images",
    "unit": "what the strengths count",
    "mildest": "least strength at which the median over images is lower than undisturbed by 0.1",
    "worst": "strength at which the median over images is lowest",
    "median": "the median there, 0 to 1",
}
LOSS = 0.1  # of the Jaccard index: what one sees in the masks at once


def read_table(path: Path) -> pd.DataFrame:
    """What an earlier call has measured; no row where there was none.

    Raises:
        DataError: it is no such table.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(ROBUSTNESS_COLUMNS))
    try:
        table = pd.read_csv(
            path,
            dtype={"name": str, "degradation": str},
            keep_default_na=False,
            na_values=[""],
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as a table ({error}). Delete it.") from error
    missing = [column for column in ROBUSTNESS_COLUMNS if column not in table]
    if missing:
        raise DataError(f"{path}: no column {', '.join(missing)}. Delete it, or choose another -o.")
    return table.assign(unit=table["unit"].fillna(""))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write all that is measured so far, whole or not at all."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def has_step(table: pd.DataFrame, degradation: str, strength: float) -> bool:
    """Whether a degradation at a strength is measured."""
    rows = table[table["degradation"] == degradation]
    return len(rows) > 0 and (
        degradation == UNDISTURBED or bool((rows["strength"] == strength).any())
    )


def summarise_robustness(table: pd.DataFrame, *, score: str = "jaccard") -> pd.DataFrame:
    """When each degradation begins to tell, and how far down it leads.

    Args:
        table: of `measure_robustness`, with the undisturbed scores.
        score: one of its columns.

    Returns:
        One row per degradation, with `SUMMARY_COLUMNS`; `mildest` is missing where no strength
        costs so much. Of strengths on either side of what is usual, the mildest is the nearest to
        the middle of the list.
    """
    usual = table.loc[table["degradation"] == UNDISTURBED, score].median()
    rows = []
    for name, degradation in DEGRADATIONS.items():
        own = table[table["degradation"] == name]
        if own.empty:
            continue
        medians = own.groupby("strength")[score].median()
        known = [strength for strength in degradation.by_severity if strength in medians.index]
        mildest = next((s for s in known if medians[s] < usual - LOSS), float("nan"))
        rows.append(
            {
                "degradation": name,
                "unit": degradation.unit,
                "mildest": mildest,
                "worst": medians.idxmin(),
                "median": medians.min(),
            }
        )
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
