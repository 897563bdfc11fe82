"""coverslip export-model: a trained model → one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.messages import tell
from coverslip.errors import SettingsError


def export_model(
    model: Annotated[str, typer.Argument(help="nuclei, phase, general, or a checkpoint's path.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file, NAME.onnx.")],
) -> None:
    """Write a trained model as one ONNX file, checked against the network."""
    run_export_model(model, out)


def run_export_model(model: str, out: Path) -> None:
    """Write the file and say how well it agrees.

    Raises:
        SettingsError: a method without learning, another suffix, or packages that are missing.
        ModelError: no such model, or its ONNX gives other logits.
        FileError: the file cannot be written.
    """
    from coverslip.checkpoints import Method, load_model, save_onnx
    from coverslip.io import Ledger, check_writable, writing

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
