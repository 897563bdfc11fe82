"""this program and machine → the facts that a result must carry."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["provenance"]

PACKAGES = ("torch", "numpy", "scipy", "scikit-image", "tifffile")


def provenance() -> dict[str, object]:
    """Versions, commit and machine, ready for JSON."""
    return {
        "coverslip": package_version("coverslip"),
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: package_version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
    }


def package_version(name: str) -> str:
    """The installed version, or ``"not installed"`` when run from a source tree."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def commit() -> str:
    """The commit of the source tree this runs from, ``+`` if it was changed since; else empty."""
    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # else another project's repository
        name, changes = git("rev-parse", "--short=10", "HEAD"), git("status", "--porcelain", ".")
    except (OSError, subprocess.SubprocessError):
        return ""
    return name + ("+" if changes else "")


def git(*command: str) -> str:
    """What git answers in the folder of this package."""
    answer = subprocess.run(
        ["git", *command],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return answer.stdout.strip()
