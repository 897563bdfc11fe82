"""coverslip score: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import (
    CellSize,
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
    Scale,
    Threshold,
    Tta,
    Where,
)


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
    device: Device = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores of every image.")
    ] = None,
    errors: Errors = None,
) -> None:
    """Segment annotated images and score the result."""
    from coverslip.commands.arguments import parse_arguments
    from coverslip.commands.checks import check_score

    check_score(model, data, masks=masks, out=out, errors=errors)
    from coverslip.commands.score import Selection, run_score
    from coverslip.commands.segment import load_job
    from coverslip.pipeline import SegmentSettings
    from coverslip.predict import PredictSettings

    settings = SegmentSettings(
        separate=not no_separate,
        fill_holes=fill_holes,
        predict=PredictSettings(tta=tta, device=device),
    )
    job = load_job(
        model,
        settings=settings,
        arguments=parse_arguments(argument or []),
        threshold=threshold,
        min_area=min_area,
        scale=scale,
        cell_size=cell_size,
    )
    run_score(
        job,
        data,
        masks=masks,
        size_px=size,
        selection=Selection(table=table, where=where, by=by),
        out=out,
        errors=errors,
    )
