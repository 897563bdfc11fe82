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
    precision: Annotated[
        str, typer.Option(help="float32; or int8: a quarter of the size and faster on a CPU.")
    ] = "float32",
) -> None:
    """Write a trained model as one ONNX file, checked against the network."""
    run_export_model(model, out, precision=precision)


def run_export_model(model: str, out: Path, *, precision: str = "float32") -> None:
    """Write the file and say how well it agrees.

    Raises:
        SettingsError: a method without learning, another suffix, packages that are missing, or int8
            of a model without ranges for it.
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
        difference = save_onnx(out, loaded, precision=precision)
    checked = "int8, as coverslip runs it by ONNX Runtime"
    if difference is not None:
        checked = f"ONNX Runtime's logits are PyTorch's to {difference:.0e}"
    tell(f"{out}: {out.stat().st_size / 1e6:.1f} MB; {checked}")
