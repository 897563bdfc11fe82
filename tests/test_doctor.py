"""What is broken is told, with its cure, by a program that does not break with it."""

from __future__ import annotations

import io
import json
import re
import tomllib
from pathlib import Path

import pytest

from coverslip.cli.doctor import run_doctor
from coverslip.doctor import Problem, Report, examine, machine, probe, report_to_text
from coverslip.doctor import machine as places
from coverslip.doctor.machine import EXTRAS, NEEDED
from coverslip.doctor.report import advise

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
RIGHT = {"cells": 5, "wanted": 5, "jaccard": 0.95, "right": True, "seconds": 0.1}


@pytest.fixture(scope="module")
def healthy() -> Report:
    return examine()


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Puts a package that does something else in the place of the true one."""

    def put(package: str, code: str) -> None:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)

    return put


@pytest.fixture
def facts(healthy) -> dict:
    """Those of this computer, without what may be amiss on it, as a copy to change."""
    copy = json.loads(json.dumps(healthy.facts))
    copy |= {"graphics": {"nvidia_driver": False, "cards": []}, "imports": {}}
    copy["processor"] |= {"usable_cores": 4}
    copy["torch"] |= {"cuda": [], "cuda_build": None, "mps": False, "threads": 4}
    copy["memory"] = {"total_gb": 16.0, "free_gb": 8.0, "limit_gb": None}
    copy["selftest"] = {"cpu": dict(RIGHT)}
    copy["text"] = {"filesystem": "utf-8", "output": "UTF-8", "locale": "UTF-8"}
    room = {"path": "/somewhere", "writable": True, "free_gb": 50.0}
    copy["folders"] = {name: dict(room) for name in ("temporary", "cache", "current")}
    assert advise(copy) == []
    return copy


def the_problem(facts: dict) -> Problem:
    (problem,) = advise(facts)
    return problem


# --- whole


def test_segmenting_works_here_and_all_is_told(healthy):
    assert healthy.works and healthy.facts["selftest"]["cpu"]["jaccard"] > 0.8
    assert not any(problem.stops for problem in healthy.problems)
    text = report_to_text(healthy)
    for word in (
        "torch",
        "scikit-image",
        "processor",
        "OMP_NUM_THREADS",
        "pip install '.[",
        "whole",
    ):
        assert word in text
    assert text.splitlines()[-1].startswith("segmenting works: the 5 cells of a drawn image")


def test_the_command_and_its_exit_status(coverslip, healthy, monkeypatch):
    monkeypatch.setattr("coverslip.doctor.examine", lambda: healthy)
    said = coverslip("doctor")
    assert said.status == 0 and said.out == report_to_text(healthy) and not said.err
    ill = Report(healthy.facts, (Problem("it is broken", "mend it.", stops=True),), works=False)
    monkeypatch.setattr("coverslip.doctor.examine", lambda: ill)
    said = coverslip("doctor")
    assert said.status == 1 and "1. it is broken\n     -> mend it." in said.out
    assert said.out.endswith("segmenting does not work here: mend the first point above\n")


def test_json_for_a_bug_report_without_the_name_of_ones_home(coverslip, healthy, monkeypatch):
    monkeypatch.setattr("coverslip.doctor.examine", lambda: healthy)
    monkeypatch.setenv("HOME", str(Path.cwd()))
    values = json.loads(coverslip("doctor", "--json").out)
    assert values["works"] is True and values["versions"]["packages"].keys() == NEEDED.keys()
    assert values["folders"]["current"]["path"] == "~"


def test_a_terminal_of_ascii(healthy, monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", out)
    ill = Report(healthy.facts, (Problem("µ", "→"),), works=True)
    monkeypatch.setattr("coverslip.doctor.examine", lambda: ill)
    assert run_doctor(as_json=False) and run_doctor(as_json=True)
    assert b"1. ?" in out.buffer.getvalue()


# --- broken packages


def test_a_pytorch_that_cannot_be_imported(broken):
    broken("torch", "raise ImportError('libtorch.so: cannot open shared object file')")
    report = examine()
    assert report.works  # what needs no training does
    first = report.problems[0]
    assert "libtorch.so: cannot open" in first.what and "pytorch.org" in first.cure
    assert not first.stops and "segmenting works" in report_to_text(report)


def test_a_package_that_is_not_there(broken):
    broken("pandas", "raise ModuleNotFoundError(\"No module named 'pandas'\")")
    report = examine()
    assert not report.works and report.problems[0].what.startswith("pandas cannot be imported")
    assert report.problems[0].cure.startswith("pip install --force-reinstall pandas")


def test_a_pytorch_that_ends_the_process(broken):
    broken("torch", "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    report = examine()
    assert not report.works and "ended with SIGILL" in report.problems[0].what
    assert "built for another processor" in report.problems[0].cure
    assert "does not work here" in report_to_text(report)


def test_a_pytorch_that_never_answers(broken, monkeypatch):
    broken("torch", "import time; time.sleep(60)")
    monkeypatch.setattr("coverslip.doctor.report.WAIT_S", 0.5)
    report = examine()
    assert not report.works and "gave no answer" in report.problems[0].what


def test_a_part_that_fails_hides_no_other(monkeypatch, healthy):
    def fail() -> None:
        raise OSError("an odd system")

    monkeypatch.setattr("coverslip.doctor.report.ask_process", lambda: dict(probed(healthy)))
    for name in ("processor", "memory", "graphics"):
        monkeypatch.setattr(machine, name, fail)
    monkeypatch.setattr(places, "folders", fail)
    report = examine()
    assert report.works and report.facts["memory"] == {"error": "OSError: an odd system"}
    assert "segmenting works" in report_to_text(report)


def probed(report: Report) -> dict:
    return {name: report.facts[name] for name in ("imports", "torch", "models", "selftest")}


def test_a_damaged_model_is_named(tmp_path, monkeypatch):
    (tmp_path / "nuclei.safetensors").write_bytes(b"cut off")
    monkeypatch.setattr("coverslip.checkpoints.zoo.FOLDER", tmp_path)
    assert "not readable as safetensors" in probe.check_models()["nuclei"]
    assert "error" in probe.attempt(probe.segment_drawn)


def test_an_image_segmented_wrongly(monkeypatch):
    monkeypatch.setattr(probe, "CELLS", ((22, 24), (22, 28), (70, 74)))  # two that overlap
    result = probe.segment_drawn()["cpu"]
    assert result["cells"] == 2 and not result["right"]


# --- advice


def test_a_wrong_answer_stops_the_work_on_the_cpu_and_not_on_a_gpu(facts):
    facts["selftest"]["cuda"] = {"error": "RuntimeError: no kernel image"}
    assert the_problem(facts) == Problem(
        "the self-test on cuda failed: RuntimeError: no kernel image",
        "add --device cpu to every command.",
    )
    facts["selftest"] = {"cpu": RIGHT | {"cells": 3, "right": False}}
    assert the_problem(facts).stops and "3 cells where 5 are drawn" in the_problem(facts).what


@pytest.mark.parametrize(
    ("card", "build", "what", "cure"),
    [
        (["RTX, 550.1, 8 GB"], None, "built for the CPU alone", "install PyTorch with CUDA"),
        (["RTX, 390.1, 8 GB"], "12.8", "CUDA 12.8 cannot use it", "update its driver"),
        ([], "12.8", "finds no card", "install NVIDIA's driver anew"),
    ],
)
def test_a_card_that_is_not_used(facts, card, build, what, cure):
    facts["graphics"] = {"nvidia_driver": True, "cards": card}
    facts["torch"]["cuda_build"] = build
    assert what in the_problem(facts).what and cure in the_problem(facts).cure
    assert not the_problem(facts).stops


def test_threads_and_cores(facts):
    facts["torch"]["threads"] = 16
    assert the_problem(facts).cure == "export OMP_NUM_THREADS=4"
    facts["torch"]["threads"] = 1
    facts["threads"] = {"OMP_NUM_THREADS": None}
    assert advise(facts) == []
    facts["threads"] = {"OMP_NUM_THREADS": "1"}
    assert the_problem(facts).what == "OMP_NUM_THREADS lets PyTorch use 1 of 4 cores"


def test_memory_folders_and_text(facts):
    facts["memory"]["free_gb"] = 0.7
    facts["folders"]["temporary"]["writable"] = False
    facts["folders"]["current"]["free_gb"] = 0.1
    facts["text"]["output"] = "ANSI_X3.4-1968"
    said = [f"{problem.what} -> {problem.cure}" for problem in advise(facts)]
    assert [bool(re.search(words, line)) for words, line in zip(
        ("0.7 GB of memory.*--tile", "temporary.*TMPDIR", "0.1 GB.*current", "ansi.*PYTHONUTF8=1"),
        said,
        strict=True,
    )] == [True] * 4  # fmt: skip


# --- facts


def test_the_packages_and_extras_are_those_of_the_project():
    names = {re.split(r"[><=\[]", line)[0] for line in PROJECT["dependencies"]}
    assert set(NEEDED) == names
    said = {name: set(extra.packages) for name, extra in EXTRAS.items()}
    wanted = PROJECT["optional-dependencies"]
    assert said == {
        name: {re.split(r"[><=\[; ]", line)[0] for line in lines} for name, lines in wanted.items()
    }


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "400000 100000", "box/inner/cpu.max": "200000 100000"}, 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu.max": "nonsense"}, None),
    ],
)
def test_the_quota_of_a_container(tmp_path, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    member = tmp_path / "member"
    member.write_text("0::/box/inner\n")
    assert machine.read_quota(tmp_path, member) == cores


def test_cores_are_never_less_than_one(monkeypatch):
    monkeypatch.setattr(machine, "read_quota", lambda: 0.25)
    assert machine.usable_cores() == 1


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    assert places.look_at(tmp_path / "to" / "come")["writable"]
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    assert not places.look_at(tmp_path)["writable"]
    assert list(tmp_path.iterdir()) == []
