"""Small things that many tests need."""

from __future__ import annotations

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
