"""a file's name → its well; wells → the plate that holds them.

Well plates (microplates) of 6 to 1,536 wells: rows have letters, columns have numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

# Rows and columns of the plates that are sold, after ANSI/SLAS 4-2004 and its smaller siblings.
PLATES = ((2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))
MOST_ROWS, MOST_COLUMNS = PLATES[-1]
USUAL_ROWS = 16  # A to P, those of 384 wells

# B3, b03, AF48: a letter or two and a number that stand alone, or after a word such as "well".
LETTERS = re.compile(r"(?:^|[^A-Za-z0-9]|[Ww]ell)(A?[A-Za-z])(0?[1-9]|[1-4][0-9])(?![0-9A-Za-z])")
# r02c03, Row2_Column3: as Opera, Operetta and others write it.
NUMBERS = re.compile(
    r"(?:^|[^A-Za-z])r(?:ow)?[-_ ]?(\d{1,2})[-_ ]?c(?:ol(?:umn)?)?[-_ ]?(\d{1,2})(?!\d)", re.I
)


class Well(NamedTuple):
    """A well of a plate.

    Attributes:
        row: from 0.
        column: from 0.
    """

    row: int
    column: int

    @property
    def name(self) -> str:
        """As it stands on the plate: ``B03``."""
        return f"{row_name(self.row)}{self.column + 1:02d}"


@dataclass(frozen=True)
class PlateSize:
    """How many rows and columns of wells a plate has."""

    rows: int
    columns: int

    @property
    def name(self) -> str:
        """As it is sold: ``96 wells``."""
        return f"{self.rows * self.columns} wells"


def row_name(row: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    return chr(ord("A") + row) if row < 26 else "A" + chr(ord("A") + row - 26)


def text_to_well(text: str) -> Well | None:
    """The well that a text names and nothing else: ``B3``, ``b03``, ``r2c3``; None: none."""
    found = LETTERS.fullmatch(text.strip()) or NUMBERS.fullmatch(text.strip())
    return None if found is None else _to_well(found[1], found[2])


def path_to_well(path: PurePath) -> Well | None:
    """The well in a file's name, or else in that of a folder above it, the nearest first.

    What looks most like a well counts: ``r02c03`` before ``B03``, capitals before ``b03``, and the
    rows A to P, which all but the largest plates have, before ``S1``, which may be a site. A name
    that holds two different wells, such as ``B2_vs_C3.tif``, names none.

    Example:
        >>> from pathlib import PurePath
        >>> from coverslip.plates import path_to_well
        >>> path_to_well(PurePath("plate1/r02c03f01.tif")).name
        'B03'
        >>> path_to_well(PurePath("day2_B03_s1.tif")).name
        'B03'
    """
    for part in (path.stem, *(folder.name for folder in path.parents)):
        for wells in _wells_by_likeness(part):
            if wells:
                return wells.pop() if len(wells) == 1 else None
    return None


def _wells_by_likeness(text: str) -> list[set[Well]]:
    """The wells in a text, those that look most like one first."""
    ranked: list[set[Well]] = [set(), set(), set(), set()]
    for found in NUMBERS.finditer(text):
        well = _to_well(found[1], found[2])
        if well is not None:
            ranked[0].add(well)
    for found in LETTERS.finditer(text):
        well = _to_well(found[1], found[2])
        if well is not None:
            is_usual = well.row < USUAL_ROWS
            ranked[1 if is_usual and found[1].isupper() else 2 if is_usual else 3].add(well)
    return ranked


def _to_well(row: str, column: str) -> Well | None:
    if row.isdigit():
        number = int(row) - 1
    else:
        number = ord(row[-1].upper()) - ord("A") + 26 * (len(row) - 1)
    well = Well(number, int(column) - 1)
    fits = 0 <= well.row < MOST_ROWS and 0 <= well.column < MOST_COLUMNS
    return well if fits else None


def smallest_plate(wells: Iterable[Well]) -> PlateSize:
    """The smallest plate that is sold and has all these wells.

    Example:
        >>> from coverslip.plates import Well, smallest_plate
        >>> smallest_plate([Well(1, 2), Well(6, 10)]).name
        '96 wells'
    """
    found = list(wells)
    rows = max((well.row for well in found), default=0) + 1
    columns = max((well.column for well in found), default=0) + 1
    fitting = [size for size in PLATES if size[0] >= rows and size[1] >= columns]
    return PlateSize(*fitting[0])
