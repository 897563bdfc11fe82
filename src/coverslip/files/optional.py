"""the name of a package that is no must → the package, or an error that says how to get it."""

from __future__ import annotations

import importlib
from typing import Any

from coverslip.errors import SettingsError


def need(package: str, *, extra: str, what: str) -> Any:
    """Import a package of an optional extra.

    Args:
        package: What is imported.
        extra: The extra of coverslip that installs it.
        what: What it is needed for, for the message.

    Raises:
        SettingsError: It is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise SettingsError(
            f"{what} needs the package {package}, which cannot be imported ({error}). "
            f"Install it with: pip install '.[{extra}]' in a clone of coverslip's repository."
        ) from error
