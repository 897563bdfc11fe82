"""coverslip robustness: a model × annotated images, made worse → a table, a figure, a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.arguments import choose_pairs
from coverslip.cli.messages import (
    collected_notes,
    count_of,
    new_progress,
    note,
    show_table,
    tell,
    tell_unscored,
)
from coverslip.cli.options import (
    Axes,
    CellSize,
    Channel,
    Data,
    Device,
    List,
    Masks,
    MethodArgument,
    MinArea,
    Model,
    Out,
    Precision,
    Project,
    Scale,
    Threshold,
    Tta,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from coverslip.pipeline import Job


def robustness(
    model: Model,
    data: Data,
    out: Out,
    masks: Masks = None,
    argument: MethodArgument = None,
    table: List = None,
    where: Where = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="One degradation, such as blur; may be given several times."),
    ] = None,
    tta: Tta = "none",
    threshold: Threshold = None,
    min_area: MinArea = None,
    scale: Scale = None,
    cell_size: CellSize = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Score a model on images that are made worse step by step: blur, noise, light, size."""
    from coverslip.cli.arguments import parse_arguments
    from coverslip.cli.checks import check_robustness

    check_robustness(model, data, out, masks=masks, only=only or [])
    from coverslip.cli.job import load_job
    from coverslip.inference import PredictSettings
    from coverslip.pipeline import SegmentSettings

    job = load_job(
        model,
        settings=SegmentSettings(
            predict=PredictSettings(tta=tta, device=device, precision=precision)
        ),
        arguments=parse_arguments(argument or []),
        threshold=threshold,
        min_area=min_area,
        scale=scale,
        cell_size=cell_size,
        axes=axes,
        channel=channel,
        project=project,
    )
    failed = run_robustness(job, data, out, masks=masks, table=table, where=where, only=only or [])
    raise typer.Exit(1 if failed else 0)


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
) -> dict[Path, str]:
    """Score a model on images that get worse, draw it and say where the score begins to fall.

    Returns:
        The images that could not be scored, and why.

    Raises:
        CoverslipError: Images and masks that do not pair, or none that can be scored.
    """
    from coverslip.evaluation import DEGRADATIONS, measure_robustness
    from coverslip.io import Ledger, find_pairs, writing

    pairs = choose_pairs(find_pairs(data, masks, reading=job.reading), table, where)
    note(f"{count_of(len(pairs), 'image')}, model {job.model_name}")
    failed: dict[Path, str] = {}
    with collected_notes() as on_note, new_progress() as progress:
        task = progress.add_task("scoring", total=None, info="")

        def on_scored(what: str, done: int, n: int) -> None:
            progress.update(task, completed=done, total=n, info=what)

        scores = measure_robustness(
            job,
            pairs,
            out,
            degradations=tuple(only) or tuple(DEGRADATIONS),
            on_scored=on_scored,
            on_note=on_note,
            on_failed=failed.__setitem__,
        )
    with writing(Ledger(out)):
        drawn = draw(scores, out)
    for score, name in FIGURES.values():
        show_scores(scores, score=score, name=name)
    tell(", ".join(str(path) for path in (out / "robustness.csv", *drawn)))
    tell_unscored(failed)
    return failed


def show_scores(scores: pd.DataFrame, *, score: str, name: str) -> None:
    """Print what is left of one score, where any image has it."""
    from coverslip.evaluation import UNDISTURBED, summarise_robustness

    known = scores.dropna(subset=[score])
    usual = known.loc[known["degradation"] == UNDISTURBED, score].median()
    if usual == usual:
        title = f"{name}, median over images in percent; undisturbed {100 * usual:.1f}"
        show_table(in_words(summarise_robustness(known, score=score)), title=title)


def draw(scores: pd.DataFrame, out: Path) -> list[Path]:
    """Draw all measured so far, of pixels, and of cells where they have one; the files."""
    from coverslip.evaluation import DEGRADATIONS, UNDISTURBED
    from coverslip.figures import figure_to_bytes
    from coverslip.figures.robustness import Ladder, robustness_figure
    from coverslip.io import write_bytes

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
