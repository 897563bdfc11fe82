"""The notebooks of the documentation run from their first cell to their last."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import coverslip
from coverslip.errors import SettingsError

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def read_cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def run_cell(source: str, names: dict) -> object:
    """Run a cell as a notebook does; what its last line gives is returned, to be drawn."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    drawn = [
        run_cell("".join(cell["source"]), names)
        for cell in read_cells(path)
        if cell["cell_type"] == "code"
    ]
    assert any(it is not None for it in drawn) or capsys.readouterr().out


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_its_outputs_and_stays_small(path):
    assert path.stat().st_size < 300_000
    code = [cell for cell in read_cells(path) if cell["cell_type"] == "code"]
    assert any(cell["outputs"] for cell in code)
    assert not any(one["output_type"] == "error" for cell in code for one in cell["outputs"])
    text = path.read_text(encoding="utf-8")
    assert "/tmp/" not in text and "/root/" not in text and "/home/" not in text


def test_each_is_in_the_index():
    index = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) >= 3
    assert all(f"notebooks/{path.name})" in index for path in NOTEBOOKS)


def test_sliders_are_those_of_the_model(monkeypatch, capsys):
    widgets = ModuleType("ipywidgets")
    widgets.FloatSlider = widgets.IntSlider = lambda **options: options["value"]
    widgets.interactive = lambda draw, **sliders: (draw, sliders)
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    image = np.zeros((64, 64), np.uint8)
    image[20:40, 20:40] = 255
    draw, sliders = coverslip.explore(image, "nuclei")
    assert sliders["threshold"] == coverslip.load_model("nuclei").threshold
    assert draw(**sliders).size == (64, 64)
    assert "cells in 64 × 64 px" in capsys.readouterr().out


def test_without_ipywidgets_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(SettingsError, match="notebook"):
        coverslip.explore(np.zeros((64, 64)), "nuclei")
