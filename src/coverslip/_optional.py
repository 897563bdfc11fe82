"""the name of an optional package → the package, or an error that says how to install it."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDS_TORCH = (
    "this needs PyTorch, which is not installed: pip install '.[train]' in a clone of coverslip's "
    "repository. Segmenting, measuring, tracking and exporting by the models that ship do not."
)


def need(package: str, *, extra: str, what: str) -> Any:
    """Import a package of an optional extra.

    Args:
        package: what is imported.
        extra: the extra of coverslip that installs it; "" for what comes with coverslip.
        what: what it is needed for, for the message.

    Raises:
        SettingsError: it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        wanted = f"'.[{extra}]'" if extra else "."
        raise SettingsError(
            f"{what} needs the package {package}, which cannot be imported ({error}). "
            f"Install it with: pip install {wanted} in a clone of coverslip's repository."
        ) from error


@cache
def is_installed(*packages: str) -> bool:
    """Whether packages are there, without importing them."""
    return all(find_spec(package) is not None for package in packages)


def naming_torch(find: Callable[[str], Any]) -> Callable[[str], Any]:
    """The `__getattr__` of a lazy room that says which extra a name needs where PyTorch is absent.

    Raises, when it is called:
        SettingsError: the module of that name imports PyTorch, which is not installed.
    """

    def get(name: str) -> Any:
        try:
            return find(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "torch":
                raise
            raise SettingsError(f"{name}: {NEEDS_TORCH}") from error

    return get
