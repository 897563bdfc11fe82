"""coverslip export-model: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_model(
    model: Annotated[str, typer.Argument(help="nuclei, phase, general, or a checkpoint's path.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file, NAME.onnx.")],
) -> None:
    """Write a trained model as one ONNX file, checked against the network."""
    from coverslip.commands.export_model import run_export_model

    run_export_model(model, out)
