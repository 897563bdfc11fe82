"""coverslip evaluate: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Errors


def evaluate(
    pred: Annotated[Path, typer.Argument(help="Predicted labels or masks, of any tool.")],
    truth: Annotated[Path, typer.Argument(help="True labels or masks.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores of every image.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, to draw the errors on.")
    ] = None,
    errors: Errors = None,
) -> None:
    """Score label or mask files against the truth."""
    from coverslip.commands.evaluate import run_evaluate

    run_evaluate(pred, truth, out=out, images=images, errors=errors)
