"""names of units as programs write them → µm and seconds.

Units in TIFFs are free text: plurals, abbreviations, other spellings, and a micro sign that went
through a wrong encoding are all met in real files.
"""

import re
from itertools import pairwise
from typing import Any

UM_PER_UNIT = {
    "m": 1e6,
    "km": 1e9,
    "dm": 1e5,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "mic": 1.0,
    "nm": 1e-3,
    "å": 1e-4,
    "ang": 1e-4,
    "angstrom": 1e-4,
    "ångström": 1e-4,
    "pm": 1e-6,
    "inch": 25_400.0,
    "inches": 25_400.0,
    "in": 25_400.0,
}
S_PER_UNIT = {
    "d": 86_400.0,
    "day": 86_400.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "min": 60.0,
    "minute": 60.0,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "µs": 1e-6,
    "us": 1e-6,
    "usec": 1e-6,
    "µsec": 1e-6,
    "ns": 1e-9,
    "nsec": 1e-9,
}
PREFIXES = {
    "kilo": 1e3,
    "deci": 1e-1,
    "centi": 1e-2,
    "milli": 1e-3,
    "micro": 1e-6,
    "nano": 1e-9,
    "pico": 1e-12,
    "": 1.0,
}
NO_UNITS = ("", "pixel", "pixels", "px", "none", "null", "reference frame", "referenceframe")
# A micro sign whose bytes were taken for another encoding's: Âµ, Î¼, \xb5 as U+FFFD, or a ?.
DAMAGED = re.compile(r"(?:[^\x00-\x7f]|\?){1,3}(?=(?:m|s|sec)$)")
ESCAPED = re.compile(r"\\?u00b5|&#181;|&micro;|\\xb5")


def um_per_unit(unit: str | None) -> float | None:
    """Length of a unit in µm; None for one that is no length.

    >>> um_per_unit("Micrometers"), um_per_unit("Âµm"), um_per_unit("pixel")
    (1.0, 1.0, None)
    """
    name = normalise(unit)
    return _look_up(name, UM_PER_UNIT) or _of_metres(name)


def s_per_unit(unit: str | None) -> float | None:
    """Length of a unit in seconds; None for one that is no time.

    >>> s_per_unit("minutes"), s_per_unit("sec."), s_per_unit("frame")
    (60.0, 1.0, None)
    """
    name = normalise(unit)
    found = _look_up(name, S_PER_UNIT)
    if found is not None:
        return found
    prefix = next((one for one in PREFIXES if one and name.startswith(one)), "")
    of_second = _look_up(name.removeprefix(prefix), {"second": 1.0, "sec": 1.0})
    return PREFIXES[prefix] * of_second if of_second else None


def normalise(unit: str | None) -> str:
    """A unit in small letters, its micro sign mended, without spaces and a full stop."""
    name = ESCAPED.sub("µ", str(unit or "").strip().strip("\0").lower())
    name = name.replace("μ", "µ").rstrip(".").strip()
    return DAMAGED.sub("µ", name) if name not in UM_PER_UNIT else name


def _look_up(name: str, units: dict[str, float]) -> float | None:
    if name in units:
        return units[name]
    singular = name.removesuffix("s")
    return units.get(singular) if len(singular) > 1 else None


def _of_metres(name: str) -> float | None:
    """A word that ends in metre, metres, meter or meters."""
    found = re.fullmatch(r"([a-zµ]*?)[ -]?(?:metre|meter)s?", name)
    if found is None:
        return None
    prefix = "micro" if found[1] in ("µ", "u") else found[1]
    return 1e6 * PREFIXES[prefix] if prefix in PREFIXES else None


def scaled(value: Any, scale: float | None) -> float | None:
    """A positive finite number times a scale; None for anything else."""
    try:
        number = float(value) * float(scale or 0)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None


def to_um(value: Any, unit: str | None) -> tuple[float | None, str | None]:
    """A size in µm, or None and, where it says something in a unit that is not known, a note."""
    size = scaled(value, um_per_unit(unit))
    if size is not None or scaled(value, 1.0) is None:
        return size, None
    return None, f"its pixel size, {float(value):g} {_said(unit)}, was ignored"


def to_s(value: Any, unit: str | None) -> tuple[float | None, str | None]:
    """A time in seconds, or None and, where it is in a unit that is not known, a note."""
    time = scaled(value, s_per_unit(unit))
    if time is not None or scaled(value, 1.0) is None:
        return time, None
    return None, f"its time between frames, {float(value):g} {_said(unit)}, was ignored"


def _said(unit: str | None) -> str:
    return f"in {str(unit).strip()!r}" if str(unit or "").strip() else "without a unit"


def square(
    height: float | None, width: float | None
) -> tuple[tuple[float, float] | None, str | None]:
    """Height and width of a pixel; one that is known alone is taken for both, with a note."""
    if height and width:
        return (height, width), None
    one = height or width
    if not one:
        return None, None
    what = "height" if height else "width"
    return (
        one,
        one,
    ), f"it gives the {what} of a pixel alone, {one:.4g} µm; pixels are taken as square"


def interval_of(times_s: Any) -> tuple[float | None, str | None]:
    """Seconds between frames from the time of each; their mean, with a note where they vary."""
    steps = [later - earlier for earlier, later in pairwise(times_s)]
    mean = scaled(sum(steps) / len(steps), 1.0) if steps else None
    if mean is None:
        return None, None
    low, high = min(steps), max(steps)
    if high - low <= 0.1 * mean:
        return mean, None
    return mean, (
        f"the times between its frames vary from {low:.4g} to {high:.4g} s; "
        f"time_s counts {mean:.4g} s for each"
    )
