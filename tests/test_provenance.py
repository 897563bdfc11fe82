"""The code that runs is known by its commit and its changes, wherever it lies."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

import coverslip
from coverslip import provenance
from coverslip.cli import main

ROOT = Path(__file__).parent.parent


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of one module and one script, not yet in a repository, which passes for ours."""
    folder = tmp_path / "src" / "coverslip"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("A = 1\n")
    (folder / "look.js").write_text("look()\n")
    monkeypatch.setattr(provenance, "PACKAGE", folder)
    return folder


def git(folder: Path, *command: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *names, *command], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def checkout(package):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git(package.parent.parent, "init")
    git(package, "add", ".")
    git(package, "commit", "-m", "one")
    return package


def code_version() -> str:
    """As a new process would say it."""
    provenance.code_version.cache_clear()
    provenance.commit.cache_clear()
    return provenance.code_version()


@pytest.fixture(autouse=True)
def forgotten():
    yield
    provenance.code_version.cache_clear()
    provenance.commit.cache_clear()


def test_an_installed_copy_is_known_by_its_version(package):
    assert code_version() == version("coverslip")
    assert provenance.commit() == ""


def test_a_clean_checkout_is_known_by_its_commit(checkout):
    assert code_version() == git(checkout, "rev-parse", "--short=10", "HEAD")
    assert provenance.provenance()["commit"] == code_version()


def test_every_change_of_the_package_makes_another_version_and_its_return_the_same(checkout):
    clean = code_version()
    said = {clean}
    for name, text in [("a.py", "A = 2\n"), ("a.py", "A = 3\n"), ("look.js", "see()\n")]:
        (checkout / name).write_text(text)
        said.add(code_version())
    (checkout / "new.py").write_text("")
    said.add(code_version())
    assert len(said) == 5
    assert all(it.startswith(f"{clean}+") for it in said - {clean})
    (checkout / "new.py").unlink()
    git(checkout, "checkout", ".")
    assert code_version() == clean


def test_a_new_commit_is_another_version_though_nothing_was_installed_again(checkout):
    before = code_version()
    (checkout / "a.py").write_text("A = 2\n")
    git(checkout, "commit", "-a", "-m", "two")
    assert code_version() not in (before, version("coverslip"))


def test_what_lies_outside_the_package_changes_nothing(checkout):
    before = code_version()
    (checkout.parent.parent / "notes.txt").write_text("mine")
    assert code_version() == before


def test_the_repository_that_a_caller_is_at_work_in_does_not_matter(
    checkout, tmp_path, monkeypatch
):
    before = code_version()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))  # as in a hook of git
    assert code_version() == before


def test_without_git_a_checkout_is_known_by_its_contents(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    before = code_version()
    assert re.fullmatch(r"source [0-9a-f]{12}", before)
    (checkout / "a.py").write_text("A = 2\n")
    assert code_version() != before
    assert provenance.commit() == ""


def test_the_digest_is_that_of_the_code_alone(package):
    before = provenance.digest()
    (package / "weights").mkdir()
    (package / "weights" / "nuclei.safetensors").write_bytes(b"1")
    (package / "a.pyc").write_bytes(b"1")
    assert provenance.digest() == before
    (package / "a.py").rename(package / "b.py")  # the same content under another name
    assert provenance.digest() != before


def test_the_answer_is_kept(checkout, monkeypatch):
    before = code_version()
    monkeypatch.setattr(provenance, "git", None)
    assert provenance.code_version() == before


def test_the_version_is_told(package, monkeypatch, capsys):
    assert coverslip.__version__ == version("coverslip")
    monkeypatch.setattr("sys.argv", ["coverslip", "--version"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert capsys.readouterr().out == f"coverslip {coverslip.__version__}\n"


def test_the_state_of_the_source_is_told_too(checkout, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["coverslip", "--version"])
    with pytest.raises(SystemExit):
        main()
    said = f"coverslip {coverslip.__version__} (source: {code_version()})\n"
    assert capsys.readouterr().out == said


def test_the_version_in_progress_is_the_same_everywhere():
    """That of the change log, of the citation and of a build from a copy without git."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    progress = re.search(r"^## \[(.+)\]", changes, flags=re.MULTILINE)[1]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, flags=re.MULTILINE)[1] == progress
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'fallback-version = "{progress}.dev0"' in project
