"""coverslip score: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import (
    Data,
    Device,
    Errors,
    List,
    Masks,
    MethodArgument,
    MinArea,
    Model,
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
    min_area: MinArea = 0,
    device: Device = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores of every image.")
    ] = None,
    errors: Errors = None,
) -> None:
    """Segment annotated images and score the result."""
    from coverslip.commands.arguments import parse_arguments
    from coverslip.commands.score import Selection, run_score
    from coverslip.pipeline import SegmentSettings
    from coverslip.predict import PredictSettings

    run_score(
        model,
        data,
        masks=masks,
        arguments=parse_arguments(argument or []),
        settings=SegmentSettings(
            min_area_px=min_area,
            predict=PredictSettings(tta=tta, device=device),
        ),
        threshold=threshold,
        size_px=size,
        selection=Selection(table=table, where=where, by=by),
        out=out,
        errors=errors,
    )
