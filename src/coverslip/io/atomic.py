"""arrays and text → files, each whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from coverslip.errors import FileError
from coverslip.io.written import check_ours, claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# What is removed must be ours to the letter: other programs have hidden files called .part too.
LEFTOVER = re.compile(r"\.coverslip-[0-9a-f]{32}\.part(\.[^.]+)?")

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

# Four times as fast as Pillow's own level, for files a tenth larger.
PNG_LEVEL = 1

TOO_MANY = (errno.EMFILE, errno.ENFILE)
TOO_MANY_CURE = "Too many files are open: close programs, or allow more of them by ulimit -n."

CURES = {
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "Your disk quota is used up: free some space, or choose another folder.",
    errno.EROFS: "The disk is read-only: choose another folder.",
    errno.EACCES: "You may not write here: choose another folder.",
    errno.EPERM: "You may not write here: choose another folder.",
    errno.ENOTDIR: "A file stands where a folder is wanted: choose another folder.",
    errno.EEXIST: "A file stands where a folder is wanted: choose another folder.",
    errno.EISDIR: "A folder of that name is in the way: choose another name.",
    errno.ENOTEMPTY: "A folder of that name is in the way: choose another name.",
    errno.ENAMETOOLONG: "The name is too long: choose a shorter one.",
    errno.EFBIG: "No file may be so large here (ulimit -f, or FAT32): choose another folder.",
    errno.ENOENT: "Its folder was deleted or moved meanwhile: leave it there, and start again.",
    **dict.fromkeys(GONE, f"{GONE_CURE} Or choose another folder."),
    **dict.fromkeys(TOO_MANY, TOO_MANY_CURE),
}


@contextmanager
def whole_or_nothing(path: Path, *, settle: bool = False) -> Iterator[Path]:
    """Write a file so that nobody ever sees half of it.

    The block writes to the path that it is given; when it ends well, that file gets its true name,
    and when it fails, the file is removed and an older one of the true name stays as it was.

    Args:
        path: The file wanted. Its folder is made where it is missing.
        settle: Wait until the disk has it, so that a power cut cannot empty it either. That takes
            some 10 ms, too long for each of many small files.

    Yields:
        A path in the same folder with the same suffix, where no file is yet.

    Raises:
        FileError: The folder or file cannot be written; the message names `path` and the cure.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> path = Path(mkdtemp(), "table.csv")
        >>> with coverslip.whole_or_nothing(path) as temporary:
        ...     _ = temporary.write_text("a,b")
        >>> path.read_text()
        'a,b'
    """
    # The end of a name is cut off at 255 bytes by most file systems, so it does not go in here.
    temporary = temporary_name(path, ending=path.suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if settle:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        claim(path, temporary)
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        _remove(temporary)


def temporary_name(path: Path, *, ending: str = "") -> Path:
    """A name beside a file's own that no other program uses, for what is not whole yet."""
    return path.with_name(f".coverslip-{uuid.uuid4().hex}.part{ending}")


def write_error(path: Path, error: OSError) -> FileError:
    """What to tell a user whose file or folder could not be written."""
    cure = CURES.get(error.errno or 0, "Choose another folder.")
    return FileError(f"{path}: cannot be written ({error.strerror or error}). {cure}")


def check_writable(path: Path, *, is_file: bool = False) -> None:
    """Find what would stop the writing of results, before the work is done; nothing is made.

    Args:
        path: A folder, which may be missing, or with `is_file` a file.
        is_file: Whether a file is to be written, in a folder that may be missing.

    Raises:
        FileError: A file stands in the way of a folder, or a folder in that of a file, or one may
            not write there, or a file is there that coverslip did not write.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.io import check_writable
        >>> with TemporaryDirectory() as folder:
        ...     check_writable(Path(folder, "results"))
        ...     print(Path(folder, "results").exists())
        False
    """
    above = [path, *path.absolute().parents]
    there = next(one for one in above if os.access(one, os.F_OK))
    if is_file and there == path:
        problem = errno.EISDIR if path.is_dir() else 0
        there = path.absolute().parent
    else:
        problem = 0 if there.is_dir() else errno.ENOTDIR
    if not problem and not os.access(there, os.W_OK):
        problem = errno.EACCES
    if problem:
        raise FileError(f"{path}: cannot be written ({os.strerror(problem)}). {CURES[problem]}")
    if is_file:
        check_ours(path)


def remove_leftovers(folder: Path) -> None:
    """Remove what writes that were killed have left in a folder: files, and folders of Zarr."""
    for path in folder.glob(".coverslip-*.part*"):
        if not LEFTOVER.fullmatch(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The folder is not one, or is gone: nothing was written, and the first error says more.
        return


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes, whole or not at all.

    Raises:
        FileError: The file cannot be written.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> path = Path(mkdtemp(), "part.bin")
        >>> coverslip.write_bytes(path, bytes(3))
        >>> path.stat().st_size
        3
    """
    with whole_or_nothing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    r"""Write text as UTF-8 with Unix line ends, whole or not at all.

    A byte of a file's name that is no UTF-8 is in Python's text, and cannot be in a file's: it is
    written as ``\udcff``.

    Raises:
        FileError: The file cannot be written.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> path = Path(mkdtemp(), "new", "notes.txt")
        >>> coverslip.write_text(path, "37 °C")
        >>> path.read_text(encoding="utf-8")
        '37 °C'
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_image(path: Path, image: NDArray[Any]) -> None:
    """Write a picture as PNG, or numbers as TIFF, by the suffix; whole or not at all.

    Args:
        path: ``.png`` for uint8 (H, W) or (H, W, 3), ``.tif`` or ``.tiff`` for float32 (..., H, W).
        image: The values.

    Raises:
        FileError: The file cannot be written.
        ValueError: Suffix, type and shape do not fit together.

    Example:
        >>> import coverslip, numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.io import write_image
        >>> with TemporaryDirectory() as folder:
        ...     write_image(Path(folder, "a.png"), np.zeros((4, 5), np.uint8))
        ...     print(coverslip.open_image(Path(folder, "a.png")).frame_shape)
        (4, 5)
    """
    suffix = path.suffix.lower()
    is_picture = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    with whole_or_nothing(path) as temporary:
        if suffix == ".png" and image.dtype == np.uint8 and is_picture:
            picture = Image.fromarray(np.ascontiguousarray(image))
            picture.save(temporary, compress_level=PNG_LEVEL)
        elif suffix in (".tif", ".tiff") and image.dtype == np.float32 and image.ndim >= 2:
            with temporary.open("w+b") as file:  # tifffile, closing it, does not say if that fails
                tifffile.imwrite(file, image, photometric="minisblack", compression="zlib")
        else:
            raise ValueError(
                f"{path}: cannot hold {image.dtype} of shape {image.shape}; "
                "wanted .png for uint8 (H, W) or (H, W, 3), .tif for float32 (..., H, W)"
            )


@contextmanager
def whole_folder(path: Path, *, marker: str) -> Iterator[Path]:
    """Write a folder so that nobody ever sees half of it.

    The block writes to the path that it is given; when it ends well, that folder gets its true
    name, and when it fails, it is removed and an older one of the true name stays as it was.

    Args:
        path: The folder wanted. An older one is replaced if it holds `marker`.
        marker: A file by which such a folder is known, so that no other is ever removed.

    Yields:
        A path beside it, where no folder is yet.

    Raises:
        FileError: Something else has that name, or the folder cannot be written.
    """
    if path.exists() and not (path / marker).is_file():
        raise FileError(
            f"{path}: something else is there (a folder without {marker}), and is left as it is. "
            "Choose another folder, or move it away."
        )
    temporary, older = temporary_name(path), temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        claim(path, temporary)
        if path.exists():
            path.rename(older)
        temporary.rename(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if older.exists() and not path.exists():
            older.rename(path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(older, ignore_errors=True)


def is_trouble(error: OSError) -> bool:
    """Whether a disk, a share or the system failed, and not what a file holds."""
    return error.errno in (*GONE, *TOO_MANY)


def read_error(path: Path, error: OSError) -> FileError:
    """What to tell a user whose file or folder could not be read."""
    cures = {**dict.fromkeys(GONE, GONE_CURE), **dict.fromkeys(TOO_MANY, TOO_MANY_CURE)}
    cure = cures.get(error.errno or 0, "Check its path, and whether you may read it.")
    return FileError(f"{path}: cannot be read ({error.strerror or error}). {cure}")
