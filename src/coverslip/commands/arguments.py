"""texts of options, NAME=VALUE or names with commas → values by their names, or a list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        except ValueError:
            arguments[name] = value
    return arguments


def parse_list(text: str) -> tuple[str, ...]:
    """``"shape, n_near"`` → ("shape", "n_near")."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)
