"""the options --list and --where → pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.data import select_pairs
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.files import Pair


def choose_pairs(pairs: list[Pair], table: Path | None, where: str | None) -> list[Pair]:
    """The pairs that a list and a condition leave; all without them.

    Raises:
        SettingsError: one without the other.
    """
    if where is None:
        return pairs
    if table is None:
        raise SettingsError(f"--where {where}: wanted --list CSV with that column.")
    return select_pairs(pairs, table, where=where)
