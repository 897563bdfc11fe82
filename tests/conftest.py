"""Small things that many tests need."""

from __future__ import annotations

import itertools
import os
import sys
from typing import TYPE_CHECKING

import pytest

from said import Said

if TYPE_CHECKING:
    from collections.abc import Callable

# one thread is faster than two for images this small, and makes sums repeatable
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def coverslip(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Runs a command line in this process, which spares the start of PyTorch."""
    from coverslip import cli

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["coverslip", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture(scope="module")
def open_browser(tmp_path_factory):
    """A browser, for all tests of a file."""
    from browser import Browser

    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The app's server of many pairs of images: a pair for each test, and one start for all."""
    from served import Served, make_pair

    folder = tmp_path_factory.mktemp("pairs")
    for number in range(20):
        make_pair(folder, f"{number:02}a.png", f"{number:02}b.png")
    server = Served(folder)
    yield server
    server.end()


@pytest.fixture(scope="module")
def pairs():
    """Which pair of `shared` is the next test's."""
    return itertools.count()


@pytest.fixture
def page(shared, open_browser, pairs):
    """The app's page, at one of two images; nothing in it may go wrong or leave the computer."""
    from served import begin, check_page, open_page

    begin(open_browser)
    open_page(open_browser, shared, image=f"{next(pairs):02}a.png")
    yield open_browser
    check_page(open_browser, shared)
