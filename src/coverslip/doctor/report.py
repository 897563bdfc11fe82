"""facts about this computer → whether segmenting works, and what to mend."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.doctor import machine
from coverslip.doctor import machine as places
from coverslip.doctor import machine as software

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


LITTLE_MEMORY_GB = 2.0  # a network, a frame of a camera, and what the system itself needs
LITTLE_DISK_GB = 1.0
AGAIN = "install it again, in a fresh environment: pip install . in a clone of the repository."
PYTORCH = "https://pytorch.org/get-started/locally/"


@dataclass(frozen=True)
class Problem:
    """What is missing or wrong, what to do about it, and whether nothing works until it is done."""

    what: str
    cure: str
    stops: bool = False


def advise(facts: dict[str, Any]) -> list[Problem]:
    """All problems, those that stop the work first."""
    rules = (of_packages, of_models, of_selftest, of_gpu, of_threads, of_memory, of_places, of_text)
    found = [problem for rule in rules for problem in rule(facts)]
    return sorted(found, key=lambda problem: not problem.stops)


def of_packages(facts: dict[str, Any]) -> Iterator[Problem]:
    """Packages that cannot be imported."""
    for package, why in facts["imports"].items():
        yield Problem(
            f"{package} cannot be imported ({why})",
            f"pip install --force-reinstall {package}"
            + (f"; which PyTorch fits this computer: {PYTORCH}" if package == "torch" else "."),
            stops=package != "torch",  # without it, all but training works
        )


def of_models(facts: dict[str, Any]) -> Iterator[Problem]:
    """Files of the models that ship."""
    if "error" in facts["models"] or facts["imports"]:
        return  # the packages are to be mended first
    for name, said in facts["models"].items():
        if said != "whole":
            yield Problem(
                f"the model {name} is damaged ({said})", f"coverslip: {AGAIN}", stops=True
            )


def of_selftest(facts: dict[str, Any]) -> Iterator[Problem]:
    """An image that is not segmented as it should be."""
    selftest = facts["selftest"]
    if "error" in selftest:
        if not facts["imports"]:
            cure = (
                "PyTorch may be built for another processor: another build of it, from " + PYTORCH
                if "SIG" in selftest["error"]
                else f"coverslip: {AGAIN}"
            )
            yield Problem(f"the self-test failed: {selftest['error']}", cure, stops=True)
        return
    for device, result in selftest.items():
        if result.get("right"):
            continue
        why = result.get("error") or (
            f"{result['cells']} cells where {result['wanted']} are drawn, Jaccard "
            f"{result['jaccard']}"
        )
        cure = f"coverslip: {AGAIN}" if device == "cpu" else "add --device cpu to every command."
        yield Problem(f"the self-test on {device} failed: {why}", cure, stops=device == "cpu")


def of_gpu(facts: dict[str, Any]) -> Iterator[Problem]:
    """A graphics card that PyTorch does not use."""
    torch, graphics = facts["torch"], facts["graphics"]
    if "error" in torch or torch["cuda"] or torch["mps"]:
        return
    cards = ", ".join(graphics.get("cards", []))
    if cards and "version" in torch and torch["version"] is None:
        yield Problem(
            f"a graphics card is there ({cards}), and PyTorch, which would use it, is not",
            f"to use it: pip install '.[train]', with the PyTorch that fits it: {PYTORCH}",
        )
    elif cards and not torch["cuda_build"]:
        yield Problem(
            f"a graphics card is there ({cards}), and this PyTorch is built for the CPU alone",
            f"to use it, install PyTorch with CUDA: {PYTORCH}",
        )
    elif cards:
        yield Problem(
            f"a graphics card is there ({cards}), and PyTorch's CUDA {torch['cuda_build']} cannot "
            "use it",
            f"update its driver, or install a PyTorch for an older CUDA: {PYTORCH}",
        )
    elif graphics.get("nvidia_driver"):
        yield Problem(
            "nvidia-smi is there and finds no card", "install NVIDIA's driver anew, and restart."
        )


def of_threads(facts: dict[str, Any]) -> Iterator[Problem]:
    """Threads that do not fit the cores."""
    usable, used = facts["processor"].get("usable_cores"), facts["torch"].get("threads")
    if not usable or not used:
        return
    if used > usable:
        yield Problem(
            f"PyTorch computes with {used} threads, where {usable} cores may be used: they wait "
            "for one another",
            f"export OMP_NUM_THREADS={usable}",
        )
    elif used < usable and facts["threads"].get("OMP_NUM_THREADS"):
        yield Problem(
            f"OMP_NUM_THREADS lets PyTorch use {used} of {usable} cores",
            f"export OMP_NUM_THREADS={usable}, unless several programs share this computer.",
        )


def of_memory(facts: dict[str, Any]) -> Iterator[Problem]:
    """Memory that is nearly used up."""
    free = facts["memory"].get("free_gb")
    if free is not None and free < LITTLE_MEMORY_GB:
        yield Problem(
            f"{free} GB of memory are free",
            "close other programs, or add --tile 512 to coverslip segment.",
        )


def of_places(facts: dict[str, Any]) -> Iterator[Problem]:
    """Folders that cannot be written to or are nearly full."""
    cures = {
        "temporary": "name another by TMPDIR=/a/folder/with/room.",
        "cache": "name another by TORCH_HOME=/a/folder/with/room, if you train with --encoder "
        "imagenet; nothing else needs it.",
        "current": "go to another, or name one by -o.",
    }
    for name, folder in facts["folders"].items():
        if not isinstance(folder, dict):
            continue
        if not folder["writable"]:
            yield Problem(f"the {name} folder {folder['path']} cannot be written to", cures[name])
        elif folder["free_gb"] is not None and folder["free_gb"] < LITTLE_DISK_GB:
            left = f"{folder['free_gb']} GB are left in the {name} folder {folder['path']}"
            yield Problem(left, f"free some space, or {cures[name]}")


def of_text(facts: dict[str, Any]) -> Iterator[Problem]:
    """Names and words with letters beyond ASCII."""
    for what in ("filesystem", "output"):
        encoding = str(facts["text"].get(what, "utf-8")).lower().replace("-", "")
        if encoding not in ("utf8", "unknown"):
            yield Problem(
                f"the {what} is written as {encoding}, which has no µ and no umlaut",
                "export PYTHONUTF8=1",
            )


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
    if "version" in torch and torch["version"] is None:
        build = "not installed"
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
