"""coverslip robustness: a model × annotated images, made worse → a table, a figure, a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.commands.console import count_of, new_progress, note, show_table, tell
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
    note(f"{count_of(len(pairs), 'image')}, model {job.model_name}")
    with new_progress() as progress:
        task = progress.add_task("scoring", total=None, info="")

        def on_scored(what: str, done: int, n: int) -> None:
            progress.update(task, completed=done, total=n, info=what)

        scores = measure_robustness(
            job, pairs, out, degradations=tuple(only) or tuple(DEGRADATIONS), on_scored=on_scored
        )
    drawn = draw(scores, out)
    for score, name in FIGURES.values():
        show_scores(scores, score=score, name=name)
    tell(", ".join(str(path) for path in (out / "robustness.csv", *drawn)))


def show_scores(scores: pd.DataFrame, *, score: str, name: str) -> None:
    """Print what is left of one score, where any image has it."""
    known = scores.dropna(subset=[score])
    usual = known.loc[known["degradation"] == UNDISTURBED, score].median()
    if usual == usual:
        title = f"{name}, median over images in percent; undisturbed {100 * usual:.1f}"
        show_table(in_words(summarise_robustness(known, score=score)), title=title)


def draw(scores: pd.DataFrame, out: Path) -> list[Path]:
    """Draw all measured so far, of pixels, and of cells where they have one; the files."""
    written = []
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
            written += [out / f"{stem}.png", out / f"{stem}.pdf"]
    return written


def in_words(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary as it is shown on the terminal."""
    return summary.assign(
        mildest=[f"{value:g}" if value == value else "never" for value in summary["mildest"]],
        worst=[f"{value:g}" for value in summary["worst"]],
        median=[f"{100 * value:.1f}" for value in summary["median"]],
    ).rename(columns={"mildest": "10 lost at", "worst": "lowest at", "median": "median there"})
