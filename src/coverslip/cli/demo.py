"""coverslip demo: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Out


def demo(
    out: Out = Path("demo-output"),
    examples: Annotated[Path, typer.Option(help="Folder of the example images.")] = Path(
        "examples"
    ),
) -> None:
    """Segment the example images with the models that ship."""
    from coverslip.commands.segment import run_demo

    failed = run_demo(examples, out)
    raise typer.Exit(1 if failed else 0)
