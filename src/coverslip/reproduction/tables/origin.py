"""runs → how they came about: which program, on what machine, and how long it took."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from coverslip.reproduction.systems import ABLATIONS, SYSTEMS
from coverslip.reproduction.tables.layout import (
    Entry,
    PaperTable,
    entries_to_frame,
    entries_to_sources,
    join_ids,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.result_file import Run

COLUMNS = ("machine", "Python", "PyTorch", "runs", "hours", "systems")


def origin_table(runs: Sequence[Run]) -> PaperTable:
    """Say which commit made which runs, where, and in how many hours.

    Args:
        runs: any.

    Returns:
        A row for each commit, machine, device and set of versions.
    """
    order = [*SYSTEMS, *ABLATIONS]
    entries: list[Entry] = []
    rows: dict[str, str] = {}
    for number, (key, group) in enumerate(groupby(sorted(runs, key=origin), key=origin)):
        same = sorted(group, key=lambda run: order.index(run.system))
        row, (commit, machine, python, torch) = str(number), key
        rows[row] = commit
        hours = sum(sum(run.seconds.values()) for run in same) / 3600
        texts = {
            "machine": machine,
            "Python": python,
            "PyTorch": torch,
            "systems": ", ".join(dict.fromkeys(run.system for run in same)),
        }
        source = join_ids(run.id for run in same)
        entries += [Entry(row, column, text, source=source) for column, text in texts.items()]
        entries += [
            Entry(row, "runs", str(len(same)), value=len(same), source=source),
            Entry(row, "hours", f"{hours:.1f}", value=hours, source=source),
        ]
    return PaperTable(
        title="Where the runs came from",
        frame=entries_to_frame(entries, rows=rows, columns=COLUMNS, head="commit"),
        notes=["hours: training and scoring, added up, whatever else ran beside them."],
        sources=entries_to_sources(entries),
    )


def origin(run: Run) -> tuple[str, str, str, str]:
    """Commit, machine with its device, and versions of Python and PyTorch."""
    facts = run.provenance
    machine = ", ".join(filter(None, (facts.get("machine", ""), run.device)))
    torch = facts.get("packages", {}).get("torch", "")
    return facts.get("commit") or "unknown", machine, facts.get("python", ""), torch
