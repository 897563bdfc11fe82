"""coverslip view: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Channel


def view(
    image: Annotated[Path, typer.Argument(help="Image file.")],
    labels: Annotated[Path, typer.Argument(help="Its label file, of any tool.")],
    channel: Channel = "0",
) -> None:
    """Look at an image and its cells in napari."""
    from coverslip.commands.view import run_view

    run_view(image, labels, channel=channel)
