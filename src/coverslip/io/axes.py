"""letters of a file's dimensions → letters that we read: T, Z, C, Y, X, S.

Whether a stack of pages is a time-lapse, a z-stack or a set of channels.

Inside a file the dimensions come in any order; an ImageFile lists them in ORDER. A dimension that
the file leaves unnamed is "?" here, and `settle` gives it a name and says so.
"""

from pathlib import Path

from coverslip.errors import FileError

ORDER = "TZCYXS"
NAMES = {"T": "time", "Z": "depth", "C": "channel", "Y": "row", "X": "column", "S": "colour sample"}


def settle(
    path: Path,
    *,
    stored: str,
    shape: tuple[int, ...],
    wanted: str | None,
    has_pages: bool = True,
    is_free: bool = False,
) -> tuple[str, str | None]:
    """Give every dimension of a file its letter.

    Args:
        path: The file, for messages.
        stored: One letter per dimension as the file has them, "?" for an unnamed one, P for stage
            positions, each of which is an image; other letters that we do not read are refused.
        shape: Length of each dimension.
        wanted: The user's own letters, one per dimension, or None.
        has_pages: Whether what an unnamed dimension counts are pages.
        is_free: Whether Y, X and S may be any dimensions, and need not stay where they are.

    Returns:
        The letters in the file's own order, and a note on the decision, if there was one.

    Raises:
        FileError: `wanted` does not fit the file, or its dimensions cannot be told apart.
    """
    if wanted is not None:
        problem = _problem(stored=stored, shape=shape, wanted=wanted.upper(), is_free=is_free)
        return _override(path, stored=stored, shape=shape, wanted=wanted.upper(), problem=problem)
    guess = "".join(
        "T" if axis == "?" and length > 1 else axis
        for axis, length in zip(stored, shape, strict=True)
    )
    named = guess.replace("?", "")
    if len(set(named)) < len(named) or not set(named) <= set(ORDER + "P"):
        raise FileError(
            f"{path}: its metadata do not tell what its dimensions {describe(shape)} are (they say "
            f"{stored}). Name them, one letter of {ORDER} each, for example --axes TZYX."
        )
    if guess == stored:
        return stored, None
    count = shape[guess.index("T")]
    named = "".join(axis for axis in guess if axis != "?")
    return guess, (
        f"{count} {'pages' if has_pages else 'pictures'} without axes in the metadata are read as "
        f"{count} times "
        f"(T; axes {named}); --axes overrides"
    )


def _override(
    path: Path, *, stored: str, shape: tuple[int, ...], wanted: str, problem: str | None
) -> tuple[str, str | None]:
    if problem:
        raise FileError(
            f"{path}: --axes {wanted} does not fit: {problem}. The file stores {stored} with "
            f"the shape {describe(shape)}; give one letter of {ORDER} for each dimension."
        )
    if wanted == stored:
        return wanted, None
    return wanted, f"axes {wanted} as asked for, where the file says {stored}"


def _problem(*, stored: str, shape: tuple[int, ...], wanted: str, is_free: bool) -> str | None:
    if len(wanted) != len(stored):
        return f"it has {len(wanted)} letters for {len(stored)} dimensions"
    unknown = sorted(set(wanted) - set(ORDER + "P"))
    if unknown:
        return f"{', '.join(unknown)} is not a known axis"
    if len(set(wanted)) < len(wanted):
        return "a letter comes twice"
    if not is_free:
        # A picture is the smallest thing that is read: its rows and columns cannot be renamed away.
        for axis in "YX":
            if wanted.find(axis) != stored.find(axis):
                return f"{axis} ({NAMES[axis]}) must stay where it is"
        if "S" in wanted and wanted.find("S") != stored.find("S"):
            return "S is for the samples of a colour picture, which this dimension is not"
    if not set("YX") <= set(wanted):
        return "Y (row) and X (column) must be among them"
    is_new = "S" in wanted and wanted.find("S") != stored.find("S")
    if is_new and shape[wanted.index("S")] not in (3, 4):
        return "S is for the 3 samples of a colour picture"
    return None


def in_order(axes: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Sort dimensions into ORDER.

    >>> in_order("CTYX", (2, 9, 5, 7))
    ('TCYX', (9, 2, 5, 7))
    """
    pairs = sorted(zip(axes, shape, strict=True), key=lambda pair: ORDER.index(pair[0]))
    return "".join(axis for axis, _ in pairs), tuple(length for _, length in pairs)


def describe(shape: tuple[int, ...]) -> str:
    """Write a shape the way people do: 3 × 512 × 512."""
    return " × ".join(str(length) for length in shape)
