"""coverslip export-model: a trained model → one ONNX file, or a package of bioimage.io."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli.messages import note, tell
from coverslip.errors import SettingsError, one_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDINGS = {"onnx": ".onnx", "bioimageio": ".zip"}


def export_model(
    model: Annotated[str, typer.Argument(help="nuclei, phase, general, or a checkpoint's path.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file, NAME.onnx or NAME.zip.")],
    to: Annotated[
        str, typer.Option("--to", help="onnx, or bioimageio: a package of the BioImage Model Zoo.")
    ] = "onnx",
    precision: Annotated[
        str, typer.Option(help="float32; or int8: a quarter of the size and faster on a CPU.")
    ] = "float32",
    image: Annotated[
        Path | None,
        typer.Option(help="Image that a package is tested by and shows; one of coverslip's else."),
    ] = None,
) -> None:
    """Write a trained model as one ONNX file, checked against the network, or for bioimage.io."""
    run_export_model(model, out, to=to, precision=precision, image=image)


def run_export_model(
    model: str,
    out: Path,
    *,
    to: str = "onnx",
    precision: str = "float32",
    image: Path | None = None,
) -> None:
    """Write the file and say how well it agrees.

    Raises:
        SettingsError: a method without learning, another suffix, packages that are missing, int8
            of a model without ranges for it, or options that do not go together.
        ModelError: no such model, or its ONNX gives other logits.
        FileError: the file cannot be written, or the image not be read.
    """
    from coverslip.checkpoints import Method, load_model, save_bioimageio, save_onnx
    from coverslip.io import Ledger, check_writable, writing

    one_of("--to", to, tuple(ENDINGS))
    if out.suffix.lower() != ENDINGS[to]:
        raise SettingsError(f"-o {out}: wanted a file's name that ends in {ENDINGS[to]}.")
    if image is not None and to == "onnx":
        raise SettingsError(
            "--image: an ONNX file has no image; leave it out, or add --to bioimageio."
        )
    if precision != "float32" and to == "bioimageio":
        raise SettingsError(
            "--precision: a package of bioimage.io holds float32, which all its tools run; leave "
            "it out, or write the ONNX file alone, without --to."
        )
    loaded = load_model(model)
    if isinstance(loaded, Method):
        raise SettingsError(f"{model} is a method without learning: it has no network to export.")
    check_writable(out, is_file=True)
    shown = read_example(model, image) if to == "bioimageio" else None
    with writing(Ledger(out.parent)):
        if shown is None:
            difference = save_onnx(out, loaded, precision=precision)
        else:
            difference = save_bioimageio(out, loaded, image=shown, name=out.stem)
    checked = "int8, as coverslip runs it by ONNX Runtime"
    if difference is not None:
        checked = f"ONNX Runtime's logits are PyTorch's to {difference:.0e}"
    tell(f"{out}: {out.stat().st_size / 1e6:.1f} MB; {checked}")


def read_example(model: str, image: Path | None) -> NDArray[Any]:
    """The image that a package shows: the user's, or one of those that go with the models."""
    from coverslip.io import find_images, open_image, read_frame
    from coverslip.pipeline.demo import find_examples

    if image is None:
        examples = find_examples()
        folder = examples / model if (examples / model).is_dir() else examples / "phase"
        image = find_images([folder])[0]
        note(f"tested by {image}; --image takes one of yours")
    return read_frame(open_image(image))
