"""What others install, and the scripts by which other programs call coverslip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from coverslip.cli import app

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
VERBS = typer.main.get_command(app).commands
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base", "lazy_loader": "lazy-loader"}
IMAGEJ = Path("/usr/share/java/ij.jar")  # of Debian


def test_the_recipe_for_conda_has_the_dependencies_of_the_package():
    text = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text("utf-8")
    run = text.split("  run:\n")[1].split("\ntests:")[0]
    said = re.findall(r"^    - (\S+) (\S+)$", run, flags=re.MULTILINE)
    wanted = [
        re.fullmatch(r"([\w-]+)(.*)", one).groups() for one in PROJECT["project"]["dependencies"]
    ]
    wanted = [(CONDA.get(name, name), floor) for name, floor in wanted]
    python = PROJECT["project"]["requires-python"]
    assert said == [("python", python), *wanted], f"wanted below `run:` {wanted}"


def test_every_extra_is_told_with_its_size():
    text = (ROOT / "docs" / "install.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| ", text, flags=re.MULTILINE)
    assert [name for name, _ in rows] == sorted(PROJECT["project"]["optional-dependencies"])
    assert all(int(size) > 0 for _, size in rows)


def test_the_example_images_are_in_the_wheel_once():
    there = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, place in there.items():
        assert (ROOT / source).exists() and place == f"coverslip/{source}"
    assert "/examples" in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {path.name for path in (ROOT / "examples").iterdir() if path.suffix != ".md"} - {
        Path(source).name for source in there
    } <= {"scripts", "workflows"}


def test_the_image_for_docker_runs_without_root():
    text = (ROOT / "packaging" / "Dockerfile").read_text("utf-8")
    steps = re.findall(r"^[A-Z]+ .*$", text, flags=re.MULTILINE)
    assert "USER 1000" in steps and steps[-2:] == ['ENTRYPOINT ["coverslip"]', 'CMD ["--help"]']
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    said = subprocess.run(
        [hadolint, "--no-color", ROOT / "packaging" / "Dockerfile"], capture_output=True, text=True
    )
    assert said.stdout == ""


SCRIPTS = [*(ROOT / "examples" / "workflows").iterdir(), *(ROOT / "examples" / "scripts").iterdir()]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_of_other_programs_use_options_that_there_are(path):
    """Each option that stands in a call of a verb, be it a line of a shell or a list of words."""
    found = 0
    for line in path.read_text("utf-8").splitlines():
        words = re.findall(r"[\w./*{}$:-]+", line)
        verb = next((word for word in words if word in VERBS), None)
        if verb is None or line.lstrip().startswith(("//", "#")):
            continue
        known = {name for one in VERBS[verb].params for name in one.opts}
        options = {word for word in words if word.startswith("--") or word == "-o"}
        assert options <= known, line
        found += bool(options)
    assert found


@pytest.mark.skipif(
    not IMAGEJ.is_file() or shutil.which("java") is None, reason="ImageJ is not installed"
)
def test_the_macro_of_imagej_counts_the_cells(tmp_path):
    command = tmp_path / "coverslip"
    source = ROOT / "src"
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -m coverslip.cli "$@"\n'
    )
    command.chmod(0o755)
    image, out = tmp_path / "fluorescence_large.png", tmp_path / "out"
    shutil.copy(ROOT / "examples" / "nuclei" / image.name, image)
    macro = ROOT / "examples" / "scripts" / "coverslip_segment.ijm"
    words = f"{image},{out},nuclei,{command}"
    said = subprocess.run(
        ["java", "-Djava.awt.headless=true", "-jar", IMAGEJ, "-batch", macro, words],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    n_cells = len((out / "cells.csv").read_text("utf-8").splitlines()) - 1
    assert n_cells > 10 and f"cells: {n_cells}\n" in said.stdout
