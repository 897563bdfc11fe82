"""a name → the option of that name, which several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MODEL = "nuclei, phase, general, egt, phantast, phantast_gui, or a checkpoint's path."

Model = Annotated[str, typer.Argument(help=MODEL)]
Images = Annotated[list[str], typer.Argument(help="Image files, folders or patterns.")]
Data = Annotated[Path, typer.Argument(help="Folder of images with their masks (ground truth).")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if missing.")]
Errors = Annotated[
    Path | None,
    typer.Option(help="Folder for pictures of the errors: missed magenta, invented green."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Backend = Annotated[str, typer.Option(help="auto, torch, compiled, onnxruntime or openvino.")]
Precision = Annotated[
    str, typer.Option(help="Numbers that the network computes with: auto, float32 or int8.")
]
Tta = Annotated[
    str, typer.Option(help="Test-time augmentation: none, pair (2 views), paper (5), d4 (8).")
]
Threshold = Annotated[
    float | None,
    typer.Option(help="A pixel is cell above this probability; otherwise the model's own, or 0.5."),
]
Scale = Annotated[
    float | None, typer.Option(help="Predict at this size: 0.5 where cells are twice as large.")
]
CellSize = Annotated[
    str | None,
    typer.Option(
        "--cell-size",
        "--diameter",
        help="Or by your cells' usual diameter in pixels; auto: measured in each image.",
    ),
]
NoSeparate = Annotated[bool, typer.Option("--no-separate", help="Leave touching cells together.")]
MinArea = Annotated[
    int | None,
    typer.Option(help="Drop cells smaller than this, in pixels; otherwise the model's own."),
]
FillHoles = Annotated[bool, typer.Option("--fill-holes", help="Fill holes inside cells.")]
Masks = Annotated[
    Path | None, typer.Option(help="Folder of the masks, where they lie apart from the images.")
]
List = Annotated[
    Path | None, typer.Option("--list", help="CSV with a column 'name' and further columns.")
]
Where = Annotated[
    str | None, typer.Option(help="Use only the images with COLUMN=VALUE or COLUMN!=VALUE in it.")
]
Axes = Annotated[str | None, typer.Option(help="What a file's dimensions mean, for instance TYX.")]
Channel = Annotated[
    str | None,
    typer.Option(
        help="Channel to take: its number from 0, or its name; several together as 1+0; otherwise "
        "the model's own, or the first."
    ),
]
Project = Annotated[
    str,
    typer.Option(
        help="Z as one picture: none (each slice), max, mean, middle, or a slice's number."
    ),
]
PixelSize = Annotated[
    float | None, typer.Option(help="Side of a pixel in µm, in place of what the files say.")
]
FrameInterval = Annotated[
    str | None,
    typer.Option(help="Time between frames, in seconds or with a unit, in place of the files'."),
]
Properties = Annotated[
    str, typer.Option(help="What to measure: all, basic, or groups and columns, with commas.")
]
MethodArgument = Annotated[
    list[str] | None,
    typer.Option(
        "--argument", help="NAME=VALUE of a method without learning, such as epsilon=0.03."
    ),
]
Conditions = Annotated[
    Path | None,
    typer.Option(
        help="Plate map: a CSV with a column well or file; its others go into the tables."
    ),
]
