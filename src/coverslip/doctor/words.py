"""a report → text for people, or a dictionary for a bug report."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coverslip.doctor.report import Report

NOT_SET = "not set: PyTorch takes a thread for each core"
SET = "{}: PyTorch computes with so many threads, whatever the cores"


def report_to_dict(report: Report) -> dict[str, Any]:
    """All facts, with the name of one's home left out."""
    values = {
        "works": report.works,
        "problems": [asdict(problem) for problem in report.problems],
        **report.facts,
    }
    home = json.dumps(str(Path.home()))[1:-1]
    text = json.dumps(values, ensure_ascii=False)
    return dict(json.loads(text.replace(home, "~") if len(home) > 1 else text))


def report_to_text(report: Report) -> str:
    """Sections of facts, then what to mend, then whether it works."""
    facts = report_to_dict(report)
    lines = []
    for title, rows in sections(facts).items():
        lines.append(title)
        lines += [f"  {name:<16} {value}" for name, value in rows.items()]
    if facts["problems"]:
        lines.append("to mend")
        for number, problem in enumerate(facts["problems"], start=1):
            lines += [f"  {number}. {problem['what']}", f"     -> {problem['cure']}"]
    return "\n".join([*lines, conclusion(facts)]) + "\n"


def conclusion(facts: dict[str, Any]) -> str:
    """The last line."""
    if not facts["works"]:
        return "segmenting does not work here: mend the first point above"
    result = facts["selftest"]["cpu"]
    return (
        f"segmenting works: the {result['cells']} cells of a drawn image found in "
        f"{result['seconds']:.2f} s on the CPU"
    )


def sections(facts: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Titles, names and values as they are shown."""
    versions = facts["versions"]
    packages = versions.pop("packages", {})
    return {
        "program": {name: str(value) for name, value in versions.items() if value},
        "packages": {
            name: said + (f", broken: {facts['imports'][name]}" if name in facts["imports"] else "")
            for name, said in packages.items()
        },
        "computer": computer(facts),
        "threads": threads(facts),
        "folders": {name: say_folder(folder) for name, folder in facts["folders"].items()},
        "text": {name: str(value) for name, value in facts["text"].items()},
        "extras": {name: say_extra(extra) for name, extra in facts["extras"].items()},
        "models": {name: str(value) for name, value in facts["models"].items()},
    }


def computer(facts: dict[str, Any]) -> dict[str, str]:
    """Processor, memory and graphics card."""
    cpu, memory, torch = facts["processor"], facts["memory"], facts["torch"]
    quota = f", a quota of {cpu['quota_cores']:g}" if cpu.get("quota_cores") else ""
    limit = f", limit {memory['limit_gb']} GB" if memory.get("limit_gb") else ""
    cards = ", ".join(facts["graphics"].get("cards", []))
    build = f"built for CUDA {torch.get('cuda_build')}" if torch.get("cuda_build") else "CPU build"
    return {
        "processor": f"{cpu.get('name')}, {cpu.get('cores')} cores, {cpu.get('usable_cores')} "
        f"usable{quota}",
        "memory": f"{memory.get('total_gb')} GB, {memory.get('free_gb')} GB free{limit}",
        "NVIDIA driver": cards or "none found",
        "CUDA": ", ".join(torch.get("cuda", [])) or f"no device (PyTorch: {build})",
        "MPS": "there" if torch.get("mps") else "not there",
        "used by default": str(torch.get("device", "unknown")),
    }


def threads(facts: dict[str, Any]) -> dict[str, str]:
    """How many, and what the variables mean."""
    said = {"PyTorch": str(facts["torch"].get("threads", "unknown"))}
    for name, value in facts["threads"].items():
        said[name] = NOT_SET if value is None else SET.format(value)
    return said


def say_folder(folder: object) -> str:
    """A folder, its room and whether it can be written to."""
    if not isinstance(folder, dict):
        return str(folder)
    state = "" if folder["writable"] else ", NOT WRITABLE"
    return f"{folder['path']}, {folder['free_gb']} GB free{state}"


def say_extra(extra: object) -> str:
    """Whether it is there, and what it gives."""
    if not isinstance(extra, dict):
        return str(extra)
    if extra["there"]:
        versions = ", ".join(f"{name} {number}" for name, number in extra["versions"].items())
        return f"{versions} ({extra['gives']})"
    return f"missing ({extra['gives']}): {extra['install']}"
