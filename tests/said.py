"""What a command line said."""

from __future__ import annotations

from typing import NamedTuple


class Said(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str
