"""finished runs → Figure 7: Jaccard against the work of a forward pass, every system a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.experiments.figures.drawn import Drawn
from coverslip.experiments.systems import RP, SYSTEMS
from coverslip.experiments.tables.statistics import by_image, score_runs
from coverslip.figures.scatter import Dot, scatter_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.experiments.datasets import DataSet
    from coverslip.experiments.record import Run

STRONG = (RP, "swift")
CAPTION = (
    "Mean Jaccard index over the test images, with test-time augmentation, against the work of one "
    "forward pass at the size of the data set (a multiplication and an addition count as two; "
    "logarithmic), budget {budget}. Methods without learning are named below. Trainings: {compared}"
)


def figure7(datasets: Sequence[DataSet], runs: Sequence[Run], *, budget: str) -> Drawn | None:
    """Draw what a network's work buys.

    Only splits that every network shown was run on count, so that all points are of the same
    images and trainings.

    Args:
        datasets: a panel for each that was run.
        runs: of one budget.
        budget: its name.

    Returns:
        None where no network was run.
    """
    panels, words = [], []
    for dataset in datasets:
        own = [run for run in runs if run.dataset == dataset.name and run.system in SYSTEMS]
        shared = shared_splits(own)
        dots = [d for key in SYSTEMS if (d := to_dot(key, own, shared)) is not None]
        if any(dot.cost is not None for dot in dots):
            panels.append((f"{dataset.title}, {dataset.size_px} × {dataset.size_px} px", dots))
            words.append(f"{dataset.title}: {', '.join(sorted(shared))}.")
    if not panels:
        return None
    figure = scatter_figure(
        panels, cost_label="GFLOP per image", score_label="mean Jaccard index (%)"
    )
    return Drawn("figure7", figure, CAPTION.format(budget=budget, compared=" ".join(words)))


def shared_splits(runs: Sequence[Run]) -> set[str]:
    """The folds or seeds that every network with any run was run on."""
    networks = {run.system for run in runs if run.gflop and not run.diverged}
    done = [
        {run.split for run in runs if run.system == key and not run.diverged} for key in networks
    ]
    return set.intersection(*done) if done else set()


def to_dot(key: str, runs: Sequence[Run], splits: set[str]) -> Dot | None:
    """A system's mean score and work; None if it was not run on those splits."""
    own = [run for run in runs if run.system == key and run.split in splits]
    table = score_runs(own, size="resized", tta="paper")
    if table.empty:
        return None
    score = 100 * float(by_image(table)["jaccard"].mean())
    return Dot(SYSTEMS[key].label, own[0].gflop, score, stands_out=key in STRONG)
