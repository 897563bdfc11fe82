"""runs → ResNet18-UNet+RP beside itself with one thing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coverslip.reproduction.systems import ABLATIONS, FROM_SCRATCH, RP
from coverslip.reproduction.tables.entries import HEADS, RIVAL, rival_entries, score_entries
from coverslip.reproduction.tables.layout import (
    Entry,
    PaperTable,
    entries_to_frame,
    entries_to_sources,
)
from coverslip.reproduction.tables.scope import split_unit
from coverslip.reproduction.tables.setup import (
    KEY,
    PARAMETERS,
    PRETRAINED,
    again_note,
    setup_entries,
)
from coverslip.reproduction.tables.statistics import score_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.result_file import Run


class Change(NamedTuple):
    """One row: a system and how it is scored."""

    label: str
    system: str
    tta: str = "paper"


CHANGES: dict[str, Change] = {
    RP: Change("ResNet18-UNet+RP, as in the tables", RP),
    "resnet18_unet": Change("no residual paths (ResNet18-U-Net)", "resnet18_unet"),
    **{key: Change(system.label, key) for key, system in ABLATIONS.items()},
    "rp_tta_none": Change("no test-time augmentation", RP, "none"),
    "rp_tta_d4": Change("all eight flips and turns for test-time augmentation", RP, "d4"),
}


def ablation_table(
    runs: Sequence[Run], dataset: str, *, budget: str, splits: Sequence[str] = ()
) -> PaperTable:
    """Compare ResNet18-UNet+RP with itself, one thing changed in each row.

    Args:
        runs: any; those of other data sets and budgets are passed over.
        dataset: name of the data set.
        budget: name of the budget.
        splits: names of all folds or seeds to be done; empty: those that any run has.

    Returns:
        A row for each change that was run, and the base first; without any run, no row.
    """
    chosen = [run for run in runs if run.dataset == dataset and run.budget["name"] == budget]
    if any(run.system == RP and run.pretrained == "none" for run in chosen):
        chosen = [run for run in chosen if run.system != FROM_SCRATCH]  # it is the base itself
    tables = {
        key: score_runs(
            [run for run in chosen if run.system == change.system], size="resized", tta=change.tta
        )
        for key, change in CHANGES.items()
    }
    rows = {key: CHANGES[key].label for key, table in tables.items() if not table.empty}
    names = {*splits, *(split for table in tables.values() for split in table["split"])}
    unit = split_unit(sorted(names))
    entries: list[Entry] = []
    for key in rows:
        table = tables[key]
        ids = set(table["run"])
        done = f"{table['split'].nunique()} of {len(names)}"
        entries.append(Entry(key, f"{unit}s", done, value=len(ids), source=" ".join(sorted(ids))))
        entries += score_entries(key, table)
        entries += rival_entries(key, tables[RP], table) if key != RP else []
        entries += setup_entries(key, [run for run in chosen if run.id in ids])
    columns = [*HEADS.values(), RIVAL, f"{unit}s", PARAMETERS, PRETRAINED, KEY]
    return PaperTable(
        title=f"What each choice is worth: {dataset}, budget {budget}",
        frame=entries_to_frame(entries, rows=rows, columns=columns, head="changed"),
        notes=ablation_notes(chosen, unit=unit),
        sources=entries_to_sources(entries),
    )


def ablation_notes(runs: Sequence[Run], *, unit: str) -> list[str]:
    """What the columns mean, and what went wrong."""
    notes = [
        "JS Jaccard, DC Dice, P precision, R recall, in percent: mean ± standard deviation over "
        f"images, an image that several {unit}s scored counting once. With the paper's test-time "
        "augmentation, but for the rows that change it.",
        "RP − this: mean JS of ResNet18-UNet+RP minus that of the row, paired over the images that "
        f"both scored on the same {unit}s, with the 95 % bootstrap interval over images. Above "
        "zero, the change does harm. One training a row and "
        f"{unit}: part of a small difference is chance.",
    ]
    if runs:
        notes.append(again_note("ablations", runs[0].dataset, runs))
    failed = [run.id for run in runs if run.diverged and run.system in CHANGES]
    if failed:
        notes.append(f"Diverged at every learning rate tried, and left out: {', '.join(failed)}.")
    return notes
