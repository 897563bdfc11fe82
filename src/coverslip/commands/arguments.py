"""the option --argument, NAME=VALUE as often as it is given → values by their names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_arguments(texts: Sequence[str]) -> dict[str, Any]:
    """``["unit=basic", "decoder_blocks=0"]`` → {"unit": "basic", "decoder_blocks": 0}.

    Raises:
        SettingsError: no equals sign.
    """
    arguments: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"--argument {text}: wanted NAME=VALUE.")
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value
    return arguments
