"""The public face: ``coverslip.X`` for every X that is promised, and nothing heavy before."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import coverslip

SOURCE = Path(coverslip.__file__).parent


def test_every_name_is_there_and_they_are_sorted():
    names = list(coverslip.__all__)
    assert len(names) > 20
    assert names == sorted(names)
    assert all(getattr(coverslip, name) is not None for name in names)
    assert set(names) <= set(dir(coverslip))


def test_no_name_is_that_of_a_module():
    """In a lazy room the name could be the module or the function, by the order of the imports."""
    stubs = list(SOURCE.rglob("__init__.pyi"))
    assert len(stubs) > 10
    for stub in stubs:
        modules = {path.stem for path in stub.parent.iterdir()}
        tree = ast.parse(stub.read_text(encoding="utf-8"))
        given = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
        names = {alias.asname or alias.name for node in given for alias in node.names}
        assert names and modules.isdisjoint(names), stub


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
