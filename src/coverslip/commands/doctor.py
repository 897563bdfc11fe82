"""coverslip doctor: examine this computer, and say what was found."""

from __future__ import annotations

import json
import sys

from coverslip.doctor import examine, report_to_dict, report_to_text


def run_doctor(*, as_json: bool) -> bool:
    """Print the report; whether segmenting works."""
    report = examine()
    text = report_to_text(report)
    if as_json:
        text = json.dumps(report_to_dict(report), indent=1, ensure_ascii=False) + "\n"
    # A terminal without µ is one of the things that are told, and must not end the telling.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    return report.works
