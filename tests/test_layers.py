"""Data flow one way and so do imports: a module imports only from floors below its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import coverslip

SOURCE = Path(coverslip.__file__).parent
FLOORS = (
    "_moved errors",
    "_optional _text provenance value_range",
    "contours device figures measurements metrics models preprocessing progress report"
    " segmentation tiling",
    "inference io",
    "checkpoints export tables",
    "file_measurements plates tracking training volumes",
    "pipeline",
    "active_learning cluster doctor evaluation napari_plugin",
    "app reproduction",
    "cli",
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names.split()}
PATHS = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem in FLOOR)


def room(path: Path) -> str:
    """The module or package right below ``coverslip`` that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def face() -> dict[str, str]:
    """The public names, and the room that each comes from; a room that is public is its own."""
    tree = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.name: (node.module or alias.name).split(".")[0]
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


FACE = face()


def imported(path: Path) -> set[str]:
    """Whatever of ours a file imports, inside functions and for types alone too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "coverslip"}


def rooms_imported(path: Path) -> set[str]:
    """The rooms that a file imports from, also where it takes a name from the public face."""
    names = {name.split(".")[1] for name in imported(path) if "." in name}
    return {FACE.get(name, name) for name in names}


def test_every_module_has_a_floor():
    assert {room(path) for path in SOURCE.rglob("*.py")} - {"__init__"} == set(FLOOR)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down(path):
    own = room(path)
    higher = {name for name in rooms_imported(path) - {own} if FLOOR[name] >= FLOOR[own]}
    assert higher == set(), f"{own} may not import {higher}: same floor or above"


def test_models_import_nothing_of_ours():
    for path in (SOURCE / "models").rglob("*.py"):
        # But for what says how to install PyTorch where it is missing.
        others = {"_optional"} if path.name == "__init__.py" else set()
        assert rooms_imported(path) <= {"models"} | others


def is_public(name: str) -> bool:
    """Whether a user is promised it: in the public face, or in ``__all__`` of a room that is."""
    first, *rest = name.split(".")[1:] or [""]
    if not rest:
        return first in FACE
    room = getattr(coverslip, first) if FACE.get(first) == first else None
    return len(rest) == 1 and rest[0] in getattr(room, "__all__", ())


@pytest.mark.parametrize(
    "path",
    sorted((SOURCE / "reproduction").rglob("*.py")),
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_the_reproduction_stands_on_the_public_face_alone(path):
    """What the paper needs and a user could not have would be missing for every user."""
    own = {name for name in imported(path) if name.startswith("coverslip.reproduction.")}
    assert {name for name in imported(path) - own if not is_public(name)} == set()


def test_what_is_public_can_be_told_from_what_is_not():
    assert is_public("coverslip.train") and is_public("coverslip.metrics.jaccard")
    assert is_public("coverslip.errors.DataError") and is_public("coverslip.metrics")
    assert not is_public("coverslip") and not is_public("coverslip.training.network.new_network")
    assert not is_public("coverslip.pipeline.segmentation") and not is_public(
        "coverslip.io.fingerprint"
    )
    assert not is_public("coverslip.metrics.pixels.jaccard") and not is_public(
        "coverslip.metrics.x"
    )


# Rooms and modules that may import PyTorch when they are imported themselves.
WITH_TORCH = (
    "active_learning/features.py",
    "evaluation/degradations.py",
    "inference/runtime/fold.py",
    "models/",
    "reproduction/",
    "training/",
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_what_trains_or_builds_networks_imports_pytorch(path):
    """At its import; a function may import it for the work that needs it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    free = path.relative_to(SOURCE).as_posix().startswith(WITH_TORCH)
    assert free or not names & {"torch", "onnx"}
