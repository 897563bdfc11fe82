"""text from a file or its name → text that a terminal, a table and XML may hold."""

from __future__ import annotations

import unicodedata

LONGEST = 200  # characters of a name from a file's metadata
# What turns the direction of writing makes one name look like another.
TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# What a spreadsheet may take for the start of a formula, in some countries the wide signs too.
FORMULA = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def printable(text: str) -> str:
    r"""The text with control characters as their codes, since a terminal obeys them in a name too.

    Line ends and tabs stay.

    Example:
        >>> print(printable("a\x1b[2Jb"))
        a\x1b[2Jb
    """
    return text if text.isprintable() else "".join(map(_escape, text))


def clean_name(text: str) -> str:
    """A name from metadata: one line without control characters, no longer than names are."""
    line = text if text.isprintable() else " ".join(text.split())
    return printable(line)[:LONGEST]


def _escape(letter: str) -> str:
    harmful = letter in TURNS or unicodedata.category(letter) in ("Cc", "Cs")
    if not harmful or letter in "\n\t":
        return letter
    return letter.encode("unicode_escape").decode("ascii")


def no_formula(text: str) -> str:
    """A text as a cell of a CSV that no spreadsheet takes for a formula: with a ' before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def as_it_was(text: str) -> str:
    """The inverse of `no_formula`."""
    bare = text.removeprefix("'")
    return bare if bare.startswith(FORMULA) else text


def no_formula_path(path: str) -> str:
    """A path likewise, that can still be opened: ``=a.tif`` → ``./=a.tif``."""
    return f"./{path}" if path.startswith(FORMULA) else path
