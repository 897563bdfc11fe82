"""coverslip score: a model × annotated images → a table of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coverslip.commands.console import new_progress
from coverslip.commands.evaluate import show_scores
from coverslip.commands.selection import choose_pairs
from coverslip.data import read_groups
from coverslip.errors import SettingsError
from coverslip.evaluate.score_model import score_model
from coverslip.figures import error_map
from coverslip.files import Ledger, find_pairs, write_image, writing
from coverslip.pipeline import check_model

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.pipeline import Job


@dataclass(frozen=True)
class Selection:
    """Which images to score, and how to group them."""

    table: Path | None  # a CSV with a row for each image
    where: str | None  # COLUMN=VALUE or COLUMN!=VALUE: use these only
    by: str | None  # column: also a summary of each of its values


def run_score(
    job: Job,
    data: Path,
    *,
    masks: Path | None,
    size_px: int | None,
    selection: Selection,
    out: Path | None,
    errors: Path | None,
) -> None:
    """Segment annotated images, score them and show the summary, group by group if wanted."""
    table, by = selection.table, selection.by
    pairs = choose_pairs(find_pairs(data, masks), table, selection.where)
    groups = read_groups(pairs, table, column=by) if table and by else []
    if by and not table:
        raise SettingsError("--by COLUMN: wanted --list CSV with that column.")
    check_model(job.model, job.settings)
    with new_progress() as progress:
        task = progress.add_task("scoring", total=len(pairs), info="")

        def on_scored(name: str, image: Any, truth: Any, pred: Any) -> None:
            progress.update(task, advance=1, info=name)
            if errors is not None:
                with writing(Ledger(errors)):
                    write_image(errors / f"{name}_errors.png", error_map(image, truth, pred))

        scores = score_model(
            job.model, pairs, settings=job.settings, size_px=size_px, on_scored=on_scored
        )
    if by:
        scores.insert(1, by, groups)
    show_scores(scores, out=out, by=by)
