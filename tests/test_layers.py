"""Data flow one way and so do imports: a module imports only from floors below its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import coverslip

SOURCE = Path(coverslip.__file__).parent
FLOORS = (
    "errors",
    "optional",
    "backends classical device files images limits symmetry tiles models losses cells measure "
    "metrics outlines figures regions report provenance",
    "augment data evaluate export method predict tables",
    "checkpoint",
    "pretrained shipped",
    "pipeline train",
    "cluster doctor experiments robustness suggest",
    "commands",
    "cli",
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names.split()}
PATHS = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem in FLOOR)


def room(path: Path) -> str:
    """The module or package right below ``coverslip`` that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    """Those that a file imports from, inside functions and for types alone too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("coverslip.")}


def test_every_module_has_a_floor():
    assert {room(path) for path in SOURCE.rglob("*.py")} - {"__init__"} == set(FLOOR)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down(path):
    own = room(path)
    higher = {name for name in rooms_imported(path) - {own} if FLOOR[name] >= FLOOR[own]}
    assert higher == set(), f"{own} may not import {higher}: same floor or above"


def test_models_import_nothing_of_ours():
    for path in (SOURCE / "models").rglob("*.py"):
        assert rooms_imported(path) <= {"models"}
