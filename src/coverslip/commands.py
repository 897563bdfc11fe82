"""a verb's options → work, and what is said about it on the terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from coverslip.errors import DataError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from coverslip.files import Pair
    from coverslip.pipeline import SegmentSettings
    from coverslip.train import Plan, TrainSettings

say = Console(stderr=True, soft_wrap=True, highlight=False)  # progress and notes
out_console = Console(soft_wrap=True, highlight=False)  # results


def new_progress() -> Progress:
    """A bar with a description, a count, the time left, and room for more; gone when not a tty."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[info]}"),
        console=say,
        disable=not sys.stderr.isatty(),
    )


def run_train(
    data: Path,
    out: Path,
    *,
    masks: Path | None,
    arguments: Sequence[str],
    settings: TrainSettings,
    split: dict[str, Any],
    resume: bool,
) -> None:
    """Begin or continue a training and show how it goes."""
    from dataclasses import replace

    from coverslip.files import find_pairs
    from coverslip.train import fit, resume_plan, start_run

    pairs = find_pairs(data, masks)
    if resume:
        plan = resume_plan(out, pairs)
        say.print(f"continuing {out} with the settings it was begun with")
    else:
        settings = replace(settings, arguments=parse_arguments(arguments))
        plan = make_plan(pairs, settings, split)
        start_run(out, plan)
    say.print(f"{len(plan.train)} images to learn from, {len(plan.val)} to validate on")

    with new_progress() as progress:
        task = progress.add_task(f"training {plan.settings.model}", info="")

        def on_step(step: int, n_steps: int, loss: float) -> None:
            progress.update(task, completed=step, total=n_steps, info=f"loss {loss:.3f}")

        def on_epoch(row: dict[str, float]) -> None:
            say.print(
                f"epoch {row['epoch']:4.0f}  loss {row['train_loss']:.3f}  "
                f"validation loss {row['val_loss']:.3f}  Jaccard {row['val_jaccard']:.3f}  "
                f"{row['seconds']:.0f} s"
            )

        best = fit(plan, out, on_step=on_step, on_epoch=on_epoch, on_note=say.print)
    out_console.print(f"{best}")
    say.print(f"use it: coverslip segment IMAGES -o OUT --model {best}")


def make_plan(pairs: list[Pair], settings: TrainSettings, split: dict[str, Any]) -> Plan:
    """Choose, check, balance and split the pairs.

    Raises:
        DataError: pairs that cannot be trained on, all of them listed.
        SettingsError: options that do not go together.
    """
    from coverslip.data import balance_weights, fold_pairs, read_groups, split_pairs
    from coverslip.files import check_pairs
    from coverslip.train import Plan

    pairs = choose_pairs(pairs, split["table"], split["where"])
    problems = check_pairs(pairs)
    if problems:
        raise DataError(
            f"{len(problems)} problems with the annotated images, nothing was trained:\n"
            + "\n".join(f"  {problem}" for problem in problems)
        )
    if split["balance"] and not split["table"]:
        raise SettingsError("--balance COLUMN: wanted --list CSV with that column.")
    column = split["balance"]
    groups = read_groups(pairs, split["table"], column=column) if column else None
    if split["fold"]:
        fold, n_folds = parse_fold(split["fold"])
        train, val = fold_pairs(pairs, fold=fold, n_folds=n_folds, seed=settings.seed)
    else:
        train, val = split_pairs(
            pairs, fraction=split["val_fraction"], seed=settings.seed, groups=groups
        )
    if not column:
        return Plan(settings, train, val)
    weights = balance_weights(read_groups(train, split["table"], column=column))
    return Plan(settings, train, val, weights)


def choose_pairs(pairs: list[Pair], table: Path | None, where: str | None) -> list[Pair]:
    """The pairs that a list and a condition leave; all without them.

    Raises:
        SettingsError: one without the other.
    """
    from coverslip.data import select_pairs

    if where is None:
        return pairs
    if table is None:
        raise SettingsError(f"--where {where}: wanted --list CSV with that column.")
    return select_pairs(pairs, table, where=where)


def parse_fold(text: str) -> tuple[int, int]:
    """``"0/3"`` → (0, 3).

    Raises:
        SettingsError: another form.
    """
    fold, slash, n_folds = text.partition("/")
    if not slash or not fold.isdecimal() or not n_folds.isdecimal():
        raise SettingsError(f"--fold {text}: wanted K/N, such as 0/3.")
    return int(fold), int(n_folds)


def parse_arguments(texts: Sequence[str]) -> dict[str, Any]:
    """``["unit=basic", "decoder_blocks=0"]`` → {"unit": "basic", "decoder_blocks": 0}.

    Raises:
        SettingsError: no equals sign.
    """
    arguments: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"--argument {text}: wanted NAME=VALUE.")
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value
    return arguments
