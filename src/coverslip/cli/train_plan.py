"""options → the network, the settings and the pairs of a training."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from coverslip.cli.arguments import choose_pairs, parse_arguments
from coverslip.cli.messages import collected_notes, count_of, note
from coverslip.errors import DataError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip.io import Pair, Reading
    from coverslip.training import Choice as Open
    from coverslip.training import Plan, TrainSettings
    from coverslip.training.augment import AugmentSettings


@dataclass(frozen=True)
class Split:
    """Which images to learn from, and which to validate on."""

    table: Path | None  # a CSV with a row for each image
    where: str | None  # COLUMN=VALUE or COLUMN!=VALUE: use these only
    balance: str | None  # column whose rare values are shown more often
    val_fraction: float | None  # None: 0.15, or parts of all where a few images are fine-tuned on
    val_where: str | None = None  # COLUMN=VALUE of those to validate on, in place of the fraction
    fold: str | None = None  # "K/N" in place of the fraction


@dataclass(frozen=True)
class Wanted:
    """How long a training may take, and what is chosen by the images of one that goes on."""

    minutes: float | None
    open: Open  # what the user has not said


@dataclass(frozen=True)
class Choice:
    """Which network is trained, as far as the user says; None is what follows from the rest."""

    model: str | None  # its name
    arguments: Sequence[str]  # NAME=VALUE of its constructor
    start: str | None  # a trained model to go on from
    maps: str | None  # what it learns, by commas


def choose_network(settings: TrainSettings, choice: Choice) -> TrainSettings:
    """The settings with the network that the user wants.

    Raises:
        ModelError: no such model to go on from.
        SettingsError: a trained model's name for a network's, or choices that do not go together.
    """
    from coverslip.checkpoints import shipped_models
    from coverslip.training import settings_from

    if choice.model in shipped_models():
        raise SettingsError(
            f"--model {choice.model}: a trained model, where the name of a network was wanted: "
            f"--from {choice.model} goes on from its weights."
        )
    settings = replace(settings, arguments=parse_arguments(choice.arguments))
    if choice.model is not None:
        settings = replace(settings, model=choice.model)
    if choice.maps is not None:
        names = tuple(name.strip() for name in choice.maps.split(","))
        settings = replace(settings, maps=names)
    if choice.start is None:
        return settings
    return settings_from(choice.start, settings, model=choice.model, more=choice.maps is None)


VAL_FRACTION = 0.15


def plan_training(pairs: list[Pair], settings: TrainSettings, split: Split, wanted: Wanted) -> Plan:
    """The plan of a training; of one that goes on from a model, with what is left open chosen.

    Raises:
        DataError: pairs that cannot be trained on, all of them listed.
        SettingsError: options that do not go together.
    """
    from coverslip.training import fit_to_time, say_minutes

    pairs = checked_pairs(pairs, settings, split)
    settings = replace(settings, reading=name_channel(settings.reading, pairs))
    plan = make_plan(pairs, fit_open(settings, len(pairs), wanted), split)
    chooses = settings.start is not None and wanted.open.duration
    if not chooses and wanted.minutes is None:
        return plan
    planned, seconds = fit_to_time(plan, minutes=wanted.minutes)
    plan = planned if wanted.open.duration else plan
    note(f"{count_of(len(pairs), 'image')}: {say_minutes(seconds)}")
    return plan


def fit_open(settings: TrainSettings, n_images: int, wanted: Wanted) -> TrainSettings:
    """The settings, with what the user left open chosen by the images, for one that goes on."""
    from coverslip.checkpoints import find_model, load_checkpoint
    from coverslip.training import fit_to_images

    if settings.start is None:
        return settings
    learnt = load_checkpoint(find_model(settings.start)).cell_size_px
    return fit_to_images(settings, n_images, cell_size_px=learnt, choice=wanted.open)


def checked_pairs(pairs: list[Pair], settings: TrainSettings, split: Split) -> list[Pair]:
    """The pairs that the list names, all of them fit to be trained on.

    Raises:
        DataError: some are not; all problems are listed.
    """
    from coverslip.io import check_pairs

    pairs = choose_pairs(pairs, split.table, split.where)
    with collected_notes() as on_note:
        problems = check_pairs(pairs, ignored_from=settings.sample.ignored_from, on_note=on_note)
    if problems:
        raise DataError(
            f"{count_of(len(problems), 'problem')} with the annotated images, nothing was trained:"
            "\n" + "\n".join(f"  {problem}" for problem in problems)
        )
    return pairs


def make_plan(pairs: list[Pair], settings: TrainSettings, split: Split) -> Plan:
    """Balance and split the pairs.

    Raises:
        SettingsError: options that do not go together.
    """
    from coverslip.training import Plan, balance_weights, fold_pairs, split_pairs

    groups = balance_groups(pairs, split)
    if settings.sample.held_out:
        train = val = pairs
    elif split.val_where:
        train, val = part_pairs(pairs, split)
    elif split.fold:
        fold, n_folds = parse_fold(split.fold)
        train, val = fold_pairs(pairs, fold=fold, n_folds=n_folds, seed=settings.seed)
    else:
        train, val = split_pairs(
            pairs,
            fraction=VAL_FRACTION if split.val_fraction is None else split.val_fraction,
            seed=settings.seed,
            groups=groups,
        )
    shown = balance_groups(train, split)
    return Plan(settings, train, val, balance_weights(shown) if shown else None)


def name_channel(reading: Reading, pairs: Sequence[Pair]) -> Reading:
    """What is read; where there are several channels and none is named, the first is learnt."""
    from coverslip.io import open_image

    if reading.channel is not None or reading.learnt is not None:
        return reading
    several = any(open_image(pair.image, axes=reading.axes).n_channels > 1 for pair in pairs)
    return replace(reading, learnt=0) if several else reading


def part_pairs(pairs: list[Pair], split: Split) -> tuple[list[Pair], list[Pair]]:
    """Those to learn from and those to validate on, as the list says.

    Raises:
        SettingsError: options that do not go together.
        DataError: none is left to learn from, or to validate on.
    """
    from coverslip.training import select_pairs

    if split.table is None or split.fold:
        raise SettingsError(
            f"--val-where {split.val_where}: wanted --list CSV with that column, and no --fold."
        )
    val = select_pairs(pairs, split.table, where=split.val_where or "")
    names = {pair.name for pair in val}
    train = [pair for pair in pairs if pair.name not in names]
    if not train:
        raise DataError(
            f"{split.table}: every image fulfils {split.val_where}: none is left to learn from."
        )
    return train, val


def augment_settings(settings: AugmentSettings, texts: Sequence[str] | None) -> AugmentSettings:
    """The settings with some replaced, by their names.

    Raises:
        SettingsError: a name that there is not, or a value that cannot be.
    """
    values = parse_arguments(texts or [], option="--augment")
    known = {field.name for field in fields(settings)}
    for name, value in values.items():
        if name not in known:
            raise SettingsError(f"--augment {name}: wanted of {', '.join(sorted(known))}.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SettingsError(f"--augment {name}={value}: wanted a number.")
    return replace(settings, **values)


def balance_groups(pairs: list[Pair], split: Split) -> list[str] | None:
    """Each pair's value in the column to balance; None where none is.

    Raises:
        SettingsError: a column without a list, or not in it.
    """
    from coverslip.training import read_groups

    if split.balance is None:
        return None
    if split.table is None:
        raise SettingsError(f"--balance {split.balance}: wanted --list CSV with that column.")
    return read_groups(pairs, split.table, column=split.balance)


def parse_fold(text: str) -> tuple[int, int]:
    """``"0/3"`` → (0, 3).

    Raises:
        SettingsError: another form.
    """
    fold, slash, n_folds = text.partition("/")
    if not slash or not fold.isdecimal() or not n_folds.isdecimal():
        raise SettingsError(f"--fold {text}: wanted K/N, such as 0/3.")
    return int(fold), int(n_folds)


def choose_encoder(
    encoder: str, arguments: Sequence[str], *, model: str | None
) -> tuple[str, list[str]]:
    """The weights and the arguments that --encoder means: weights, or an encoder of swift's.

    Raises:
        SettingsError: another network, which has an encoder of its own, or no such encoder.
    """
    from coverslip.checkpoints import IMAGENET_PACKAGES, find_package_weights
    from coverslip.models import ENCODERS, find_encoder

    if encoder not in ENCODERS and not encoder.startswith("timm:"):
        return encoder, list(arguments)
    if model not in (None, "swift"):
        raise SettingsError(
            f"--encoder {encoder}: {model} has an encoder of its own. Leave --model out, for swift "
            "with this one."
        )
    try:
        find_encoder(encoder)
    except ValueError as error:
        raise SettingsError(f"--encoder {encoder}: {error}.") from error
    weights = "none"
    if encoder in IMAGENET_PACKAGES:
        find_package_weights(encoder)
        weights = "imagenet"
    else:
        note(f"the encoder {encoder} begins without weights; --encoder PATH has those of ResNet-18")
    return weights, [*arguments, f"encoder={encoder}"]
