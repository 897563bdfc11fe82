"""numbers → words for a page."""

import math

NARROW_SPACE = "\u202f"
MISSING = "–"


def count(number: float) -> str:
    """A whole number with its thousands apart: 4 512."""
    return MISSING if math.isnan(number) else f"{number:,.0f}".replace(",", NARROW_SPACE)


def percent(share: float) -> str:
    """A share of one in percent: 34.2 %."""
    return MISSING if math.isnan(share) else f"{100 * share:.1f}{NARROW_SPACE}%"


def significant(number: float) -> str:
    """Three figures, none of them a zero for show: 0.65, 12.3, 1 240."""
    return count(number) if abs(number) >= 1000 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 0 s, 0.42 s, 12.3 s, 4 min 05 s, 2 h 07 min."""
    if seconds == 0:
        return "0 s"
    if round(seconds, 1) < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def in_words(setting: object) -> str:
    """A setting as people say it: yes, no, none, or what it is."""
    words = {True: "yes", False: "no", None: "none"}
    return words[setting] if isinstance(setting, bool | None) else str(setting)


def plural(number: int, word: str) -> str:
    """A number and its noun: 1 image, 2 images."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"
