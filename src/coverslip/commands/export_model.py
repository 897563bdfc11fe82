"""coverslip export-model: a trained model → one ONNX file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.checkpoint import save_onnx
from coverslip.commands.console import tell
from coverslip.errors import SettingsError
from coverslip.files import Ledger, check_writable, writing
from coverslip.method import Method
from coverslip.shipped import load_model

if TYPE_CHECKING:
    from pathlib import Path


def run_export_model(model: str, out: Path) -> None:
    """Write the file and say how well it agrees.

    Raises:
        SettingsError: a method without learning, another suffix, or packages that are missing.
        ModelError: no such model, or its ONNX gives other logits.
        FileError: the file cannot be written.
    """
    if out.suffix.lower() != ".onnx":
        raise SettingsError(f"-o {out}: wanted a file's name that ends in .onnx.")
    loaded = load_model(model)
    if isinstance(loaded, Method):
        raise SettingsError(f"{model} is a method without learning: it has no network to export.")
    check_writable(out, is_file=True)
    with writing(Ledger(out.parent)):
        difference = save_onnx(out, loaded)
    size = out.stat().st_size / 1e6
    tell(f"{out}: {size:.1f} MB; ONNX Runtime's logits are PyTorch's to {difference:.0e}")
