"""Run command lines in this process as where PyTorch is not installed, or must not be imported.

python tests/torchless.py MODE COMMANDS: absent or idle, and a list of lists of words in JSON.
"""

from __future__ import annotations

import json
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

BANNED = ("torch", "onnx")


class Refusing:
    """Loads nothing."""

    def create_module(self, spec: ModuleSpec) -> None:
        raise RuntimeError(f"{spec.name} was imported")

    def exec_module(self, module: object) -> None:
        """Never reached."""


class Absent(PathFinder):
    """Finds all that is installed, but for BANNED."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname.split(".")[0] in BANNED:
            return None
        return super().find_spec(fullname, path, target)


class Idle(PathFinder):
    """Finds BANNED too, and refuses to load it."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname.split(".")[0] in BANNED:
            return ModuleSpec(fullname, Refusing())  # type: ignore[arg-type]
        return super().find_spec(fullname, path, target)


finder = Absent if sys.argv[1] == "absent" else Idle
sys.meta_path[sys.meta_path.index(PathFinder)] = finder


def main() -> None:
    """Run the commands in turn; the exit status is the first that is not 0."""
    from coverslip.cli import main as run

    for words in json.loads(sys.argv[2]):
        sys.argv[1:], kept = words, sys.argv[1:]
        try:
            run()
        except SystemExit as end:
            if end.code:
                raise
        finally:
            sys.argv[1:] = kept
    if set(BANNED) & sys.modules.keys():
        raise SystemExit("it was imported")


if __name__ == "__main__":
    main()
