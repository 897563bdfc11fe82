"""runs → what each system costs: parameters, work, time, memory."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import TYPE_CHECKING

from coverslip.reproduction.result_file import NO_LEARNING
from coverslip.reproduction.systems import SYSTEMS
from coverslip.reproduction.tables.layout import (
    Entry,
    PaperTable,
    entries_to_frame,
    entries_to_sources,
    join_ids,
)
from coverslip.reproduction.tables.setup import PARAMETERS, budget_text, parameter_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coverslip.reproduction.result_file import Run

COLUMNS = [
    "data set",
    "steps × batch at size",
    "device",
    PARAMETERS,
    "GFLOP",
    "training (min)",
    "memory (GB)",
    "runs",
]


def cost_table(runs: Sequence[Run]) -> PaperTable:
    """Compare what the systems cost, each data set, budget and device for itself.

    Args:
        runs: any; ablations and methods without learning are passed over.

    Returns:
        A row for each data set, budget, device and system, in this order.
    """
    order = list(SYSTEMS)
    chosen = [run for run in runs if run.system in order and run.pretrained != NO_LEARNING]
    chosen.sort(key=lambda run: (*condition(run), order.index(run.system)))
    rows, entries = {}, []
    for key, group in groupby(chosen, key=lambda run: (*condition(run), run.system)):
        same = list(group)
        row = " ".join(key)
        rows[row] = SYSTEMS[same[0].system].label
        entries += cost_entries(row, same)
    return PaperTable(
        title="What each network costs",
        frame=entries_to_frame(entries, rows=rows, columns=COLUMNS),
        notes=[
            "GFLOP: of one forward pass for one image of the size given, a multiplication and an "
            "addition counting as two. training: mean over the runs; "
            "memory: the largest peak of the process, or on a GPU of the network, while training; "
            "1 GB is 2³⁰ bytes. Times of one device and budget can be "
            "compared, if nothing else ran beside them.",
        ],
        sources=entries_to_sources(entries),
    )


def condition(run: Run) -> tuple[str, str, str]:
    """What two runs must share for their times to be compared."""
    return run.dataset, run.budget["name"], run.device


def cost_entries(row: str, runs: list[Run]) -> list[Entry]:
    """One row: runs of one system under the same conditions."""
    source = join_ids(run.id for run in runs)
    texts = {
        "data set": runs[0].dataset,
        "steps × batch at size": budget_text(runs[0].budget),
        "device": runs[0].device,
        "runs": str(len(runs)),
    }
    minutes = [run.seconds["train"] / 60 for run in runs if "train" in run.seconds]
    gigabytes = [run.peak_memory_mb / 1024 for run in runs if run.peak_memory_mb is not None]
    return [
        *[Entry(row, column, text, source=source) for column, text in texts.items()],
        *parameter_entries(row, runs),
        *number_entries(row, "GFLOP", {run.gflop for run in runs if run.gflop}, source=source),
        *number_entries(row, "training (min)", minutes, source=source, least=0.1),
        *number_entries(row, "memory (GB)", gigabytes and [max(gigabytes)], source=source),
    ]


def number_entries(
    row: str, column: str, values: Iterable[float], *, source: str, least: float = 0.0
) -> list[Entry]:
    """The mean with one decimal, or that it is below the `least`; none of nothing."""
    values = list(values)
    if not values:
        return []
    mean = statistics.fmean(values)
    text = f"< {least}" if mean < least else f"{mean:.1f}"
    return [Entry(row, column, text, value=mean, n=len(values), source=source)]
