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
    from coverslip.pipeline import Job, SegmentSettings
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


def run_segment(
    sources: Sequence[str],
    out: Path,
    *,
    model: str,
    settings: SegmentSettings,
    files: dict[str, Any],
    overwrite: bool,
) -> dict[Path, str]:
    """Segment image files and say what came of it; the files that failed, with the reason."""
    from coverslip.files import find_images
    from coverslip.pipeline import segment_files

    paths = find_images(sources)
    job = load_job(model, settings, files)
    say.print(f"{len(paths)} files, model {model}")
    with new_progress() as progress:
        task = progress.add_task("segmenting", total=len(paths), info="")

        def on_frame(path: Path, frame: int, n_frames: int) -> None:
            info = path.name if n_frames == 1 else f"{path.name} {frame}/{n_frames}"
            progress.update(task, advance=1 / n_frames, info=info)

        result = segment_files(
            paths, out, job=job, overwrite=overwrite, on_frame=on_frame, on_note=say.print
        )
    if result.skipped:
        say.print(f"{len(result.skipped)} were done before with the same settings (--overwrite)")
    n_cells = sum(len(record.cells) for record in result.done.values())
    out_console.print(f"{n_cells} cells in {len(result.done)} files: {out / 'report.html'}")
    for message in result.failed.values():
        say.print(f"failed: {message}", style="red")
    return result.failed


def load_job(model: str, settings: SegmentSettings, files: dict[str, Any]) -> Job:
    """The model, found and loaded, with what is to be done with it."""
    import hashlib

    from coverslip.checkpoint import load_checkpoint
    from coverslip.pipeline import Job
    from coverslip.shipped import find_model

    path = find_model(model)
    return Job(
        model=load_checkpoint(path),
        model_name=model,
        model_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        settings=settings,
        **files,
    )


def run_evaluate(pred: Path, truth: Path, *, out: Path | None) -> None:
    """Score files against files and show the summary."""
    from coverslip.evaluate import evaluate_files, match_files

    matches = match_files(pred, truth)
    if matches.without_truth:
        say.print(f"{len(matches.without_truth)} predictions have no truth and are left out")
    show_scores(evaluate_files(matches), out=out)


def run_score(
    model: str,
    data: Path,
    *,
    masks: Path | None,
    settings: SegmentSettings,
    size_px: int | None,
    selection: dict[str, Any],
    out: Path | None,
) -> None:
    """Segment annotated images, score them and show the summary, group by group if wanted."""
    from coverslip.data import read_groups
    from coverslip.experiments import score_model
    from coverslip.files import find_pairs
    from coverslip.shipped import load_model

    table, by = selection["table"], selection["by"]
    pairs = choose_pairs(find_pairs(data, masks), table, selection["where"])
    if by and not table:
        raise SettingsError("--by COLUMN: wanted --list CSV with that column.")
    groups = read_groups(pairs, table, column=by) if by else []
    checkpoint = load_model(model)
    with new_progress() as progress:
        task = progress.add_task("scoring", total=len(pairs), info="")
        scores = score_model(
            checkpoint,
            pairs,
            settings=settings,
            size_px=size_px,
            on_image=lambda name: progress.update(task, advance=1, info=name),
        )
    if by:
        scores.insert(1, by, groups)
    show_scores(scores, out=out, by=by)


def show_scores(scores: pd.DataFrame, *, out: Path | None, by: str | None = None) -> None:
    """Print the summary of per-image scores, of all and of every group; write them as CSV."""
    from coverslip.evaluate import summarise
    from coverslip.files import write_text
    from coverslip.report import summary_in_percent

    groups = {"all images": scores}
    if by:
        groups |= {f"{by}: {value}": rows for value, rows in scores.groupby(by)}
    for title, rows in groups.items():
        show_table(summary_in_percent(summarise(rows)), title=title)
    if out is not None:
        write_text(out, scores.to_csv(index=False))
        say.print(f"every image's scores: {out}")


def show_table(table: pd.DataFrame, *, title: str | None = None) -> None:
    """Print a table on the terminal."""
    shown = Table(title=title, title_justify="left")
    for column in table.columns:
        shown.add_column(str(column), justify="left" if column == table.columns[0] else "right")
    for row in table.itertuples(index=False):
        shown.add_row(*map(str, row))
    out_console.print(shown)


def run_models() -> None:
    """List what ships, from the models' own cards, and the networks that can be trained."""
    import pandas as pd

    from coverslip.checkpoint import read_card
    from coverslip.models import MODELS
    from coverslip.shipped import shipped_models

    rows = []
    for name, path in shipped_models().items():
        card = read_card(path)
        rows.append(
            {
                "model": name,
                "finds": card.get("task", ""),
                "network": card["network"],
                "data": card.get("data", ""),
                "licence": card.get("licence", ""),
                "size": f"{path.stat().st_size / 1e6:.1f} MB",
                "Jaccard": card.get("score", ""),
            }
        )
    show_table(pd.DataFrame(rows), title="models that ship (coverslip segment --model …)")
    out_console.print(f"networks to train (coverslip train --model …): {', '.join(MODELS)}")


def run_demo(examples: Path, out: Path) -> None:
    """Segment the examples with the models that ship, and say where the page is."""
    from coverslip.pipeline import SegmentSettings, segment_examples
    from coverslip.shipped import shipped_models

    files = {"axes": None, "channel": 0, "keep_probs": False, "keep_spread": False}
    jobs = {name: load_job(name, SegmentSettings(), files) for name in shipped_models()}
    with new_progress() as progress:
        task = progress.add_task("segmenting", total=None, info="")
        page = segment_examples(
            examples,
            out,
            jobs=jobs,
            on_frame=lambda path, frame, n: progress.update(task, advance=1, info=path.name),
        )
    out_console.print(f"masks, overlays and tables: {out}\nopen in a browser: {page.resolve()}")
