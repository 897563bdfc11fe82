"""coverslip suggest: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import (
    Axes,
    CellSize,
    Channel,
    Device,
    Images,
    Project,
    Scale,
    Threshold,
)


def suggest(
    images: Images,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV for the table.")],
    model: Annotated[
        str, typer.Option(help="nuclei, phase, general, or the path of a checkpoint.")
    ] = "phase",
    number: Annotated[int, typer.Option("--number", "-n", help="How many to suggest.")] = 5,
    copy: Annotated[
        Path | None,
        typer.Option(help="Folder for the frames as TIFF, with predicted labels to correct."),
    ] = None,
    every: Annotated[int, typer.Option(help="Look at each so-many-th frame of a film only.")] = 1,
    tta: Annotated[
        str, typer.Option(help="Views whose spread is measured: paper (5), d4 (8) or none.")
    ] = "paper",
    threshold: Threshold = None,
    scale: Scale = None,
    cell_size: CellSize = None,
    axes: Axes = None,
    channel: Channel = "0",
    project: Project = "none",
    device: Device = "auto",
) -> None:
    """Suggest which images or frames to annotate next: uncertain, and unlike one another."""
    from coverslip.commands.checks import check_suggest

    check_suggest(images, out, model=model, number=number, every=every, copy=copy, project=project)
    from coverslip.commands.segment import load_job
    from coverslip.commands.suggest import run_suggest
    from coverslip.pipeline import SegmentSettings
    from coverslip.predict import PredictSettings
    from coverslip.suggest.copy import check_copy

    if copy is not None:
        check_copy(copy)
    settings = SegmentSettings(predict=PredictSettings(tta=tta, device=device))
    job = load_job(
        model,
        settings=settings,
        threshold=threshold,
        scale=scale,
        cell_size=cell_size,
        axes=axes,
        channel=channel,
        project=project,
    )
    failed = run_suggest(images, out, job=job, n=number, every=every, copy=copy)
    raise typer.Exit(1 if failed else 0)
