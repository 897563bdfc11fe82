"""what the system says when a disk or share fails → what a user can do about it."""

import errno
from pathlib import Path

from coverslip.errors import FileError

# A disk that breaks, a cable that is pulled out, a server that does not answer.
GONE = (
    errno.EIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.ETIMEDOUT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
)
GONE_CURE = "The disk or network share does not answer: check it, and start again."

TOO_MANY = (errno.EMFILE, errno.ENFILE)
TOO_MANY_CURE = "Too many files are open: close programs, or allow more of them by ulimit -n."


def is_trouble(error: OSError) -> bool:
    """Whether a disk, a share or the system failed, and not what a file holds."""
    return error.errno in (*GONE, *TOO_MANY)


def read_error(path: Path, error: OSError) -> FileError:
    """What to tell a user whose file or folder could not be read."""
    cures = {**dict.fromkeys(GONE, GONE_CURE), **dict.fromkeys(TOO_MANY, TOO_MANY_CURE)}
    cure = cures.get(error.errno or 0, "Check its path, and whether you may read it.")
    return FileError(f"{path}: cannot be read ({error.strerror or error}). {cure}")
