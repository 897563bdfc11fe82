"""the name of a model → the file of its weights, or the method without learning.

The model zoo: pre-trained models for phase contrast, for nuclei, and for other kinds of images.
"""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.checkpoints.method import Method, build_method
from coverslip.checkpoints.safetensors import load_checkpoint
from coverslip.errors import ModelError, SettingsError
from coverslip.models import MODELS
from coverslip.segmentation.classical import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coverslip.checkpoints.checkpoint import Checkpoint

FOLDER = Path(__file__).parent.parent / "weights"


def shipped_models() -> dict[str, Path]:
    """The models that came with this package: name → file, sorted by name.

    Example:
        >>> import coverslip
        >>> list(coverslip.shipped_models())
        ['general', 'nuclei', 'phase']
    """
    return {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}


def find_model(name: str) -> Path:
    """The checkpoint that a user means by a name or a path.

    Raises:
        ModelError: neither a shipped model nor a file; the nearest name is suggested, none is
            taken in its stead.

    Example:
        >>> from coverslip.checkpoints import find_model
        >>> find_model("nuclei").name
        'nuclei.safetensors'
    """
    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if path.is_file():
        return path
    if (path / "best.safetensors").is_file():
        return path / "best.safetensors"
    if name in MODELS:
        raise ModelError(
            f"{name!r} is a network without weights: train it, "
            f"`coverslip train DATA --model {name} -o FOLDER`, and pass that folder."
        )
    if path.is_dir():
        raise ModelError(
            f"{path}: a folder without best.safetensors, so no training's: pass the folder that "
            f"coverslip train wrote, or a model by name: {', '.join([*shipped, *METHODS])}."
        )
    near = difflib.get_close_matches(name.lower(), [*shipped, *METHODS], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ModelError(
        f"no model {name!r}: {hint}Shipped are {', '.join(shipped)}, and the "
        f"methods without learning are {', '.join(METHODS)}; or pass the path of a checkpoint or "
        "of a training's folder."
    )


def load_model(name: str, arguments: Mapping[str, Any] | None = None) -> Checkpoint | Method:
    """Load a model by its name or path, ready for `coverslip.segment`.

    Args:
        name: of a model that ships or a method without learning, or a path.
        arguments: settings of a method without learning, by their names.

    Raises:
        ModelError: no such model, or its file is damaged, or was changed while it was read.
        SettingsError: arguments for a network, or some that the method does not take.

    Example:
        >>> import coverslip
        >>> model = coverslip.load_model("nuclei")
        >>> model.name, model.maps
        ('nuclei', ('mask', 'distance'))
    """
    if name in METHODS:
        return build_method(name, arguments or {})
    path = find_model(name)
    if arguments:
        raise SettingsError(
            f"{name} is a trained network, which takes no arguments ({', '.join(arguments)}): they "
            f"are for the methods without learning, {', '.join(METHODS)}; leave them out."
        )
    before = hash_file(path)
    model = load_checkpoint(path).named(name, file_hash=before)
    if hash_file(path) != before:
        raise ModelError(f"{path}: was changed while it was read: start again when it is done.")
    return model


def hash_file(path: Path) -> str:
    """SHA-256 of what a file holds."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
