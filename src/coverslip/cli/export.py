"""coverslip export: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from coverslip.cli.options import Out


def export(
    labels: Annotated[
        list[str],
        typer.Argument(help="Label files, folders of them, or a result folder of segment."),
    ],
    to: Annotated[
        str,
        typer.Option(help="roi, geojson, coco, ome-tiff, ome-zarr, svg, with commas between them."),
    ],
    out: Out,
    images: Annotated[
        str | None,
        typer.Option(help="The images: a file, folder or pattern, for svg, ome-zarr and coco."),
    ] = None,
) -> None:
    """Write label images as files of Fiji, QuPath, napari and others."""
    from coverslip.commands.export import run_export

    failed = run_export(labels, out, formats=to, images=images)
    raise typer.Exit(1 if failed else 0)
