"""coverslip segment: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from coverslip.cli.options import (
    MODEL,
    Axes,
    Backend,
    CellSize,
    Channel,
    Device,
    FillHoles,
    Images,
    MethodArgument,
    MinArea,
    NoSeparate,
    Out,
    Project,
    Properties,
    Scale,
    Threshold,
    Tta,
)


def segment(
    images: Images,
    out: Out,
    model: Annotated[str, typer.Option(help=MODEL)] = "phase",
    argument: MethodArgument = None,
    tta: Tta = "none",
    threshold: Threshold = None,
    no_separate: NoSeparate = False,
    min_area: MinArea = None,
    fill_holes: FillHoles = False,
    drop_border: Annotated[
        bool, typer.Option("--drop-border", help="Leave out cells at the image's edge.")
    ] = False,
    scale: Scale = None,
    cell_size: CellSize = None,
    axes: Axes = None,
    channel: Channel = "0",
    project: Project = "none",
    probs: Annotated[bool, typer.Option("--probs", help="Also write the probabilities.")] = False,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Also write how far the views disagree.")
    ] = False,
    properties: Properties = "all",
    table: Annotated[str, typer.Option(help="Tables as csv or parquet.")] = "csv",
    label_format: Annotated[
        str, typer.Option(help="Labels as tif (OME-TIFF) or zarr (OME-Zarr).")
    ] = "tif",
    tile: Annotated[int, typer.Option(help="Largest piece predicted at once, in pixels.")] = 1024,
    region: Annotated[
        int, typer.Option(min=0, help="Do images of over 4 such squares one by one; 0: never.")
    ] = 2048,
    device: Device = "auto",
    backend: Backend = "auto",
    workers: Annotated[
        int | None, typer.Option(help="Divide the work among so many processes of this computer.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Or among the workers of a Dask scheduler: its address, tcp://…"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do again what is done already.")
    ] = False,
) -> None:
    """Find the cells in images: labels, overlays, tables and a report."""
    from coverslip.commands.arguments import parse_arguments, parse_list
    from coverslip.commands.checks import check_segment

    check_segment(images, out, table=table, project=project, workers=workers, scheduler=scheduler)
    from coverslip.commands.segment import choose_out, load_job, run_segment
    from coverslip.measure import MeasureSettings
    from coverslip.pipeline import SegmentSettings
    from coverslip.predict import PredictSettings

    out, label_format = choose_out(out, label_format)
    settings = SegmentSettings(
        separate=not no_separate,
        fill_holes=fill_holes,
        drop_border=drop_border,
        predict=PredictSettings(
            tta=tta,
            tile_px=tile,
            overlap_px=min(128, tile // 4),
            device=device,
            backend=backend,
        ),
        measure=MeasureSettings(properties=parse_list(properties)),
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
        keep_probs=probs,
        keep_spread=uncertainty,
        table=table,
        labels=label_format,
        region=region,
    )
    failed = run_segment(
        images, out, job=job, overwrite=overwrite, scheduler=scheduler, workers=workers
    )
    raise typer.Exit(1 if failed else 0)
