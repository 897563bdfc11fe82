"""finished runs → the tables and figures of a part of the paper, and one page of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.experiments.figures import make_figures
from coverslip.experiments.record import read_runs
from coverslip.experiments.tables import (
    ablation_table,
    cost_table,
    paper_table,
    to_markdown,
    write_table,
)
from coverslip.experiments.wanted import is_of
from coverslip.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from coverslip.experiments.datasets import DataSet
    from coverslip.experiments.tables import PaperTable


def make_tables(
    part: str,
    runs: Path,
    datasets: Sequence[DataSet],
    *,
    budget: str,
    on_note: Callable[[str], None],
) -> dict[str, PaperTable]:
    """The tables of a part of the paper, by the names of their files, from what has been run."""
    finished = read_runs(runs, on_skipped=on_note)
    tables = {}
    for number in (1, 2, 3, 4):
        stem = f"table{number}"
        for dataset in datasets:
            if part in (stem, "all") and is_of(stem, dataset):
                tables[stem] = paper_table(
                    number,
                    finished,
                    dataset=dataset.name,
                    budget=budget,
                    splits=[split.name for split in dataset.splits],
                )
    if part in ("ablations", "all"):
        for dataset in datasets:
            stem = f"ablations_{dataset.name}"
            tables[stem] = ablation_table(finished, dataset.name, budget=budget)
    if part == "all":
        tables["cost"] = cost_table([run for run in finished if run.budget["name"] == budget])
    return tables


def write_results(
    part: str,
    out: Path,
    datasets: Sequence[DataSet],
    *,
    budget: str,
    on_note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the tables and figures of a part of the paper from the runs in ``out/runs``.

    Nothing is trained: this takes seconds.

    Returns:
        A page with all of them: ``out/README.md``, or for one table ``out/table1.md``.

    Raises:
        FileError: nothing was run yet, or the folder cannot be written.
    """
    tables = make_tables(part, out / "runs", datasets, budget=budget, on_note=on_note)
    sections = []
    for stem, table in tables.items():
        write_table(table, out / "tables", stem=stem)
        sections.append(to_markdown(table, stem=f"tables/{stem}"))
    if part in ("figures", "all"):
        paths = make_figures(
            datasets, out / "runs", out / "figures", budget=budget, on_note=on_note
        )
        sections.append(show_pictures([path for path in paths if path.suffix == ".png"]))
    page = out / ("README.md" if part == "all" else f"{part}.md")
    write_text(page, f"# Results, budget {budget}\n\n" + "\n".join(sections))
    return page


def show_pictures(paths: Sequence[Path]) -> str:
    """A section of the page: every figure, and where its caption is."""
    pictures = [f"![{path.stem}](figures/{path.name})\n" for path in paths]
    captions = "What each shows, and how its images were chosen: [captions](figures/figures.md).\n"
    return "\n".join(["## Figures\n", captions, *pictures])
