"""this program and machine → the facts that a result must carry."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["provenance"]

PACKAGE = Path(__file__).resolve().parent
NO_CODE = (".pyc", ".onnx", ".safetensors")
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


@cache
def code_version() -> str:
    """The code that runs now, as part of the key by which results are recognised.

    An editable install keeps the version that it was installed with, while its source goes on. So
    in a checkout this is the commit, and where the package was changed since, ``+`` and a digest of
    its files. Two processes that run different code give different answers.

    Returns:
        The commit in a checkout; the digest alone where git does not answer; anywhere else the
        installed version, which was taken from a commit when the package was built.
    """
    if not is_checkout():
        return package_version("coverslip")
    name = commit()
    return name if name and not name.endswith("+") else f"{name or 'source '}{digest()}"


@cache
def commit() -> str:
    """The commit of the checkout this runs from, ``+`` if the package was changed; else empty."""
    if not is_checkout():
        return ""
    try:
        name, changes = git("rev-parse", "--short=10", "HEAD"), git("status", "--porcelain", ".")
    except (OSError, subprocess.SubprocessError):
        return ""
    return name + ("+" if changes else "")


def is_checkout() -> bool:
    """Whether this runs from ``src/coverslip`` of a git repository, not from an installed copy."""
    return PACKAGE.parent.name == "src" and (PACKAGE.parent.parent / ".git").exists()


def digest() -> str:
    """Twelve hexadecimal digits over the names and contents of the package's code.

    Not of its weights, since results carry the hash of their model.
    """
    found = sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in NO_CODE or not path.is_file():
            continue
        content = path.read_bytes()
        found.update(f"{path.relative_to(PACKAGE).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()[:12]


def git(*command: str) -> str:
    """What git answers in the folder of this package, whatever repository a caller works in."""
    here = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    answer = subprocess.run(
        ["git", *command],
        cwd=PACKAGE,
        env=here | {"GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return answer.stdout.strip()


__version__ = package_version("coverslip")
