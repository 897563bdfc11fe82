"""texts of options → values by their names, a list, or the pairs they choose."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip.io import Pair, PictureSize


def parse_picture_size(text: str) -> PictureSize:
    """``"480x640"``, height and width → PictureSize(480, 640).

    Raises:
        SettingsError: not two whole numbers above 0.
    """
    from coverslip.io import PictureSize

    found = re.fullmatch(r"\s*([1-9]\d{0,8})\s*[xX×,]\s*([1-9]\d{0,8})\s*", text)
    if not found:
        raise SettingsError(
            f"--size {text}: wanted height and width in pixels, such as 1024x1360 for an image of "
            "1024 rows and 1360 columns."
        )
    return PictureSize(int(found[1]), int(found[2]))


def parse_arguments(texts: Sequence[str], *, option: str = "--argument") -> dict[str, Any]:
    """``["unit=basic", "decoder_blocks=0"]`` → {"unit": "basic", "decoder_blocks": 0}.

    Args:
        texts: of an option that may be given several times.
        option: its name, for the message.

    Raises:
        SettingsError: no equals sign.
    """
    arguments: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"{option} {text}: wanted NAME=VALUE.")
        try:
            arguments[name] = json.loads(value)
        except (ValueError, RecursionError):
            arguments[name] = value
    return arguments


def parse_list(text: str) -> tuple[str, ...]:
    """``"shape, n_near"`` → ("shape", "n_near")."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def choose_pairs(pairs: list[Pair], table: Path | None, where: str | None) -> list[Pair]:
    """The pairs that a list and a condition leave; all without them.

    Raises:
        SettingsError: one without the other.
    """
    from coverslip.training import select_pairs

    if where is None:
        return pairs
    if table is None:
        raise SettingsError(f"--where {where}: wanted --list CSV with that column.")
    return select_pairs(pairs, table, where=where)


def name_folders(names: Sequence[str], out: Path, *, what: str) -> list[Path]:
    """The folder of each one's results: that of the command, or one inside for each of several.

    Args:
        names: of the films, or whatever they are.
        out: the folder of the command.
        what: they are, for the message.

    Raises:
        SettingsError: two of one name.
    """
    if len(names) == 1:
        return [out]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(
            f"{', '.join(twice)}: several {what} have this name, and all would be written to one "
            "folder. Name them in commands of their own."
        )
    return [out / name for name in names]
