"""The public face: ``coverslip.X`` for every X that is promised, and nothing heavy before."""

from __future__ import annotations

import ast
import doctest
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import coverslip

SOURCE = Path(coverslip.__file__).parent
ROOT = Path(__file__).parents[1]


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


def documented() -> list[str]:
    """The public names whose docstring has an example."""
    return [name for name in coverslip.__all__ if ">>>" in (getattr(coverslip, name).__doc__ or "")]


@pytest.mark.parametrize("name", documented())
def test_the_example_of_a_docstring_is_true(name, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = doctest.DocTestFinder(recurse=False).find(getattr(coverslip, name), name, globs={})
    runner = doctest.DocTestRunner(verbose=False)
    results = [runner.run(one) for one in found]
    assert sum(result.attempted for result in results) > 0
    assert sum(result.failed for result in results) == 0
