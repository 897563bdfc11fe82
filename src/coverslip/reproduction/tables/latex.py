"""a data frame → a LaTeX table as journals print it: booktabs, aligned numbers, notes below."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

# Every character that LaTeX takes for a command, and those of ours that fonts may lack.
SPELLING = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",  # else \\ at the end of a row takes it for an optional argument
    "]": "{]}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": "$-$",
    "→": r"$\to$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "µ": r"$\mu$",
    "σ": r"$\sigma$",
    "ε": r"$\varepsilon$",
    "–": "--",
    "—": "---",
    "\u202f": r"\,",
    "\u00a0": "~",
    **dict(zip("ᵃᵇᶜᵈᵉᶠᵍ", (rf"\textsuperscript{{{c}}}" for c in "abcdefg"), strict=True)),
}

DASHES = ("", "–", "—")

# 85.0, +1.2, −0.4, 4 512, 85.0 ± 4.5; what follows, such as an interval, stays where it is.
NUMBER = re.compile(r"[+−-]?\d[\d.,\u202f]*( ± \d+\.?\d*)?( [(\[].*[)\]])?$")

DEVIATION = re.compile(r" ± (\d+\.?\d*)")

# Characters in a row, above which a table does not fit into one of a page's two columns.
NARROW = 48


def table_to_latex(
    frame: pd.DataFrame,
    *,
    caption: str,
    label: str,
    notes: Sequence[str] = (),
    digits: int = 3,
) -> str:
    r"""Write a table as a LaTeX float with booktabs' rules, numbers to the right.

    The preamble needs ``\usepackage{booktabs,graphicx}`` and UTF-8 (LaTeX's own since 2018). A wide
    table is a ``table*``, over both columns where the text has two, and one that is still too wide
    is reduced to the width that there is.

    Args:
        frame: Any table; its index is left out.
        caption: Plain text, above the table.
        label: For ``\ref``, taken as it is.
        notes: Plain sentences, below the table.
        digits: Decimals of numbers that are not whole; a missing one becomes a dash.

    Returns:
        LaTeX, with a newline at the end.
    """
    columns = [[_to_text(value, digits) for value in frame[name]] for name in frame.columns]
    sides = "".join("r" if _is_numeric(column) else "l" for column in columns)
    heads = " & ".join(escape_latex(str(name)) for name in frame.columns)
    rows = [" & ".join(row) for row in zip(*map(_align, columns), strict=True)]
    widest = [
        max(map(len, [str(name), *column])) for name, column in zip(frame, columns, strict=True)
    ]
    float_ = "table*" if sum(widest) + len(widest) > NARROW else "table"
    lines = [
        rf"\begin{{{float_}}}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{{label}}}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        r"\sbox0{%",
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        rf"{heads} \\",
        r"\midrule",
        *(rf"{row} \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}}%",
        r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi",
        *_notes(notes),
        rf"\end{{{float_}}}",
    ]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """Spell text so that LaTeX prints it as it is."""
    return "".join(SPELLING.get(character, character) for character in text)


def _to_text(value: Any, digits: int) -> str:
    """One value; line breaks become blanks."""
    if pd.isna(value):
        return "—"
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}f}".replace("-", "−")
    return " ".join(str(value).split())


def _is_numeric(column: list[str]) -> bool:
    """Whether every entry that is there begins as a number, or is one ± another."""
    there = [text for text in column if text not in DASHES]
    return bool(there) and all(NUMBER.match(text) for text in there)


def _align(column: list[str]) -> list[str]:
    """Spell a column; before a short deviation goes a blank as wide as the digits that it lacks."""
    widths = [len(match[1]) for text in column if (match := DEVIATION.search(text))]
    aligned = []
    for text in column:
        match = DEVIATION.search(text)
        lacks = max(widths) - len(match[1]) if match else 0
        if match and lacks:
            blank = rf"\phantom{{{'0' * lacks}}}"
            before, after = text[: match.start(1)], text[match.start(1) :]
            aligned.append(f"{escape_latex(before)}{blank}{escape_latex(after)}")
        else:
            aligned.append(escape_latex(text))
    return aligned


def _notes(notes: Sequence[str]) -> list[str]:
    """Below the table, in small letters, as wide as the text."""
    if not notes:
        return []
    body = [rf"{escape_latex(note)}\par" for note in notes]
    return [
        r"\par\medskip",
        r"\begin{minipage}{\linewidth}\footnotesize",
        *body,
        r"\end{minipage}",
    ]
