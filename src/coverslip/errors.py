"""what a user can mend → one tree of exceptions.

CoverslipError
├── FileError      a file or folder that cannot be read or written
├── DataError      images, masks and pairs that do not fit together
├── ModelError     a model name, checkpoint or set of weights
├── SettingsError  an option or a combination of options
├── TrainingError  a training that cannot go on
└── StoppedError   work on many images that cannot go on with any of them

The command line prints the message of each and nothing else: no traceback for a mistake that the
user can mend. Every message names the file, says what came, what was wanted, and the cure.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "CoverslipError",
    "DataError",
    "FileError",
    "ModelError",
    "SettingsError",
    "StoppedError",
    "TrainingError",
]


class CoverslipError(Exception):
    """A mistake that the user can mend.

    Example:
        >>> import coverslip
        >>> try:
        ...     coverslip.open_image("missing.tif")
        ... except coverslip.CoverslipError as error:
        ...     print(error)
        missing.tif: no such file. Check the spelling of its path.
    """


class FileError(CoverslipError):
    """A file or folder cannot be read or written."""


class DataError(CoverslipError):
    """Images, masks and pairs do not fit together."""


class ModelError(CoverslipError):
    """A model name, a checkpoint or a set of weights is not what it should be."""


class SettingsError(CoverslipError):
    """An option, or a combination of options, makes no sense."""


class TrainingError(CoverslipError):
    """A training cannot go on."""


class StoppedError(CoverslipError):
    """Work on many images cannot go on with any of them; what is done stays done."""


def list_problems(problems: Sequence[str], *, cure: str) -> str:
    """One message for all problems: the cure and their number first, then a line each.

    Example:
        >>> from coverslip.errors import list_problems
        >>> print(list_problems(["a.tif: empty", "b.tif: cut off"], cure="Copy them again"))
        Copy them again (2):
          a.tif: empty
          b.tif: cut off
    """
    lines = "\n".join(f"  {problem}" for problem in problems)
    return f"{cure} ({len(problems)}):\n{lines}"


def say_why(path: Path, error: Exception, *, more: str = "") -> str:
    """What is said of a file that could not be done, while others can: one line that names it.

    Args:
        path: the file.
        error: of whatever kind.
        more: what to send with a report, where coverslip did not expect it.
    """
    if isinstance(error, MemoryError):
        return (
            f"{path}: the memory of this computer is too small for it ({error or 'no details'}). "
            "Close other programs, or cut the image into smaller ones."
        )
    if not isinstance(error, CoverslipError):
        return (
            f"{path}: something went wrong that coverslip did not expect ({type(error).__name__}: "
            f"{error}). Please report it{more}."
        )
    names_it = isinstance(error, FileError) or str(path) in str(error)
    return str(error) if names_it else f"{path}: {error}"


@contextmanager
def costs_itself(
    path: Path,
    on_failed: Callable[[Path, str], None],
    *,
    kinds: type[Exception] = Exception,
) -> Iterator[None]:
    """Let a file that cannot be done cost itself only, whatever was raised: the one way of it.

    Args:
        path: the file.
        on_failed: called with the file and the reason, in one line.
        kinds: what is caught; `CoverslipError` where a caller in Python should see the others.

    Raises:
        StoppedError: no other file can be done either.
        SettingsError: an option is wrong, whatever the file.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.errors import DataError, costs_itself
        >>> failed = {}
        >>> for name in ("a.tif", "b.tif"):
        ...     with costs_itself(Path(name), failed.__setitem__):
        ...         if name == "a.tif":
        ...             raise DataError("it is empty")
        >>> print(failed[Path("a.tif")], len(failed))
        a.tif: it is empty 1
    """
    try:
        yield
    except (StoppedError, SettingsError):
        raise
    except kinds as error:
        on_failed(path, say_why(path, error))


@contextmanager
def named_failure(path: Path) -> Iterator[None]:
    """Turn what coverslip did not expect into one sentence that names the file.

    For a verb of one file, or a step that all files share.

    Raises:
        FileError: in place of anything that is no `CoverslipError`; what the system says of a disk
            or a right stays as it is.
    """
    try:
        yield
    except (CoverslipError, OSError):
        raise
    except Exception as error:
        raise FileError(say_why(path, error)) from error


def one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a setting's value that is not among the choices.

    Raises:
        SettingsError: it is not.

    Example:
        >>> from coverslip.errors import one_of
        >>> one_of("loss", "dice", ("bce", "dice"))
    """
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
