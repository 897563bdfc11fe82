"""facts → what is missing or wrong, each with one line of what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            stops=True,
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
    if cards and not torch["cuda_build"]:
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
