"""image file or folder → numbers and a hash that change when it does."""

import hashlib
import os
from pathlib import Path

WHOLE = 64 * 2**20  # bytes; up to so many, all of them are read
BLOCK = 2**16
N_BLOCKS = 64  # of a larger file, evenly spaced, the first and the last among them
N_FILES = 16_384  # of a Zarr of more than WHOLE: as many of its files are looked into


def fingerprint(path: Path) -> list[int | str]:
    """Tell whether an image is the one that it was; to read 100 GB to see that would take hours.

    Returns:
        Up to 64 MB, size and SHA-256 of the content. Of more, the size, the time of change in ns
        and a hash of blocks, the first and the last among them. Of a Zarr, how many files there
        are, their bytes, the latest time if they are more than 64 MB, and a hash of their names and
        contents, or of names, sizes, times and blocks; `labels` in it are no part of the image, and
        may be written later.

    Raises:
        OSError: It is not there, or may not be looked at.
    """
    if path.is_dir():
        return _folder_state(path)
    stat = path.stat()
    if stat.st_size <= WHOLE:
        return [stat.st_size, _hash_blocks(path, stat.st_size)]
    return [stat.st_size, stat.st_mtime_ns, _hash_blocks(path, stat.st_size)]


def _folder_state(path: Path) -> list[int | str]:
    files = [(str(one.relative_to(path)), one, one.stat()) for one in _files_in(path)]
    size = sum(stat.st_size for _, _, stat in files)
    latest = 0 if size <= WHOLE else max(stat.st_mtime_ns for _, _, stat in files)
    step = 1 if size <= WHOLE else -(-len(files) // N_FILES)
    whole = hashlib.sha256()
    for n, (name, one, stat) in enumerate(files):
        time = stat.st_mtime_ns if latest else 0
        whole.update(f"{name}\0{stat.st_size}\0{time}\0".encode(errors="surrogateescape"))
        if n % step == 0:
            n_blocks = 2 if latest else N_BLOCKS
            whole.update(_hash_blocks(one, stat.st_size, n_blocks=n_blocks).encode())
    return [size, latest, len(files), whole.hexdigest()]


def _files_in(path: Path) -> list[Path]:
    found: list[Path] = []
    for folder, inner, names in os.walk(path, onerror=_raise):
        if Path(folder) == path and "labels" in inner:
            inner.remove("labels")
        found += [Path(folder, name) for name in names]
    return sorted(found)


def _hash_blocks(path: Path, size: int, *, n_blocks: int = N_BLOCKS) -> str:
    """SHA-256 of a file, or of blocks of it where it is larger than what is read whole."""
    whole = hashlib.sha256()
    with path.open("rb") as stream:
        if size <= WHOLE and n_blocks == N_BLOCKS:
            while block := stream.read(16 * BLOCK):
                whole.update(block)
            return whole.hexdigest()
        last = max(0, size - BLOCK)
        for n in range(n_blocks):
            stream.seek(last * n // (n_blocks - 1))
            whole.update(stream.read(BLOCK))
    return whole.hexdigest()


def _raise(error: OSError) -> None:
    raise error
