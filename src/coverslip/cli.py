"""a command line → one of the verbs; heavy imports only inside."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="coverslip",
    help="From microscope images to masks, cells and tables: on a laptop, offline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help appears twice as fast
    pretty_exceptions_enable=False,
)

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if missing.")]
Errors = Annotated[
    Path | None,
    typer.Option(help="Folder for pictures of the errors: missed magenta, invented green."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Tta = Annotated[
    str, typer.Option(help="Test-time augmentation: none, paper (5 views) or d4 (8 views).")
]
Threshold = Annotated[
    float | None,
    typer.Option(help="A pixel is cell above this probability; otherwise the model's own, or 0.5."),
]
MinArea = Annotated[int, typer.Option(help="Drop pieces smaller than this, in pixels.")]
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
MethodArgument = Annotated[
    list[str] | None,
    typer.Option(
        "--argument", help="NAME=VALUE of a method without learning, such as epsilon=0.03."
    ),
]


def main() -> None:
    """Run the command line: 0 all well, 1 some images failed, 2 a mistake to mend, 130 Ctrl-C."""
    from coverslip.errors import CoverslipError

    try:
        app(prog_name="coverslip")
    except CoverslipError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # what typer makes of Ctrl-C
            typer.echo("stopped.", err=True)
        raise


@app.command()
def segment(
    images: Annotated[list[str], typer.Argument(help="Image files, folders or patterns.")],
    out: Out,
    model: Annotated[
        str,
        typer.Option(help="nuclei, phase, egt, phantast, phantast_gui, or a checkpoint's path."),
    ] = "phase",
    argument: MethodArgument = None,
    tta: Tta = "none",
    threshold: Threshold = None,
    min_area: MinArea = 16,
    fill_holes: FillHoles = False,
    scale: Annotated[
        float, typer.Option(help="Predict at this size: 0.5 where cells are twice as large.")
    ] = 1.0,
    axes: Annotated[
        str | None, typer.Option(help="What a file's dimensions mean, for instance TYX.")
    ] = None,
    channel: Annotated[int, typer.Option(help="Channel to segment, counted from 0.")] = 0,
    probs: Annotated[bool, typer.Option("--probs", help="Also write the probabilities.")] = False,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Also write how far the views disagree.")
    ] = False,
    tile: Annotated[int, typer.Option(help="Largest piece predicted at once, in pixels.")] = 1024,
    device: Device = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do again what is done already.")
    ] = False,
) -> None:
    """Find the cells in images: labels, overlays, tables and a report."""
    from coverslip.commands.arguments import parse_arguments
    from coverslip.commands.segment import load_job, run_segment
    from coverslip.pipeline import SegmentSettings
    from coverslip.predict import PredictSettings

    settings = SegmentSettings(
        min_area_px=min_area,
        fill_holes=fill_holes,
        scale=scale,
        predict=PredictSettings(
            tta=tta, tile_px=tile, overlap_px=min(128, tile // 4), device=device
        ),
    )
    job = load_job(
        model,
        settings=settings,
        arguments=parse_arguments(argument or []),
        threshold=threshold,
        axes=axes,
        channel=channel,
        keep_probs=probs,
        keep_spread=uncertainty,
    )
    failed = run_segment(images, out, job=job, overwrite=overwrite)
    raise typer.Exit(1 if failed else 0)


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder of images with their masks.")],
    out: Out,
    masks: Masks = None,
    model: Annotated[
        str, typer.Option(help="The network: swift, unet, … (coverslip models lists them).")
    ] = "swift",
    argument: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of the network's constructor, such as unit=basic."),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="Weights of the encoder: none, imagenet (downloads) or a path.")
    ] = "none",
    epochs: Annotated[int, typer.Option(help="Passes over the images.")] = 60,
    steps_per_epoch: Annotated[
        int | None, typer.Option(help="Batches an epoch; otherwise one pass over the images.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Images a batch.")] = 8,
    lr: Annotated[float, typer.Option(help="Highest learning rate of the one-cycle.")] = 1e-3,
    loss: Annotated[str, typer.Option(help="bce_dice, bce, dice or jaccard_bce.")] = "bce_dice",
    size: Annotated[
        int | None, typer.Option(help="Resize every image to this square first, in pixels.")
    ] = None,
    crop: Annotated[
        int, typer.Option(help="Cut random squares of this size; 0: whole images (with --size).")
    ] = 256,
    zoom: Annotated[float, typer.Option(help="Sizes are varied from 1/ZOOM to ZOOM.")] = 1.3,
    val_fraction: Annotated[float, typer.Option(help="Share kept for validation.")] = 0.15,
    fold: Annotated[
        str | None, typer.Option(help="Validate on fold K of N instead, as K/N from 0/N.")
    ] = None,
    table: List = None,
    where: Where = None,
    balance: Annotated[
        str | None, typer.Option(help="Column of the list: show rare values more often.")
    ] = None,
    patience: Annotated[int, typer.Option(help="Stop after so many epochs without gain.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed, the same result on the CPU.")] = 0,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(help="Processes that read images.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the training in OUT as it was begun.")
    ] = False,
) -> None:
    """Train a network on images and masks."""
    from coverslip.augment import AugmentSettings
    from coverslip.commands.train import Split, run_train
    from coverslip.data import SampleSettings
    from coverslip.train import TrainSettings

    run_train(
        data,
        out,
        masks=masks,
        arguments=argument or [],
        settings=TrainSettings(
            model=model,
            encoder=encoder,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            batch=batch,
            lr=lr,
            loss=loss,
            patience=patience,
            seed=seed,
            device=device,
            workers=workers,
            sample=SampleSettings(size_px=size, crop_px=crop or None),
            augment=AugmentSettings(zoom=zoom),
        ),
        split=Split(
            table=table, where=where, balance=balance, val_fraction=val_fraction, fold=fold
        ),
        resume=resume,
    )


@app.command()
def evaluate(
    pred: Annotated[Path, typer.Argument(help="Predicted labels or masks, of any tool.")],
    truth: Annotated[Path, typer.Argument(help="True labels or masks.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores of every image.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, to draw the errors on.")
    ] = None,
    errors: Errors = None,
) -> None:
    """Score label or mask files against the truth."""
    from coverslip.commands.evaluate import run_evaluate

    run_evaluate(pred, truth, out=out, images=images, errors=errors)


@app.command()
def score(
    model: Annotated[
        str,
        typer.Argument(help="nuclei, phase, egt, phantast, phantast_gui, or a checkpoint's path."),
    ],
    data: Annotated[Path, typer.Argument(help="Folder of images with their masks.")],
    masks: Masks = None,
    argument: MethodArgument = None,
    table: List = None,
    where: Where = None,
    by: Annotated[
        str | None, typer.Option(help="Column of the list: also a row for each of its values.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Score at this square size instead of the native one.")
    ] = None,
    tta: Tta = "none",
    threshold: Threshold = None,
    min_area: MinArea = 0,
    device: Device = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores of every image.")
    ] = None,
    errors: Errors = None,
) -> None:
    """Segment annotated images and score the result."""
    from coverslip.commands.arguments import parse_arguments
    from coverslip.commands.score import Selection, run_score
    from coverslip.pipeline import SegmentSettings
    from coverslip.predict import PredictSettings

    run_score(
        model,
        data,
        masks=masks,
        arguments=parse_arguments(argument or []),
        settings=SegmentSettings(
            min_area_px=min_area,
            predict=PredictSettings(tta=tta, device=device),
        ),
        threshold=threshold,
        size_px=size,
        selection=Selection(table=table, where=where, by=by),
        out=out,
        errors=errors,
    )


@app.command()
def reproduce(
    part: Annotated[
        str,
        typer.Argument(help="table1, table2, table3, table4, ablations, figures or all."),
    ],
    data: Annotated[
        list[Path], typer.Argument(help="Folders of data sets, or one that holds them.")
    ],
    out: Out,
    budget: Annotated[
        str, typer.Option(help="How long every network is trained: trial, cpu or full.")
    ] = "cpu",
    steps: Annotated[
        int | None, typer.Option(help="Steps of every training, in place of the budget's.")
    ] = None,
    systems: Annotated[
        str | None, typer.Option(help="Only these systems, with commas between them.")
    ] = None,
    splits: Annotated[
        str | None, typer.Option(help="Only these seeds or folds, such as seed0,fold0.")
    ] = None,
    weights: Annotated[
        str,
        typer.Option(help="ImageNet weights: none, imagenet (downloads) or a folder of copies."),
    ] = "none",
    device: Device = "auto",
    jobs: Annotated[int, typer.Option(help="Trainings side by side.")] = 1,
    time_limit: Annotated[
        float | None, typer.Option(help="Stop in time for so many minutes; start again to go on.")
    ] = None,
    tables_only: Annotated[
        bool, typer.Option("--tables-only", help="Run nothing; tables and figures of what is done.")
    ] = False,
) -> None:
    """Make the paper's tables and figures: train, score, compare."""
    from coverslip.commands.reproduce import Effort, run_reproduce

    effort = Effort(
        budget=budget,
        steps=steps,
        systems=systems,
        splits=splits,
        weights=weights,
        device=device,
        jobs=jobs,
        time_limit_min=time_limit,
        tables_only=tables_only,
    )
    failed = run_reproduce(part, data, out, effort=effort)
    raise typer.Exit(1 if failed else 0)


@app.command()
def models() -> None:
    """List the models that ship, and the networks that can be trained."""
    from coverslip.commands.models import run_models

    run_models()


@app.command()
def demo(
    out: Out = Path("demo-output"),
    examples: Annotated[Path, typer.Option(help="Folder of the example images.")] = Path(
        "examples"
    ),
) -> None:
    """Segment the example images with the models that ship."""
    from coverslip.commands.segment import run_demo

    failed = run_demo(examples, out)
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    main()
