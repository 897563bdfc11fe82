"""coverslip train: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from coverslip.cli.options import Data, Device, List, Masks, Out, Where


def train(
    data: Data,
    out: Out,
    masks: Masks = None,
    model: Annotated[
        str | None,
        typer.Option(help="The network (coverslip models lists them); otherwise swift."),
    ] = None,
    argument: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of the network's constructor, such as unit=basic."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from a model that ships, or a checkpoint's path."),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="Weights of the encoder: none, imagenet (downloads) or a path.")
    ] = "none",
    epochs: Annotated[int, typer.Option(help="Passes over the images.")] = 60,
    steps_per_epoch: Annotated[
        int | None, typer.Option(help="Batches an epoch; otherwise one pass over the images.")
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option(help="mask, or mask,distance to tell cells apart; otherwise as --from, mask."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Images a batch.")] = 8,
    lr: Annotated[float, typer.Option(help="Highest learning rate of the one-cycle.")] = 1e-3,
    loss: Annotated[str, typer.Option(help="bce_dice, bce, dice or jaccard_bce.")] = "bce_dice",
    size: Annotated[
        int | None, typer.Option(help="Resize every image to this square first, in pixels.")
    ] = None,
    cell_size: Annotated[
        float | None,
        typer.Option(help="Or resize each so that its cells have this median diameter, in pixels."),
    ] = None,
    crop: Annotated[
        int,
        typer.Option(min=0, help="Cut random squares of this size; 0: whole images (with --size)."),
    ] = 256,
    tries: Annotated[
        int, typer.Option(help="Squares that are cut until one has a cell, for sparse images.")
    ] = 1,
    zoom: Annotated[float, typer.Option(help="Sizes are varied from 1/ZOOM to ZOOM.")] = 1.3,
    faults: Annotated[
        float,
        typer.Option(
            help="How often images get blur, uneven light, noise or JPEG: 0 never, 1 usual."
        ),
    ] = 1.0,
    change: Annotated[
        list[str] | None,
        typer.Option("--augment", help="NAME=VALUE of AugmentSettings, such as invert=0.3."),
    ] = None,
    ignored_from: Annotated[
        int | None, typer.Option(help="Labels from this number on are of pixels without loss.")
    ] = None,
    touching: Annotated[
        float, typer.Option(help="How much pixels between touching cells count in the loss.")
    ] = 1.0,
    val_fraction: Annotated[float, typer.Option(help="Share kept for validation.")] = 0.15,
    val_where: Annotated[
        str | None, typer.Option(help="Validate on the images with COLUMN=VALUE in the list.")
    ] = None,
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
    from coverslip.augment import AugmentSettings, scale_faults
    from coverslip.commands.train import Choice, Split, augment_settings, run_train
    from coverslip.data import SampleSettings
    from coverslip.train import TrainSettings

    run_train(
        data,
        out,
        masks=masks,
        choice=Choice(model=model, arguments=argument or [], start=start, maps=maps),
        settings=TrainSettings(
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
            sample=SampleSettings(
                size_px=size,
                cell_size_px=cell_size,
                crop_px=crop or None,
                tries=tries,
                ignored_from=ignored_from,
                touching_weight=touching,
            ),
            augment=augment_settings(scale_faults(AugmentSettings(zoom=zoom), faults), change),
        ),
        split=Split(
            table=table,
            where=where,
            balance=balance,
            val_fraction=val_fraction,
            val_where=val_where,
            fold=fold,
        ),
        resume=resume,
    )
