"""coverslip doctor: its options."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all facts as JSON, for a bug report.")
    ] = False,
) -> None:
    """Say whether coverslip works on this computer, and what to do about what is missing."""
    from coverslip.commands.doctor import run_doctor

    raise typer.Exit(0 if run_doctor(as_json=as_json) else 1)
