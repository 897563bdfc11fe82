"""pairs → those to learn from and those to validate on.

Training and validation sets, and folds of a cross-validation.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coverslip.errors import DataError, SettingsError
from coverslip.io import annotated_file, check_regular, is_image, stem, without_zeros

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coverslip.io import Pair


def split_pairs(
    pairs: Sequence[Pair], *, fraction: float, seed: int, groups: Sequence[str] | None = None
) -> tuple[list[Pair], list[Pair]]:
    """Set a fraction of the pairs aside for validation, group by group: (training, validation).

    Raises:
        DataError: fewer than two pairs.
        SettingsError: a fraction that leaves nothing to learn from.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> train, val = coverslip.split_pairs(pairs, fraction=0.4, seed=0)
        >>> len(train), len(val)
        (3, 2)
    """
    if not 0 <= fraction < 1:
        raise SettingsError(
            f"the fraction for validation is {fraction}; wanted 0 to less than 1, 0.15 is usual."
        )
    if len(pairs) < 2:
        raise DataError(
            f"{len(pairs)} annotated image found where a training needs at least two, one to learn "
            "from and one to validate on: annotate another, or cut this one into two files."
        )
    rng = np.random.default_rng(seed)
    labels = np.array(groups if groups is not None else [""] * len(pairs))
    held_out: set[int] = set()
    for group in sorted(set(labels)):
        members = rng.permutation(np.flatnonzero(labels == group))
        held_out.update(members[: round(fraction * len(members))].tolist())
    if not held_out:
        held_out = {int(rng.integers(len(pairs)))}
    if len(held_out) == len(pairs):
        held_out.remove(min(held_out))
    return (
        [pair for i, pair in enumerate(pairs) if i not in held_out],
        [pair for i, pair in enumerate(pairs) if i in held_out],
    )


def fold_pairs(
    pairs: Sequence[Pair], *, fold: int, n_folds: int, seed: int
) -> tuple[list[Pair], list[Pair]]:
    """Cross-validation: (all pairs but those of the fold, the pairs of the fold).

    Raises:
        SettingsError: the fold does not exist, or there are fewer pairs than folds.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> train, test = coverslip.fold_pairs(pairs, fold=0, n_folds=5, seed=0)
        >>> len(train), len(test)
        (4, 1)
    """
    if not 2 <= n_folds <= len(pairs) or not 0 <= fold < n_folds:
        raise SettingsError(
            f"fold {fold} of {n_folds} for {len(pairs)} images: wanted 2 to {len(pairs)} folds, "
            "counted from 0."
        )
    order = np.random.default_rng(seed).permutation(len(pairs))
    inside = set(order[fold::n_folds].tolist())
    return (
        [pair for i, pair in enumerate(pairs) if i not in inside],
        [pair for i, pair in enumerate(pairs) if i in inside],
    )


def select_pairs(pairs: Sequence[Pair], table: Path, *, where: str) -> list[Pair]:
    r"""Keep the pairs whose row of a CSV table fulfils a condition.

    Args:
        pairs: all pairs.
        table: a CSV with a column `name` holding the pairs' names.
        where: ``"column=value"`` or ``"column!=value"``.

    Raises:
        SettingsError: the condition or the column is not understood.
        DataError: no pair is left.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> from tempfile import mkdtemp
        >>> table = Path(mkdtemp(), "list.csv")
        >>> rows = [f"{pair.name},{pair.name.split('_')[0]}" for pair in pairs]
        >>> coverslip.write_text(table, "\n".join(["name,kind", *rows]))
        >>> len(coverslip.select_pairs(pairs, table, where="kind=stained"))
        2
    """
    rows = read_list(table)
    column, unequal, value = where.partition("!=")
    if not unequal:
        column, equal, value = where.partition("=")
        if not equal:
            raise SettingsError(f"--where {where}: wanted COLUMN=VALUE or COLUMN!=VALUE.")
    if column not in rows:
        raise SettingsError(f"{table}: no column {column!r}; it has {', '.join(rows.columns)}.")
    chosen = rows[column] != value if unequal else rows[column] == value
    names = set(rows.index[chosen])
    listed = names_in_list([pair.name for pair in pairs], rows.index)
    kept = [pair for pair, name in zip(pairs, listed, strict=True) if name in names]
    if not kept:
        raise DataError(f"{table}: no annotated image fulfils {where}: check the names and values.")
    return kept


def read_groups(pairs: Sequence[Pair], table: Path, *, column: str) -> list[str]:
    r"""Each pair's value in a column of a CSV table.

    Raises:
        SettingsError: no such column, or a pair without a row.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> from tempfile import mkdtemp
        >>> table = Path(mkdtemp(), "list.csv")
        >>> rows = [f"{pair.name},{pair.name.split('_')[0]}" for pair in pairs]
        >>> coverslip.write_text(table, "\n".join(["name,kind", *rows]))
        >>> coverslip.read_groups(pairs[-2:], table, column="kind")
        ['stained', 'stained']
    """
    rows = read_list(table)
    if column not in rows:
        raise SettingsError(f"{table}: no column {column!r}; it has {', '.join(rows.columns)}.")
    names = names_in_list([pair.name for pair in pairs], rows.index)
    missing = [pair.name for pair, name in zip(pairs, names, strict=True) if name is None]
    if missing:
        raise SettingsError(f"{table}: no row for {', '.join(missing[:5])}: add {len(missing)}.")
    return [str(rows.loc[name, column]) for name in names if name is not None]


def names_in_list(names: Sequence[str], listed: Iterable[str]) -> list[str | None]:
    """What a list calls each image: its name, its file, or its number without the zeros before it.

    Args:
        names: of the images.
        listed: the names in the list.

    Returns:
        None for an image that no row is about; nor where several would be.
    """
    known = set(listed)
    others: dict[str, set[str]] = {}
    for one in sorted(known):
        keys = {stem(Path(one))} if is_image(Path(one)) else set()
        for key in keys | {without_zeros(one)}:
            others.setdefault(key, set()).add(one)
    found: list[str | None] = []
    for name in names:
        alike = others.get(name, set()) | others.get(without_zeros(name), set())
        found.append(name if name in known else alike.pop() if len(alike) == 1 else None)
    return found


def read_list(table: Path) -> pd.DataFrame:
    """A CSV with a column `name`, all values as text, indexed by name.

    A value is what stands there, be it NA, None or nothing. Rows without any value, as Excel leaves
    them below a table, are passed over. Columns may be parted by commas, semicolons or tabs.

    Raises:
        SettingsError: not a CSV, no such column, a row without a name, or a name that occurs twice.
    """
    rows = _read_texts(table)
    if "name" not in rows:
        raise SettingsError(f"{table}: no column 'name'; it has {', '.join(rows.columns)}.")
    rows = rows[(rows != "").any(axis=1)]
    nameless = rows.index[rows["name"] == ""].tolist()
    if nameless:
        raise SettingsError(
            f"{table}: row {nameless[0] + 2} has no name: fill it in, or remove the row."
        )
    twice = rows["name"][rows["name"].duplicated()].unique().tolist()
    if twice:
        raise SettingsError(
            f"{table}: {', '.join(twice[:5])} occurs more than once in the column "
            "'name': keep one row for each image."
        )
    return rows.set_index("name")


def _read_texts(table: Path) -> pd.DataFrame:
    """All values of a CSV as text, without blanks at their ends.

    Raises:
        SettingsError: not readable as CSV.
    """
    try:
        check_regular(table)
        with table.open(encoding="utf-8-sig") as stream:
            first = stream.readline()
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # values would be lost
            rows = pd.read_csv(
                table,
                dtype=str,
                sep=max(",;\t", key=first.count),
                encoding="utf-8-sig",
                index_col=False,
                keep_default_na=False,
                skip_blank_lines=False,  # so that rows can be counted
            ).fillna("")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{table}: no text in UTF-8: save it again as CSV UTF-8 (in Excel: Save As)."
        ) from error
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise SettingsError(f"{table}: not readable as CSV ({error}).") from error
    rows.columns = rows.columns.str.strip()
    stripped: pd.DataFrame = rows.apply(lambda column: column.str.strip())
    # As names of files are compared: macOS writes an umlaut as two characters.
    composed: pd.DataFrame = stripped.apply(lambda column: column.str.normalize("NFC"))
    return composed


def hash_pairs(pairs: Sequence[Pair]) -> str:
    """A hash over the names and bytes of all files of the pairs: the data a training saw.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> len(coverslip.hash_pairs(pairs))
        64
    """
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: pair.name):
        if not pair.reading.is_plain:
            digest.update(json.dumps(asdict(pair.reading), sort_keys=True).encode())
        for path in (pair.image, *pair.masks):
            digest.update(f"{pair.name}/{path.name}".encode())
            digest.update(annotated_file(path).read_bytes())
    return digest.hexdigest()
