"""a table of wells or files (plate map) → what each image's cells were given, as further columns.

Treatment, dose, replicate and time of every image, from a CSV that a person wrote.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from coverslip._text import as_it_was
from coverslip.errors import DataError, FileError, list_problems
from coverslip.io import check_regular, label_name, stem, without_zeros
from coverslip.measurements import column_of
from coverslip.plates.wells import path_to_well, text_to_well

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from coverslip.plates.wells import Well

# By these a row says which images it is about; all that it fills must agree.
KEYS = ("file", "well", "plate")
# Columns of our tables of images and cells that no condition may be called by.
OF_IMAGES = ("n_cells", "confluence", "fit", "time_s", "overlay", "labels", "model", "precision")
TAKEN = frozenset(("frame", *OF_IMAGES, "notes"))
MOST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Rule:
    """One row of the plate map.

    Attributes:
        line: of the file, from 1, for messages.
        file: a name, stem or pattern; empty: any.
        well: None: any.
        plate: a part of the path; empty: any.
        values: of the conditions, as they are written.
    """

    line: int
    file: str
    well: Well | None
    plate: str
    values: Mapping[str, Any]

    def is_about(self, path: PurePath, well: Well | None) -> bool:
        """Whether an image is meant, whose path names this well."""
        if self.well not in (None, well):
            return False
        if self.file and not _names(self.file, path):
            return False
        plate = self.plate.lower()
        return not plate or any(plate in part.lower() for part in path.parts)


@dataclass(frozen=True)
class Conditions:
    r"""What every image's cells were given.

    Attributes:
        path: of the plate map.
        names: of the conditions, in the order of the columns.
        rules: its rows.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.plates import read_conditions
        >>> with TemporaryDirectory() as folder:
        ...     plate = Path(folder, "plate.csv")
        ...     _ = plate.write_text("well,treatment,dose\nB02,DMSO,0\nB03,drug,1.5\n")
        ...     conditions = read_conditions(plate)
        >>> conditions.of("images/B03_s1.tif")
        {'treatment': 'drug', 'dose': 1.5}
    """

    path: Path
    names: tuple[str, ...]
    rules: tuple[Rule, ...]

    def of(self, file: str | Path) -> dict[str, Any]:
        """The conditions of an image; nothing where no row is about it.

        Raises:
            DataError: two rows are about it and say different things.
        """
        fitting = self._rules_about(file)
        if not fitting:
            return {}
        first = fitting[0]
        for other in fitting[1:]:
            if dict(other.values) != dict(first.values):
                raise DataError(
                    f"{self.path}: rows {first.line} and {other.line} are both about {file}, and "
                    "say different things. Keep one, or tell them apart by file, well and plate."
                )
        return dict(first.values)

    def add_to(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with the conditions behind its columns ``file`` and ``frame``.

        Args:
            table: with the column ``file``; rows whose image no row is about get empty conditions.

        Raises:
            DataError: two rows of the plate map are about one image and disagree.
        """
        by_file = {file: self.of(str(file)) for file in table["file"].unique()}
        kept = table.drop(columns=[name for name in self.names if name in table])
        place = 1 + max(list(kept).index(name) for name in ("file", "frame") if name in kept)
        for number, name in enumerate(self.names):
            of_file = {file: values.get(name) for file, values in by_file.items()}
            kept.insert(place + number, name, kept["file"].map(of_file))
        return kept

    def unmatched(self, files: Iterable[str | Path]) -> tuple[list[str], list[Rule]]:
        """The images that no row is about, and the rows that are about no image."""
        about = {str(file): self._rules_about(file) for file in files}
        used = {rule.line for rules in about.values() for rule in rules}
        without = [file for file, rules in about.items() if not rules]
        return without, [rule for rule in self.rules if rule.line not in used]

    def _rules_about(self, file: str | Path) -> list[Rule]:
        path = PurePath(file)
        well = path_to_well(path)
        return [rule for rule in self.rules if rule.is_about(path, well)]


def _names(pattern: str, path: PurePath) -> bool:
    """Whether a name, stem or pattern, perhaps with folders, means this image or its label file."""
    wanted = PurePath(pattern.replace("\\", "/"))
    folders = len(wanted.parts) - 1
    above = path.parent.parts[len(path.parent.parts) - folders :]
    if not fnmatchcase("/".join(above), "/".join(wanted.parts[:-1])):
        return False
    if fnmatchcase(path.name, wanted.name):
        return True
    own = (stem(Path(path)), label_name(Path(path)))
    if wanted.name in own or stem(Path(wanted)) == own[1]:
        return True
    return without_zeros(wanted.name) == without_zeros(own[1])


def read_conditions(path: Path) -> Conditions:
    """Read a plate map: a CSV with a column ``file`` or ``well`` and any further columns.

    Commas, semicolons or tabs part its columns. ``file`` is a name, with or without its ending, or
    a pattern such as ``day2_*.tif``; ``well`` is looked for in the image's name and folders
    (``B03``, ``r02c03``); ``plate`` is a part of the path, where several plates have the same
    wells. All other columns are conditions: ``treatment``, ``dose``, ``replicate``, ``time`` and
    any others. Columns in which every value is a number are numbers.

    Raises:
        FileError: the file cannot be read, or is too large for a plate map.
        DataError: no column says which images are meant, or rows that cannot be understood; all
            are listed.
    """
    rows = _read_rows(path)
    names = [name for name in rows[0] if name not in KEYS] if rows else []
    keys = [name for name in KEYS if rows and name in rows[0]]
    if not {"file", "well"} & set(keys):
        raise DataError(
            f"{path}: no column 'file' or 'well' says which images a row is about. Wanted a CSV "
            "such as: well,treatment,dose,replicate"
        )
    if not names:
        raise DataError(f"{path}: no condition; wanted a further column, such as treatment.")
    taken = [name for name in names if name in TAKEN or column_of(name) is not None]
    if taken:
        raise DataError(
            f"{path}: a column of the tables is called {', '.join(taken)} already. Give the "
            "condition another name."
        )
    numbers = {name for name in names if _all_numbers(row[name] for row in rows)}
    problems: list[str] = []
    rules = []
    for line, row in enumerate(rows, start=2):
        well = text_to_well(row["well"]) if row.get("well") else None
        if row.get("well") and well is None:
            problems.append(f"row {line}: {row['well']!r} is no well; wanted one such as B03")
        elif not row.get("file") and well is None:
            problems.append(f"row {line}: it names neither a file nor a well")
        values = {name: _value(row[name], is_number=name in numbers) for name in names}
        rules.append(Rule(line, row.get("file", ""), well, row.get("plate", ""), values))
    if problems:
        raise DataError(list_problems(problems, cure=f"{path}: mend these rows"))
    return Conditions(path, tuple(names), tuple(rules))


def _read_rows(path: Path) -> list[dict[str, str]]:
    """The rows that hold anything, each by the names of the columns in lower case."""
    try:
        check_regular(path)
        if path.stat().st_size > MOST_BYTES:
            raise FileError(f"{path}: larger than 16 MB, so no plate map. Name the right file.")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: no text in UTF-8. Save it as CSV in UTF-8.") from error
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}. Check its path.") from error
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    lines = list(csv.reader(io.StringIO(text), delimiter=mark))
    if len(lines) < 2:
        raise DataError(f"{path}: wanted a line of column names and a row for each well or file.")
    header = [as_it_was(name.strip()) for name in lines[0]]
    header = [name.lower() if name.lower() in KEYS else name for name in header]
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise DataError(f"{path}: two columns are called {', '.join(doubled)}. Rename one.")
    return [
        {
            name: as_it_was(cell.strip())
            for name, cell in zip(header, [*line, *[""] * len(header)], strict=False)
            if name
        }
        for line in lines[1:]
        if any(cell.strip() for cell in line)
    ]


def _all_numbers(texts: Iterable[str]) -> bool:
    filled = [text for text in texts if text]
    return bool(filled) and all(_to_number(text) is not None for text in filled)


def _to_number(text: str) -> float | None:
    """A finite number, with a point or a comma before its decimals; None: it is none."""
    try:
        value = float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _value(text: str, *, is_number: bool) -> Any:
    if not text:
        return None
    number = _to_number(text) if is_number else None
    if number is None:
        return text
    return int(number) if number == int(number) and "." not in text else number
