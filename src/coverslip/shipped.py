"""the name of a model → the file of its weights."""

from __future__ import annotations

import difflib
from pathlib import Path

from coverslip.checkpoint import Checkpoint, load_checkpoint
from coverslip.errors import ModelError

FOLDER = Path(__file__).parent / "weights"


def shipped_models() -> dict[str, Path]:
    """The models that came with this package: name → file, sorted by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}


def find_model(name: str) -> Path:
    """The checkpoint that a user means by a name or a path.

    Raises:
        ModelError: neither a shipped model nor a file; the nearest name is suggested, none is
            taken in its stead.
    """
    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if path.is_file():
        return path
    if (path / "best.safetensors").is_file():
        return path / "best.safetensors"
    near = difflib.get_close_matches(name, shipped, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ModelError(
        f"no model {name!r}: {hint}Shipped are {', '.join(shipped)}; or pass the path of a "
        "checkpoint or of a training's folder."
    )


def load_model(name: str) -> Checkpoint:
    """Load a model by its name or path, ready for `coverslip.segment`.

    Raises:
        ModelError: no such model, or its file is damaged.
    """
    return load_checkpoint(find_model(name))
