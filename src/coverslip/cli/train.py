"""coverslip train: options → a plan → a training that shows how it goes.

It trains a segmentation model, or fine-tunes one that ships, on images with ground truth.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.messages import count_of, new_progress, note, tell
from coverslip.cli.options import (
    Axes,
    Channel,
    Data,
    Device,
    List,
    Masks,
    Out,
    Project,
    Where,
)
from coverslip.cli.train_plan import (
    Choice,
    Split,
    Wanted,
    augment_settings,
    choose_encoder,
    choose_network,
    plan_training,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from coverslip.training import Comparison, Plan, Ranks, TrainSettings, Watch


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
        typer.Option(
            "--from", help="Fine-tune: go on from a model that ships, or a checkpoint's path."
        ),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help="Weights of the encoder: none, imagenet (downloads) or a path; or an encoder's "
            "name for swift, such as resnet34, with its ImageNet weights where they are installed."
        ),
    ] = "none",
    minutes: Annotated[
        float | None, typer.Option(help="Take so long at most, the comparison at the end included.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Rounds, after each of which the model is scored.")
    ] = None,
    steps_per_epoch: Annotated[
        int | None, typer.Option(help="Batches an epoch; otherwise one pass over the images.")
    ] = None,
    maps: Annotated[
        str | None,
        typer.Option(help="mask, or mask,distance to tell cells apart; otherwise as --from, mask."),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Images a batch.")] = None,
    lr: Annotated[float, typer.Option(help="Highest learning rate of the one-cycle.")] = 1e-3,
    loss: Annotated[str, typer.Option(help="bce_dice, bce, dice or jaccard_bce.")] = "bce_dice",
    size: Annotated[
        int | None, typer.Option(help="Resize every image to this square first, in pixels.")
    ] = None,
    cell_size: Annotated[
        float | None,
        typer.Option(
            "--cell-size",
            "--diameter",
            help="Or resize each so that its cells have this median diameter, in pixels.",
        ),
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(min=0, help="Cut random squares of this size; 0: whole images (with --size)."),
    ] = None,
    tries: Annotated[
        int, typer.Option(help="Squares that are cut until one has a cell, for sparse images.")
    ] = 1,
    zoom: Annotated[
        float | None, typer.Option(help="Sizes are varied from 1/ZOOM to ZOOM.")
    ] = None,
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
    val_fraction: Annotated[
        float | None, typer.Option(help="Share of the images kept for validation.")
    ] = None,
    val_where: Annotated[
        str | None, typer.Option(help="Validate on the images with COLUMN=VALUE in the list.")
    ] = None,
    fold: Annotated[
        str | None, typer.Option(help="Validate on fold K of N instead, as K/N from 0/N.")
    ] = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
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
    """Train a network on images and masks, or fine-tune one that ships."""
    from coverslip.io import Reading
    from coverslip.training import Choice as Open
    from coverslip.training import SampleSettings, TrainSettings
    from coverslip.training.augment import AugmentSettings, scale_faults

    encoder, argument = choose_encoder(encoder, argument or [], model=model)
    run_train(
        data,
        out,
        masks=masks,
        choice=Choice(model=model, arguments=argument, start=start, maps=maps),
        settings=TrainSettings(
            encoder=encoder,
            epochs=60 if epochs is None else epochs,
            steps_per_epoch=steps_per_epoch,
            batch=8 if batch is None else batch,
            lr=lr,
            loss=loss,
            patience=patience,
            seed=seed,
            device=device,
            workers=workers,
            sample=SampleSettings(
                size_px=size,
                cell_size_px=cell_size,
                crop_px=256 if crop is None else crop or None,
                tries=tries,
                ignored_from=ignored_from,
                touching_weight=touching,
            ),
            augment=augment_settings(
                scale_faults(AugmentSettings(zoom=1.3 if zoom is None else zoom), faults), change
            ),
            reading=Reading(channel, axes, project),
        ),
        split=Split(
            table=table,
            where=where,
            balance=balance,
            val_fraction=val_fraction,
            val_where=val_where,
            fold=fold,
        ),
        wanted=Wanted(
            minutes,
            Open(
                duration=epochs is None and steps_per_epoch is None,
                batch=batch is None,
                crop=crop is None,
                zoom=zoom is None,
                size=size is None and cell_size is None,
                validation=not (val_fraction or val_where or fold),
            ),
        ),
        resume=resume,
    )


# What a training writes beside its samples.
RUN_FILES = (
    "settings.json",
    "best.safetensors",
    "state.safetensors",
    "history.csv",
    "curves.png",
    "before_after.csv",
)

# What is said of each epoch; the first that a training has chooses its checkpoint.
NAMES = {"ap": "mean AP", "f1": "F1", "jaccard": "Jaccard"}
SHOWN = {"val_ap": "AP", "val_jaccard": "Jaccard"}


def run_train(
    data: Path,
    out: Path,
    *,
    masks: Path | None,
    choice: Choice,
    settings: TrainSettings,
    split: Split,
    wanted: Wanted,
    resume: bool,
) -> None:
    """Begin or continue a training and show how it goes; of several processes, the first does."""
    from coverslip.io import Ledger, find_pairs, only_here, writing
    from coverslip.training import Watch, joined, leave, resume_plan, start_run
    from coverslip.training import train as fit

    def begin() -> Plan:
        # A mistake is told before any file is looked for.
        chosen = settings if resume else choose_network(settings, choice)
        pairs = find_pairs(data, masks, reading=chosen.reading)
        if resume:
            plan = resume_plan(out, pairs)
            begin_folder(out, resume=resume)
            note(f"continuing {out} with the settings it was begun with")
            return plan
        begin_folder(out, resume=resume)
        plan = plan_training(pairs, chosen, split, wanted)
        with writing(Ledger(out)):
            start_run(out, plan)
        return plan

    begun = time.monotonic()
    with joined() as ranks:
        # One of several processes cannot end alone: their steps are laid out for the time, no more.
        minutes = wanted.minutes if ranks.count == 1 else None
        watch = Watch(begun, 0.0, minutes, None, lambda: False)
        plan = ranks.from_first(begin)
        if not ranks.first:
            fit(plan, out, ranks=ranks)
        else:
            ledger = Ledger(out, sets_aside=True)
            with only_here(out) as check_there, writing(ledger):
                show_fit(plan, out, ranks=ranks, watch=watch, check_there=check_there)
            ledger.compact()
            for old, new in ledger.moved:
                note(f"{old} was changed since it was written, and is kept as {new.name}")
    leave(ranks)


def begin_folder(out: Path, *, resume: bool) -> None:
    """See that no file of a training would take the place of another file.

    A training that an earlier version began is known by its settings, and its files are entered.

    Raises:
        FileError: a file is in the way that coverslip did not write.
    """
    from coverslip.io import Ledger, hash_content

    ledger = Ledger(out)
    files = [out / name for name in RUN_FILES]
    files += (out / "samples").glob("*.png")
    if not ledger.file.exists() and resume and (out / "settings.json").is_file():
        for path in files:
            if path.is_file():
                ledger.enter(path, hash_content(path))
    elif not (out / "settings.json").exists():  # else it is a training, which is not begun again
        for path in files:
            ledger.make_way(path)


def show_fit(
    plan: Plan, out: Path, *, ranks: Ranks, watch: Watch, check_there: Callable[[], None]
) -> None:
    """Train, with a bar and a line for each epoch."""
    from coverslip.training import say_minutes
    from coverslip.training import train as fit

    note(what_validates(plan))
    if ranks.count > 1:
        note(f"{ranks.count} processes share each batch of {plan.settings.batch}")
    with new_progress() as progress:
        task = progress.add_task(f"training {plan.settings.model}", info="")

        best, left = "", 0.0

        def on_step(step: int, n_steps: int, loss: float) -> None:
            nonlocal left
            left = watch.seconds_left(step, n_steps, time.monotonic())
            progress.update(task, completed=step, total=n_steps, info=f"loss {loss:.3f}  {best}")
            watch.on_step(step, n_steps, loss)

        def on_epoch(row: dict[str, float]) -> None:
            nonlocal best
            check_there()
            words = in_words(row)
            best = max(best, f"best {words}")
            note(
                f"epoch {row['epoch']:4.0f}  loss {row['train_loss']:.3f}  "
                f"validation loss {row['val_loss']:.3f}  {words}  {row['seconds']:.0f} s"
                f"{f', {say_minutes(left)} left' if left > 1 else ''}"
            )

        path = fit(plan, out, ranks=ranks, on_step=on_step, on_epoch=on_epoch, on_note=note)
    if not watch.losses:
        note("it is over already: nothing was left to train")
    tell(f"{path}")
    if plan.settings.start is None:
        note(f"use it: coverslip segment IMAGES -o OUT --model {path}")
    else:
        note_comparison(plan, out)


def what_validates(plan: Plan) -> str:
    """What is learnt from, and what the model is scored on."""
    n_train, share = count_of(len(plan.train), "image"), plan.settings.sample.held_out
    if not share:
        return f"{n_train} to learn from, {len(plan.val)} to validate on"
    return f"{n_train} to learn from; {share:.0%} of each, along one side, is held out to validate"


def note_comparison(plan: Plan, out: Path) -> None:
    """Say what the training has brought on the user's images, and how to use the model."""
    from coverslip.errors import ModelError
    from coverslip.training import finish

    try:
        tuned = finish(plan, out)
    except ModelError as error:  # it was resumed, and what it began with is gone since
        note(f"nothing to compare with: {error}")
        return
    compared, held_out = tuned.comparison, plan.settings.sample.held_out
    where = "the held-out parts of your images" if held_out else "the images that were set aside"
    scores = [name for name in ("ap", "f1", "jaccard") if f"{name}_before" in compared.table]
    means = {NAMES[name]: compared.means(name) for name in scores}
    words = ", ".join(f"{name} {old:.2f} → {new:.2f}" for name, (old, new) in means.items())
    n = int(compared.table["n_cells"].sum()) if "n_cells" in compared.table else None
    cells = f" ({count_of(n, 'cell')})" if n else ""
    note(f"before and after on {where}{cells}: {words}")
    if not tuned.improved:
        note(
            f"no epoch was better than {plan.settings.start} there, so {plan.settings.start} is "
            "kept as it was: annotate other images, or give it more time by --minutes"
        )
    else:
        note(how_sure(compared, held_out=bool(held_out)))
    note(f"use it: {tuned.command}")


def how_sure(compared: Comparison, *, held_out: bool) -> str:
    """How far chance may have made the scores of a comparison."""
    gain, after = compared.interval(), compared.interval_after()
    if gain is None:
        return "of so few cells nobody can say how sure that is"
    words = f"the gain is {gain[0]:+.2f} to {gain[1]:+.2f}"
    if after is not None:
        words = f"mean AP after is {after[0]:.2f} to {after[1]:.2f}, {words}"
    what = "the images" if after is None else "cells and images"
    where = "; new images may differ more than parts of these" if held_out else ""
    return f"{words} in 95 % of resamplings of {what}{where}"


def in_words(row: Mapping[str, float]) -> str:
    """An epoch's scores, the one that chooses the checkpoint first."""
    scores = {name: row[key] for key, name in SHOWN.items() if key in row}
    return "  ".join(f"{name} {score:.3f}" for name, score in scores.items())
