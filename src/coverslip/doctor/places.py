"""this computer → where files are put on the way, whether they can be, and how text is written."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
from pathlib import Path


def folders() -> dict[str, dict[str, object]]:
    """The temporary folder, the cache of ImageNet weights, and the folder one is in."""
    return {
        "temporary": look_at(temporary()),
        "cache": look_at(cache()),
        "current": look_at(Path.cwd()),
    }


def temporary() -> Path:
    """Where temporary files go; what Python would try first where none can be written to."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.environ.get("TMPDIR", "/tmp"))


def cache() -> Path:
    """Where PyTorch keeps what it has fetched, such as ImageNet weights.

    Source: https://docs.pytorch.org/docs/stable/hub.html (torch.hub.get_dir).
    """
    usual = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return Path(os.environ.get("TORCH_HOME", usual)).expanduser()


def look_at(folder: Path) -> dict[str, object]:
    """Whether a folder, or the one that it would be made in, can be written to; and its room."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    try:
        free: float | None = round(shutil.disk_usage(there).free / 1e9, 1)
    except OSError:
        free = None
    return {"path": str(folder), "writable": can_write(there), "free_gb": free}


def can_write(folder: Path) -> bool:
    """Whether a byte written to a folder arrives: permission alone says little of a full disk."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"1")
            file.flush()
    except OSError:
        return False
    return True


def text() -> dict[str, str]:
    """How names of files and printed words become bytes."""
    return {
        "filesystem": sys.getfilesystemencoding(),
        "output": getattr(sys.stdout, "encoding", None) or "unknown",
        "locale": locale.getpreferredencoding(do_setlocale=False),
    }
