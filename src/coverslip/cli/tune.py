"""coverslip tune: an image → one page of thresholds × cell sizes, the command under each."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.messages import note, tell
from coverslip.cli.options import MODEL, Axes, Backend, Channel, Device, Precision, Project
from coverslip.errors import SettingsError, named_failure

if TYPE_CHECKING:
    from coverslip.pipeline import Model
    from coverslip.pipeline.tune import Tried, Tuning


def tune(
    image: Annotated[str, typer.Argument(help="Image file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page, NAME.html.")] = Path(
        "tune.html"
    ),
    model: Annotated[str, typer.Option(help=f"auto (the best of these), {MODEL}")] = "phase",
    frame: Annotated[int, typer.Option(min=0, help="Of a film or stack, from 0.")] = 0,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
    device: Device = "auto",
    backend: Backend = "auto",
    precision: Precision = "auto",
) -> None:
    """Show thresholds and cell sizes side by side, with the command for each."""
    from coverslip.cli.segment import choose_shipped
    from coverslip.inference import PredictSettings
    from coverslip.io import Ledger, Reading, check_writable, open_reading, write_text, writing
    from coverslip.pipeline import SegmentSettings
    from coverslip.pipeline.tune import tune_frame

    if out.suffix.lower() != ".html":
        raise SettingsError(f"-o {out}: wanted a file's name that ends in .html.")
    check_writable(out, is_file=True)
    predict = PredictSettings(device=device, backend=backend, precision=precision)
    settings = SegmentSettings(predict=predict)
    reading = Reading(channel, axes, project)
    if model == "auto":
        model = choose_shipped([image], settings, reading=reading)
    file = open_reading(Path(image), reading)
    for text in file.notes:
        note(text)
    network = load_network(model)
    with named_failure(Path(image)):
        tuning = tune_frame(file, network, frame=frame, reading=reading, settings=settings)
    command = f"coverslip segment {shlex.quote(image)} -o results --model {shlex.quote(model)}"
    for name, value in (("--axes", axes), ("--channel", channel), ("--project", project)):
        if value not in (None, "none"):
            command += f" {name} {shlex.quote(value)}"
    page = write_page(tuning, title=f"{Path(image).name}, model {model}", command=command)
    with writing(Ledger(out.parent)):
        write_text(out, page)
    tell(f"{out}: open it in a browser, and copy the command under the best picture")


def load_network(model: str) -> Model:
    """A model that has thresholds and sizes.

    Raises:
        ModelError: no such model.
        SettingsError: a method without learning.
    """
    from coverslip.checkpoints import Method, load_model

    loaded = load_model(model)
    if isinstance(loaded, Method):
        raise SettingsError(
            f"{model} is a method without learning: it has no threshold, and its own settings are "
            "set by coverslip segment --argument."
        )
    return loaded


def write_page(tuning: Tuning, *, title: str, command: str) -> str:
    """The page of what was tried."""
    from coverslip.report.tune import Choice, tune_page

    rows = []
    for tried, fit in zip(tuning.rows, tuning.fits, strict=True):
        choices = [
            Choice(
                f"threshold {one.threshold:g}",
                one.picture,
                one.n_cells,
                one.confluence,
                f"{command} --threshold {one.threshold:g} {size_option(one)}",
                one.is_own,
            )
            for one in tried
        ]
        rows.append((f"{size_words(tried[0])}: score of fit {fit:.2f}", choices))
    return tune_page(title, rows, notes=part_notes(tuning))


def size_option(one: Tried) -> str:
    """The option that gives the scale of a picture."""
    if one.cell_size_px:
        return f"--cell-size {one.cell_size_px:.3g}"
    return f"--scale {one.scale:.3g}"


def size_words(one: Tried) -> str:
    """The scale of a picture in words."""
    if one.cell_size_px:
        return f"Cells of about {one.cell_size_px:.3g} px (predicted at {one.scale:.2g} times)"
    return f"Predicted at {one.scale:.2g} times its size"


def part_notes(tuning: Tuning) -> list[str]:
    """What the reader should know: which part of the image this is."""
    rows, columns = tuning.part
    height, width = tuning.shape
    if (rows.stop - rows.start, columns.stop - columns.start) == (height, width):
        return []
    return [
        f"This is the middle of the image, {columns.stop - columns.start} × "
        f"{rows.stop - rows.start} of its {width} × {height} pixels: counts are of this part."
    ]
