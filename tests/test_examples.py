"""The examples in docstrings are true, warnings are errors in them, and public names have one."""

from __future__ import annotations

import ast
import doctest
import importlib
import shutil
import tempfile
from pathlib import Path

import pytest

import coverslip

SOURCE = Path(coverslip.__file__).parent
ROOT = Path(__file__).parents[1]
WITH_EXAMPLES = sorted(
    path.relative_to(SOURCE.parent)
    for path in SOURCE.rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)
# Rooms of which every name that they promise, and the package itself, has an example.
ROOMS = (
    "",
    "figures",
    "metrics",
    "models",
    "segmentation",
    "segmentation/classical",
    "tiling",
    "training/augment",
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A folder that is as the repository's, in which an example may write."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", [module_of(path) for path in WITH_EXAMPLES])
def test_the_examples_of_a_module_are_true(name, examples, tmp_path, monkeypatch):
    monkeypatch.chdir(examples)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    runner = doctest.DocTestRunner(verbose=False)
    results = [runner.run(one) for one in found if one.examples]
    assert sum(result.attempted for result in results) > 0
    assert sum(result.failed for result in results) == 0


def test_there_are_examples():
    assert len(WITH_EXAMPLES) > 60


def promised(room: str) -> list[str]:
    """The functions and classes of ours that a room's stub lists."""
    tree = ast.parse((SOURCE / room / "__init__.pyi").read_text(encoding="utf-8"))
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    names = [alias.asname or alias.name for node in imported for alias in node.names]
    there = importlib.import_module(".".join(["coverslip", *Path(room).parts]))
    of_ours = [(name, getattr(there, name)) for name in names]
    return [
        name
        for name, it in of_ours
        if callable(it) and getattr(it, "__module__", "").startswith("coverslip")
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_every_promised_name_has_an_example(room):
    there = importlib.import_module(".".join(["coverslip", *Path(room).parts]))
    names = promised(room)
    assert names
    lacking = [name for name in names if ">>>" not in (getattr(there, name).__doc__ or "")]
    assert lacking == []
