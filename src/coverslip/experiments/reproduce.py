"""what of the paper is wanted → the tasks it takes; finished runs → tables, figures, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.errors import SettingsError
from coverslip.experiments.datasets import open_dataset
from coverslip.experiments.figures import make_figures
from coverslip.experiments.record import read_runs
from coverslip.experiments.systems import ABLATIONS, SYSTEMS
from coverslip.experiments.tables import (
    ablation_table,
    cost_table,
    paper_table,
    to_markdown,
    write_table,
)
from coverslip.experiments.task import plan_tasks
from coverslip.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from coverslip.experiments.budget import Budget
    from coverslip.experiments.datasets import DataSet
    from coverslip.experiments.tables import PaperTable
from coverslip.experiments.task import Task

DSB2018 = "dsb2018"
LISTS = ("split.csv", "folds.csv")  # what tells a data set from a folder of data sets
PARTS = ("table1", "table2", "table3", "table4", "ablations", "figures", "all")


def find_datasets(folders: Sequence[Path]) -> list[DataSet]:
    """The data sets in some folders: each one itself, or those in the folders below it.

    Raises:
        CoverslipError: one that cannot be used; two of the same name.
    """
    found: list[DataSet] = []
    for folder in folders:
        below = sorted({path.parent for name in LISTS for path in folder.glob(f"*/{name}")})
        is_set = any((folder / name).is_file() for name in LISTS)
        found += [open_dataset(path) for path in (below if below and not is_set else [folder])]
    names = [dataset.name for dataset in found]
    if len(set(names)) < len(names):
        raise SettingsError(
            f"two data sets are named {max(names, key=names.count)}: rename one's folder."
        )
    return found


def wanted_tasks(
    part: str,
    datasets: Sequence[DataSet],
    budget: Budget,
    *,
    systems: Sequence[str] = (),
    splits: Sequence[str] = (),
) -> list[Task]:
    """The tasks that a part of the paper takes.

    Args:
        part: one of `PARTS`.
        datasets: what there is to train and score on.
        budget: how long to train.
        systems: keys of SYSTEMS and ABLATIONS; none: all that the part has.
        splits: names such as ``"seed0"``; none: all. Figures show one split, the first.

    Raises:
        SettingsError: a part, system or split that does not exist, or no data set for the part.
    """
    if part not in PARTS:
        raise SettingsError(f"{part}: wanted one of {', '.join(PARTS)}.")
    check_names("--systems", systems, [*SYSTEMS, *ABLATIONS])
    check_names("--splits", splits, [s.name for dataset in datasets for s in dataset.splits])
    chosen = [dataset for dataset in datasets if is_of(part, dataset)]
    if not chosen:
        wanted = "DSB2018, with its split.csv" if part in ("table3", "table4") else "phase contrast"
        raise SettingsError(f"{part} is of {wanted}: name the folder of that data set.")
    tasks = plan_tasks(chosen, [key for key in usual_systems(part) if wants(key, systems)], budget)
    if part == "figures" and not splits:
        splits = [dataset.splits[0].name for dataset in chosen]
    return [task for task in tasks if wants(task.split.name, splits)]


def is_of(part: str, dataset: DataSet) -> bool:
    """Whether a part of the paper is about a data set."""
    if part in ("table1", "table2"):
        return dataset.name != DSB2018
    return dataset.name == DSB2018 if part in ("table3", "table4") else True


def usual_systems(part: str) -> list[str]:
    """The systems of a part of the paper."""
    if part == "ablations":
        return ["resnet18_unet_rp", "resnet18_unet", *ABLATIONS]
    return [*SYSTEMS, *ABLATIONS] if part == "all" else list(SYSTEMS)


def wants(name: str, chosen: Sequence[str]) -> bool:
    """Whether a name was chosen; where none was, all are."""
    return not chosen or name in chosen


def check_names(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a name that does not exist.

    Raises:
        SettingsError: there is one.
    """
    for name in names:
        if name not in known:
            raise SettingsError(f"{option} {name}: wanted of {', '.join(dict.fromkeys(known))}.")


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
    splits = {dataset.name: [split.name for split in dataset.splits] for dataset in datasets}
    tables = {}
    for number in (1, 2, 3, 4):
        own = [name for name in splits if (name == DSB2018) == (number in (3, 4))]
        if part in (f"table{number}", "all") and own:
            tables[f"table{number}"] = paper_table(
                number, finished, budget=budget, splits=splits[own[0]]
            )
    if part in ("ablations", "all"):
        for name in splits:
            tables[f"ablations_{name}"] = ablation_table(finished, name, budget=budget)
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
        A page with all of them, ``out/README.md``.

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
    page = out / "README.md"
    write_text(page, f"# Results, budget {budget}\n\n" + "\n".join(sections))
    return page


def show_pictures(paths: Sequence[Path]) -> str:
    """A section of the page: every figure, and where its caption is."""
    pictures = [f"![{path.stem}](figures/{path.name})\n" for path in paths]
    captions = "What each shows, and how its images were chosen: [captions](figures/figures.md).\n"
    return "\n".join(["## Figures\n", captions, *pictures])
