"""coverslip doctor: this computer → what works on it, and what to mend."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all facts as JSON, for a bug report.")
    ] = False,
) -> None:
    """Say whether coverslip works on this computer, and what to do about what is missing."""
    raise typer.Exit(0 if run_doctor(as_json=as_json) else 1)


def run_doctor(*, as_json: bool) -> bool:
    """Print the report; whether segmenting works."""
    from coverslip.doctor import examine, report_to_dict, report_to_text

    report = examine()
    text = report_to_text(report)
    if as_json:
        text = json.dumps(report_to_dict(report), indent=1, ensure_ascii=False) + "\n"
    # A terminal without µ is one of the things that are told, and must not end the telling.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    return report.works
