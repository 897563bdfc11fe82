"""runs → every system's Jaccard on each kind of image."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from coverslip.reproduction.systems import SYSTEMS
from coverslip.reproduction.tables.entries import spread_entry
from coverslip.reproduction.tables.layout import (
    Entry,
    PaperTable,
    entries_to_frame,
    entries_to_sources,
    join_ids,
)
from coverslip.reproduction.tables.statistics import by_image, score_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from coverslip.reproduction.result_file import Run


def modality_table(
    runs: Sequence[Run], dataset: str, modality: Mapping[str, str], *, budget: str
) -> PaperTable:
    """Compare the systems on each kind of image, with the paper's test-time augmentation.

    Args:
        runs: any; those of other data sets and budgets are passed over.
        dataset: name of the data set.
        modality: image → what kind it is; an image that is not in it is of no kind.
        budget: name of the budget.

    Returns:
        A row for each system that was run, a column for each kind, the most frequent first.
    """
    own = [run for run in runs if run.dataset == dataset and run.budget["name"] == budget]
    tables = {
        key: score_runs([r for r in own if r.system == key], size="resized", tta="paper")
        for key in SYSTEMS
    }
    tables = {key: table for key, table in tables.items() if not table.empty}
    images = {image for table in tables.values() for image in table["image"]}
    kinds = Counter(modality[image] for image in images if image in modality)
    order = sorted(kinds, key=lambda kind: (-kinds[kind], kind))
    entries = [e for key, table in tables.items() for e in kind_entries(key, table, modality)]
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in order)
    return PaperTable(
        title=f"By kind of image: {dataset}, Jaccard in percent, budget {budget}",
        frame=entries_to_frame(
            entries,
            rows={key: SYSTEMS[key].label for key in tables},
            columns=["all", *order, "trainings"],
        ),
        notes=[
            "Mean ± standard deviation over images, an image that several trainings scored "
            f"counting once; networks with test-time augmentation. Images: {counts}."
        ],
        sources=entries_to_sources(entries),
    )


def kind_entries(row: str, table: pd.DataFrame, modality: Mapping[str, str]) -> list[Entry]:
    """The scores of one system: of all images, and of each kind."""
    scores, source = by_image(table)["jaccard"], join_ids(table["run"])
    groups = scores.groupby([modality.get(str(image), "") for image in scores.index])
    return [
        Entry(row, "trainings", ", ".join(sorted(set(table["split"]))), source=source),
        spread_entry(row, "all", scores, source=source),
        *[spread_entry(row, str(kind), own, source=source) for kind, own in groups if kind],
    ]
