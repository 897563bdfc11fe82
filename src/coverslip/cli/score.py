"""coverslip score: a model × annotated images → a table of scores.

It segments images that have ground truth, and compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli.arguments import choose_pairs
from coverslip.cli.evaluate import show_scores
from coverslip.cli.messages import collected_notes, new_progress, tell_unscored
from coverslip.cli.options import (
    Axes,
    CellSize,
    Channel,
    Data,
    Device,
    Errors,
    FillHoles,
    List,
    Masks,
    MethodArgument,
    MinArea,
    Model,
    NoSeparate,
    Precision,
    Project,
    Scale,
    Threshold,
    Tta,
    Where,
)
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from coverslip.pipeline import Job


def score(
    model: Model,
    data: Data,
    masks: Masks = None,
    argument: MethodArgument = None,
    table: List = None,
    where: Where = None,
    by: Annotated[
        str | None, typer.Option(help="Column of the list: also a row for each of its values.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Score at this square size instead of the native one.")
    ] = None,
    tta: Tta = "none",
    threshold: Threshold = None,
    no_separate: NoSeparate = False,
    min_area: MinArea = None,
    fill_holes: FillHoles = False,
    scale: Scale = None,
    cell_size: CellSize = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
    device: Device = "auto",
    precision: Precision = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores of every image.")
    ] = None,
    errors: Errors = None,
) -> None:
    """Segment annotated images and score the result."""
    from coverslip.cli.arguments import parse_arguments
    from coverslip.cli.checks import check_score

    check_score(model, data, masks=masks, out=out, errors=errors)
    from coverslip.cli.job import load_job
    from coverslip.inference import PredictSettings
    from coverslip.pipeline import SegmentSettings

    settings = SegmentSettings(
        separate=not no_separate,
        fill_holes=fill_holes,
        predict=PredictSettings(tta=tta, device=device, precision=precision),
    )
    job = load_job(
        model,
        settings=settings,
        arguments=parse_arguments(argument or []),
        threshold=threshold,
        min_area=min_area,
        scale=scale,
        cell_size=cell_size,
        axes=axes,
        channel=channel,
        project=project,
    )
    failed = run_score(
        job,
        data,
        masks=masks,
        size_px=size,
        selection=Selection(table=table, where=where, by=by),
        out=out,
        errors=errors,
    )
    raise typer.Exit(1 if failed else 0)


@dataclass(frozen=True)
class Selection:
    """Which images to score, and how to group them."""

    table: Path | None  # a CSV with a row for each image
    where: str | None  # COLUMN=VALUE or COLUMN!=VALUE: use these only
    by: str | None  # column: also a summary of each of its values


def run_score(
    job: Job,
    data: Path,
    *,
    masks: Path | None,
    size_px: int | None,
    selection: Selection,
    out: Path | None,
    errors: Path | None,
) -> dict[Path, str]:
    """Segment annotated images, score them and show the summary, group by group if wanted.

    Returns:
        The images that could not be scored, and why.

    Raises:
        CoverslipError: Images and masks that do not pair, or none that can be scored.
    """
    from coverslip.evaluation import score_model
    from coverslip.figures import error_map
    from coverslip.io import Ledger, find_pairs, write_image, writing
    from coverslip.pipeline import check_model
    from coverslip.training import read_groups

    table, by = selection.table, selection.by
    pairs = choose_pairs(find_pairs(data, masks, reading=job.reading), table, selection.where)
    groups = read_groups(pairs, table, column=by) if table and by else []
    if by and not table:
        raise SettingsError("--by COLUMN: wanted --list CSV with that column.")
    check_model(job.model, job.settings)
    failed: dict[Path, str] = {}
    with collected_notes() as on_note, new_progress() as progress:
        task = progress.add_task("scoring", total=len(pairs), info="")

        def on_scored(name: str, image: Any, truth: Any, pred: Any) -> None:
            progress.update(task, advance=1, info=name)
            if errors is not None:
                with writing(Ledger(errors)):
                    write_image(errors / f"{name}_errors.png", error_map(image, truth, pred))

        scores = score_model(
            job.model,
            pairs,
            settings=job.settings,
            size_px=size_px,
            on_scored=on_scored,
            on_note=on_note,
            on_failed=failed.__setitem__,
        )
    if by:
        of_name = dict(zip((pair.name for pair in pairs), groups, strict=True))
        scores.insert(1, by, scores["name"].map(of_name))
    show_scores(scores, out=out, by=by)
    tell_unscored(failed)
    return failed
