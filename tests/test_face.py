"""The public face: ``coverslip.X`` for every X that is promised, and nothing heavy before."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import coverslip

SOURCE = Path(coverslip.__file__).parent


def test_every_name_is_there_and_they_are_sorted():
    names = list(coverslip.__all__)
    assert len(names) > 20
    assert names == sorted(names)
    assert all(getattr(coverslip, name) is not None for name in names)
    assert set(names) <= set(dir(coverslip))


def test_a_name_of_a_module_is_that_module():
    """``coverslip.measure`` could be the module or the function, by the order of the imports."""
    modules = {path.stem for path in SOURCE.iterdir() if path.stem != "__init__"}
    assert "measure" in modules
    public = modules & set(coverslip.__all__)
    assert public == {"errors", "figures", "metrics", "provenance"}
    assert all(isinstance(getattr(coverslip, name), ModuleType) for name in public)


def test_a_public_room_lists_what_it_promises():
    for room in (coverslip.errors, coverslip.figures, coverslip.metrics, coverslip.provenance):
        assert room.__all__ and all(getattr(room, name) is not None for name in room.__all__)


def test_the_stub_lists_what_it_imports():
    """Type checkers read the one, the running program the other."""
    tree = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == set(coverslip.__all__)


def test_the_import_itself_is_light():
    code = (
        f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r}); import coverslip;"
        "print(sorted({'torch', 'numpy', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
