"""coverslip robustness: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from coverslip.cli.options import (
    CellSize,
    Data,
    Device,
    List,
    Masks,
    MethodArgument,
    MinArea,
    Model,
    Out,
    Scale,
    Threshold,
    Tta,
    Where,
)


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
    device: Device = "auto",
) -> None:
    """Score a model on images that are made worse step by step: blur, noise, light, size."""
    from coverslip.commands.arguments import parse_arguments
    from coverslip.commands.checks import check_robustness

    check_robustness(model, data, out, masks=masks, only=only or [])
    from coverslip.commands.robustness import run_robustness
    from coverslip.commands.segment import load_job
    from coverslip.pipeline import SegmentSettings
    from coverslip.predict import PredictSettings

    job = load_job(
        model,
        settings=SegmentSettings(predict=PredictSettings(tta=tta, device=device)),
        arguments=parse_arguments(argument or []),
        threshold=threshold,
        min_area=min_area,
        scale=scale,
        cell_size=cell_size,
    )
    run_robustness(job, data, out, masks=masks, table=table, where=where, only=only or [])
