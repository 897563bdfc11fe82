"""coverslip robustness: a model × annotated images, made worse → a table, a figure, a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.commands.console import new_progress, note, show_table, tell
from coverslip.commands.selection import choose_pairs
from coverslip.figures.robustness import Ladder, robustness_figure
from coverslip.figures.save import figure_to_bytes
from coverslip.files import find_pairs, write_bytes
from coverslip.robustness import (
    DEGRADATIONS,
    UNDISTURBED,
    measure_robustness,
    summarise_robustness,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from coverslip.pipeline import Job

FIGURES = {
    "robustness": ("jaccard", "Jaccard index"),
    "robustness_cells": ("mean_ap", "Mean average precision"),
}


def run_robustness(
    job: Job,
    data: Path,
    out: Path,
    *,
    masks: Path | None,
    table: Path | None,
    where: str | None,
    only: Sequence[str],
) -> None:
    """Score a model on images that get worse, draw it and say where the score begins to fall."""
    pairs = choose_pairs(find_pairs(data, masks), table, where)
    note(f"{len(pairs)} images, model {job.model_name}")
    with new_progress() as progress:
        task = progress.add_task("scoring", total=None, info="")

        def on_scored(what: str, done: int, n: int) -> None:
            progress.update(task, completed=done, total=n, info=what)

        scores = measure_robustness(
            job, pairs, out, degradations=tuple(only) or tuple(DEGRADATIONS), on_scored=on_scored
        )
    draw(scores, out)
    usual = scores.loc[scores["degradation"] == UNDISTURBED, "jaccard"].median()
    show_table(in_words(summarise_robustness(scores)), title=f"Jaccard undisturbed: {usual:.3f}")
    tell(f"{out / 'robustness.csv'}, {out / 'robustness.png'}, {out / 'robustness.pdf'}")


def draw(scores: pd.DataFrame, out: Path) -> None:
    """All that was measured so far, as PNG and PDF: of pixels, and of cells where they have one."""
    ladders = {
        name: Ladder(one.title, one.unit, one.strengths) for name, one in DEGRADATIONS.items()
    }
    for stem, (score, title) in FIGURES.items():
        known = scores.dropna(subset=[score])
        if UNDISTURBED in set(known["degradation"]):
            figure = robustness_figure(
                known, ladders, undisturbed=UNDISTURBED, score=score, name=title
            )
            write_bytes(out / f"{stem}.png", figure_to_bytes(figure, form="png"))
            write_bytes(out / f"{stem}.pdf", figure_to_bytes(figure, form="pdf"))


def in_words(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary as it is shown on the terminal."""
    return summary.assign(
        mildest=[f"{value:g}" if value == value else "never" for value in summary["mildest"]],
        worst=[f"{value:g}" for value in summary["worst"]],
        median=[f"{value:.3f}" for value in summary["median"]],
    ).rename(columns={"mildest": "0.1 lost at", "worst": "lowest at", "median": "median there"})
