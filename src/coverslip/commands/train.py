"""coverslip train: options → a plan → a training that shows how it goes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from coverslip.commands.arguments import parse_arguments
from coverslip.commands.console import count_of, new_progress, note, tell
from coverslip.commands.selection import choose_pairs
from coverslip.data import balance_weights, fold_pairs, read_groups, select_pairs, split_pairs
from coverslip.errors import DataError, SettingsError
from coverslip.files import Ledger, check_pairs, find_pairs, hash_content, only_here, writing
from coverslip.shipped import shipped_models
from coverslip.train import Plan, fit, joined, leave, resume_plan, settings_from, start_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from coverslip.augment import AugmentSettings
    from coverslip.files import Pair
    from coverslip.train import Ranks, TrainSettings


# What a training writes beside its samples.
RUN_FILES = ("settings.json", "best.safetensors", "state.safetensors", "history.csv", "curves.png")

# What is said of each epoch; the first that a training has chooses its checkpoint.
SHOWN = {"val_ap": "AP", "val_jaccard": "Jaccard"}


@dataclass(frozen=True)
class Split:
    """Which images to learn from, and which to validate on."""

    table: Path | None  # a CSV with a row for each image
    where: str | None  # COLUMN=VALUE or COLUMN!=VALUE: use these only
    balance: str | None  # column whose rare values are shown more often
    val_fraction: float
    val_where: str | None = None  # COLUMN=VALUE of those to validate on, in place of the fraction
    fold: str | None = None  # "K/N" in place of the fraction


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


def run_train(
    data: Path,
    out: Path,
    *,
    masks: Path | None,
    choice: Choice,
    settings: TrainSettings,
    split: Split,
    resume: bool,
) -> None:
    """Begin or continue a training and show how it goes; of several processes, the first does."""

    def begin() -> Plan:
        # A mistake is told before any file is looked for.
        chosen = settings if resume else choose_network(settings, choice)
        pairs = find_pairs(data, masks)
        begin_folder(out, resume=resume)
        if resume:
            note(f"continuing {out} with the settings it was begun with")
            return resume_plan(out, pairs)
        plan = make_plan(pairs, chosen, split)
        with writing(Ledger(out)):
            start_run(out, plan)
        return plan

    with joined() as ranks:
        plan = ranks.from_first(begin)
        if not ranks.first:
            fit(plan, out, ranks=ranks)
        else:
            ledger = Ledger(out, sets_aside=True)
            with only_here(out) as check_there, writing(ledger):
                show_fit(plan, out, ranks=ranks, check_there=check_there)
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
    ledger = Ledger(out)
    files = [out / name for name in RUN_FILES]
    files += (out / "samples").glob("epoch_*.png")
    if not ledger.file.exists() and resume and (out / "settings.json").is_file():
        for path in files:
            if path.is_file():
                ledger.enter(path, hash_content(path))
    elif not (out / "settings.json").exists():  # else it is a training, which is not begun again
        for path in files:
            ledger.make_way(path)


def show_fit(plan: Plan, out: Path, *, ranks: Ranks, check_there: Callable[[], None]) -> None:
    """Train, with a bar and a line for each epoch."""
    n_train = count_of(len(plan.train), "image")
    note(f"{n_train} to learn from, {len(plan.val)} to validate on")
    if ranks.count > 1:
        note(f"{ranks.count} processes share each batch of {plan.settings.batch}")
    with new_progress() as progress:
        task = progress.add_task(f"training {plan.settings.model}", info="")

        best, n_epochs = "", 0

        def on_step(step: int, n_steps: int, loss: float) -> None:
            progress.update(task, completed=step, total=n_steps, info=f"loss {loss:.3f}  {best}")

        def on_epoch(row: dict[str, float]) -> None:
            nonlocal best, n_epochs
            check_there()
            n_epochs += 1
            words = in_words(row)
            best = max(best, f"best {words}")
            note(
                f"epoch {row['epoch']:4.0f}  loss {row['train_loss']:.3f}  "
                f"validation loss {row['val_loss']:.3f}  {words}  {row['seconds']:.0f} s"
            )

        path = fit(plan, out, ranks=ranks, on_step=on_step, on_epoch=on_epoch, on_note=note)
    if not n_epochs:
        note("it is over already: nothing was left to train")
    tell(f"{path}")
    note(f"use it: coverslip segment IMAGES -o OUT --model {path}")


def in_words(row: Mapping[str, float]) -> str:
    """An epoch's scores, the one that chooses the checkpoint first."""
    scores = {name: row[key] for key, name in SHOWN.items() if key in row}
    return "  ".join(f"{name} {score:.3f}" for name, score in scores.items())


def make_plan(pairs: list[Pair], settings: TrainSettings, split: Split) -> Plan:
    """Choose, check, balance and split the pairs.

    Raises:
        DataError: pairs that cannot be trained on, all of them listed.
        SettingsError: options that do not go together.
    """
    pairs = choose_pairs(pairs, split.table, split.where)
    problems = check_pairs(pairs)
    if problems:
        raise DataError(
            f"{count_of(len(problems), 'problem')} with the annotated images, nothing was trained:"
            "\n" + "\n".join(f"  {problem}" for problem in problems)
        )
    groups = balance_groups(pairs, split)
    if split.val_where:
        train, val = part_pairs(pairs, split)
    elif split.fold:
        fold, n_folds = parse_fold(split.fold)
        train, val = fold_pairs(pairs, fold=fold, n_folds=n_folds, seed=settings.seed)
    else:
        train, val = split_pairs(
            pairs, fraction=split.val_fraction, seed=settings.seed, groups=groups
        )
    shown = balance_groups(train, split)
    return Plan(settings, train, val, balance_weights(shown) if shown else None)


def part_pairs(pairs: list[Pair], split: Split) -> tuple[list[Pair], list[Pair]]:
    """Those to learn from and those to validate on, as the list says.

    Raises:
        SettingsError: options that do not go together.
        DataError: none is left to learn from, or to validate on.
    """
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
