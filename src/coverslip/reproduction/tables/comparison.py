"""runs → the paper's Tables 1 to 4, ours beside the paper's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.reproduction.datasets import DSB2018, STAND_IN
from coverslip.reproduction.systems import RP
from coverslip.reproduction.tables.entries import (
    GAIN,
    HEADS,
    gain_entries,
    paper_entries,
    rival_entries,
    score_entries,
    way_columns,
    way_entries,
)
from coverslip.reproduction.tables.layout import PaperTable, entries_to_frame, entries_to_sources
from coverslip.reproduction.tables.notes import mark_rows, paper_notes, paper_title
from coverslip.reproduction.tables.scope import find_scope
from coverslip.reproduction.tables.setup import SETUP, setup_entries
from coverslip.reproduction.tables.statistics import score_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.result_file import Run
    from coverslip.reproduction.tables.layout import Entry
    from coverslip.reproduction.tables.scope import Scope

COLUMNS = ["JS paper", "JS ours", GAIN] + [
    f"{HEADS[metric]} {whose}"
    for metric in ("dice", "precision", "recall")
    for whose in ("paper", "ours")
]


def paper_table(
    number: int,
    runs: Sequence[Run],
    *,
    budget: str,
    dataset: str | None = None,
    splits: Sequence[str] = (),
) -> PaperTable:
    """Make one of the paper's tables.

    Args:
        number: 1 and 2 for phase contrast with and without test-time augmentation, 3 and 4 for
            DSB2018.
        runs: any; those of other data sets and budgets are passed over.
        budget: name of the budget.
        dataset: name of the data set; None: DSB2018, or the stand-in for the paper's own frames.
        splits: names of all folds or seeds to be done; empty: those that any run has.

    Returns:
        The paper's scores and ours; beside it, Jaccard counted in other ways, and the trainings.

    Raises:
        SettingsError: no such table.
    """
    dataset = dataset or (DSB2018 if number in (3, 4) else STAND_IN)
    scope = find_scope(number, runs, dataset=dataset, budget=budget, splits=splits)
    entries = [entry for key in scope.systems for entry in row_entries(key, scope)]
    rows = mark_rows(scope)
    details = {
        "Jaccard in percent, counted in other ways": way_columns(scope.unit),
        "How each was trained": list(SETUP),
    }
    return PaperTable(
        title=paper_title(scope),
        frame=entries_to_frame(entries, rows=rows, columns=COLUMNS),
        notes=paper_notes(scope),
        sources=entries_to_sources(entries),
        details={
            heading: entries_to_frame(
                entries,
                rows={key: rows[key] for key, runs in scope.systems.items() if runs},
                columns=columns,
            )
            for heading, columns in details.items()
            if scope.runs
        },
    )


def row_entries(key: str, scope: Scope) -> list[Entry]:
    """All that the table and its details say of one system."""
    runs, number, tta = scope.systems[key], scope.number, scope.tta
    table = score_runs(runs, size="resized", tta=tta)
    ours = score_runs(scope.systems[RP], size="resized", tta=tta)
    return [
        *paper_entries(key, number),
        *score_entries(key, table, after=" ours"),
        *gain_entries(key, number, table),
        *way_entries(key, runs, tta=tta, unit=scope.unit, n_splits=len(scope.splits)),
        *(rival_entries(key, ours, table) if key != RP else []),
        *setup_entries(key, runs),
    ]
