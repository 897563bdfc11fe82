"""this computer → a report: facts, whether segmenting works, and what to mend."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coverslip.doctor import machine, places, software
from coverslip.doctor.advice import Problem, advise

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 120  # PyTorch on a slow network drive takes a minute to be read


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        facts: By section; only what JSON can hold.
        problems: What is missing or wrong, each with its cure; those that stop the work first.
        works: Whether an image was segmented as it should be.
    """

    facts: dict[str, Any]
    problems: tuple[Problem, ...]
    works: bool


def examine() -> Report:
    """Look at everything; nothing is raised, whatever is broken."""
    parts: dict[str, Callable[[], Any]] = {
        "versions": software.versions,
        "processor": machine.processor,
        "memory": machine.memory,
        "graphics": machine.graphics,
        "threads": software.threads,
        "extras": software.extras,
        "folders": places.folders,
        "text": places.text,
    }
    facts: dict[str, Any] = {}
    for name, part in parts.items():
        try:
            facts[name] = part()
        except Exception as error:  # an odd system must not hide the rest
            facts[name] = {"error": f"{type(error).__name__}: {error}"}
    facts |= ask_process()
    works = facts["selftest"].get("cpu", {}).get("right", False)
    return Report(facts, tuple(advise(facts)), works)


def ask_process() -> dict[str, Any]:
    """The facts of `probe`, from a process that may crash or never answer."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from coverslip.doctor.probe import main; main()"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            timeout=WAIT_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return failed(f"the process of the self-test gave no answer ({error})"[:300])
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    try:
        facts = json.loads(lines[-1])
        if done.returncode == 0 and isinstance(facts, dict):
            return facts
    except (IndexError, ValueError):
        pass
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return failed(
        f"the process of the self-test ended with {how_ended(done.returncode)}", *said[-1:]
    )


def how_ended(status: int) -> str:
    """An exit status in words: ``"status 3"``, ``"SIGILL"``."""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"status {status}"


def failed(*words: str) -> dict[str, Any]:
    """The facts of `probe` where it gave none."""
    why = {"error": ": ".join(words)[:300]}
    return {"imports": {}, "torch": why, "models": {}, "selftest": why}
