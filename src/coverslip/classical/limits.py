"""a setting and its limits → an error that names both."""

from __future__ import annotations

import math
from numbers import Real

from coverslip.errors import SettingsError


def check_number(name: str, value: object, *, least: float, most: float = math.inf) -> None:
    """Refuse what is no number, or one outside the limits.

    Raises:
        SettingsError: with the name, what came and what was wanted.
    """
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if math.isfinite(number) and least <= number <= most:
        return
    limits = f"{least} or more" if most == math.inf else f"{least} to {most}"
    raise SettingsError(f"{name} is {value!r}; wanted a number, {limits}.")
