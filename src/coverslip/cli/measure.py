"""coverslip measure: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Project, Properties


def measure(
    labels: Annotated[Path, typer.Argument(help="Label or mask files of any tool.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table, .csv or .parquet.")],
    images: Annotated[
        Path | None, typer.Argument(help="Their images, for how bright the cells are.")
    ] = None,
    properties: Properties = "all",
    project: Project = "none",
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, where the files do not say it.")
    ] = None,
    ring: Annotated[
        int, typer.Option(help="Width of the background's ring around a cell, in pixels.")
    ] = 10,
    near: Annotated[int, typer.Option(help="Cells at most so far apart are near, in pixels.")] = 20,
) -> None:
    """Measure the cells of label files: a table, one row per cell."""
    from coverslip.commands.arguments import parse_list
    from coverslip.commands.measure import run_measure
    from coverslip.measure import MeasureSettings

    settings = MeasureSettings(properties=parse_list(properties), ring_px=ring, near_px=near)
    run_measure(
        labels, images, out=out, settings=settings, pixel_size_um=pixel_size, project=project
    )
