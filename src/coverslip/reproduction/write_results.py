"""finished runs → the tables and figures of a part of the paper, and one page of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip import write_text
from coverslip.errors import DataError
from coverslip.reproduction.datasets import DSB2018, STAND_IN
from coverslip.reproduction.figures.make import make_figures
from coverslip.reproduction.result_file import read_runs
from coverslip.reproduction.tables.ablation import ablation_table
from coverslip.reproduction.tables.claims import claims_table
from coverslip.reproduction.tables.comparison import paper_table
from coverslip.reproduction.tables.cost import cost_table
from coverslip.reproduction.tables.modality import modality_table
from coverslip.reproduction.tables.origin import origin_table
from coverslip.reproduction.tables.write import to_markdown, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from coverslip.reproduction.datasets import DataSet
    from coverslip.reproduction.result_file import Run
    from coverslip.reproduction.tables.layout import PaperTable


def make_tables(
    part: str, runs: Sequence[Run], datasets: Sequence[DataSet], *, budget: str
) -> dict[str, PaperTable]:
    """The tables of a part of the paper, by the names of their files, from what has been run."""
    own = [run for run in runs if run.budget["name"] == budget]
    in_order = sorted(datasets, key=lambda dataset: dataset.tables)
    numbers = {dataset.name: dataset.tables for dataset in in_order}
    tables = {"claims": claims_table(own, numbers, budget=budget)} if part == "all" else {}
    for dataset in in_order:
        tables |= tables_of_paper(part, own, dataset, budget=budget)
    for dataset in in_order:
        if part in ("ablations", "all"):
            splits = [split.name for split in dataset.splits]
            tables[f"ablations_{dataset.name}"] = ablation_table(
                own, dataset.name, budget=budget, splits=splits
            )
    if part == "all":
        tables |= {"cost": cost_table(own), "origin": origin_table(own)}
    return tables


def tables_of_paper(
    part: str, runs: Sequence[Run], dataset: DataSet, *, budget: str
) -> dict[str, PaperTable]:
    """Those of the paper's that are of a data set, and its scores by kind of image."""
    tables = {}
    after = "" if is_usual(dataset) else f"_{dataset.name}"
    splits = [split.name for split in dataset.splits]
    for number in dataset.tables:
        if part in (f"table{number}", "all"):
            tables[f"table{number}{after}"] = paper_table(
                number, runs, dataset=dataset.name, budget=budget, splits=splits
            )
    if tables and dataset.modality:
        stem = f"modality_{dataset.name}"
        tables[stem] = modality_table(runs, dataset.name, dataset.modality, budget=budget)
    return tables


def is_usual(dataset: DataSet) -> bool:
    """Whether the tables of a data set need not carry its name in theirs."""
    return dataset.name in (DSB2018, STAND_IN)


def write_results(
    part: str,
    out: Path,
    datasets: Sequence[DataSet],
    *,
    budget: str,
    missing: Sequence[str] = (),
    on_message: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the tables and figures of a part of the paper from the runs in ``out/runs``.

    Nothing is trained: this takes seconds.

    Args:
        part: one of `plan.PARTS`.
        out: folder; what is written goes into a folder below it that is named as the budget.
        datasets: those that the part is of.
        budget: name of the budget.
        missing: what the page must say is not in it.
        on_message: called with what was left out.

    Returns:
        A page with all of them: ``out/BUDGET/README.md``, or for one part ``table1.md``.

    Raises:
        DataError: no run of the budget is finished.
        FileError: nothing was run yet, or the folder cannot be written.
    """
    runs, folder = read_runs(out / "runs", on_skipped=on_message), out / budget
    check_some(runs, datasets, budget=budget, out=out)
    sections = []
    for stem, table in make_tables(part, runs, datasets, budget=budget).items():
        write_table(table, folder / "tables", stem=stem)
        sections.append(to_markdown(table, stem=f"tables/{stem}"))
    if part in ("figures", "all"):
        figures = folder / "figures"
        paths = make_figures(datasets, out / "runs", figures, budget=budget, on_message=on_message)
        sections.append(show_figures(paths[-1]))
    if missing:
        sections.append("## Not in it\n\n" + "".join(f"- {line}\n" for line in missing))
    page = folder / ("README.md" if part == "all" else f"{part}.md")
    write_text(page, f"# Results, budget {budget}\n\n" + "\n".join(sections))
    return page


def check_some(runs: Sequence[Run], datasets: Sequence[DataSet], *, budget: str, out: Path) -> None:
    """Refuse to write tables with nothing of ours in them, perhaps over others.

    Raises:
        DataError: no run of these data and this budget is finished.
    """
    names = {dataset.name for dataset in datasets}
    budgets = {run.budget["name"] for run in runs if run.dataset in names}
    if budget not in budgets:
        there = f"there are some of {', '.join(sorted(budgets))}: --budget " if budgets else ""
        raise DataError(
            f"{out / 'runs'}: no run of budget {budget} is finished, so there is no table to make"
            + (f"; {there}{min(budgets)}." if budgets else ".")
        )


def show_figures(page: Path) -> str:
    """The page of the figures as a section of another, one folder up."""
    text = page.read_text(encoding="utf-8").replace("\n## ", "\n### ").replace("](", "](figures/")
    return text.replace("# Figures", "## Figures", 1)
