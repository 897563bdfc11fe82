"""coverslip suggest: images → those to annotate next, and copies of them.

It is active learning by the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.messages import (
    collected_notes,
    count_files,
    count_frames,
    count_of,
    new_progress,
    note,
    tell,
)
from coverslip.cli.options import (
    Axes,
    CellSize,
    Channel,
    Device,
    Images,
    Precision,
    Project,
    Scale,
    Threshold,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from coverslip.pipeline import Job


def suggest(
    images: Images,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV for the table.")],
    model: Annotated[
        str, typer.Option(help="nuclei, phase, general, or the path of a checkpoint.")
    ] = "phase",
    number: Annotated[int, typer.Option("--number", "-n", help="How many to suggest.")] = 5,
    copy: Annotated[
        Path | None,
        typer.Option(help="Folder for the frames as TIFF, with predicted labels to correct."),
    ] = None,
    every: Annotated[int, typer.Option(help="Look at each so-many-th frame of a film only.")] = 1,
    tta: Annotated[
        str,
        typer.Option(help="Views whose spread is measured: none, pair, paper (5) or d4 (8)."),
    ] = "paper",
    threshold: Threshold = None,
    scale: Scale = None,
    cell_size: CellSize = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Suggest which images or frames to annotate next: uncertain, and unlike one another."""
    from coverslip.cli.checks import check_suggest

    check_suggest(images, out, model=model, number=number, every=every, copy=copy, project=project)
    from coverslip.active_learning.copy import check_copy
    from coverslip.cli.job import load_job
    from coverslip.inference import PredictSettings
    from coverslip.pipeline import SegmentSettings

    if copy is not None:
        check_copy(copy)
    settings = SegmentSettings(predict=PredictSettings(tta=tta, device=device, precision=precision))
    job = load_job(
        model,
        settings=settings,
        threshold=threshold,
        scale=scale,
        cell_size=cell_size,
        axes=axes,
        channel=channel,
        project=project,
    )
    failed = run_suggest(images, out, job=job, n=number, every=every, copy=copy)
    raise typer.Exit(1 if failed else 0)


def run_suggest(
    sources: Sequence[str],
    out: Path,
    *,
    job: Job,
    n: int,
    every: int,
    copy: Path | None,
) -> dict[Path, str]:
    """Look at all frames, write and show the best, copy them; the files that failed, and why."""
    from coverslip.active_learning import copy_frames, suggest_frames
    from coverslip.cli.sources import find_sources
    from coverslip.io import Ledger, write_text, writing
    from coverslip.tables import without_formulas

    paths = find_sources(sources)
    note(f"{count_files(len(paths))}, model {job.model_name}")
    with collected_notes() as on_note, new_progress() as progress:
        on_frame = count_frames(progress, "looking", n_files=len(paths))
        suggested = suggest_frames(paths, job, n=n, every=every, on_frame=on_frame, on_note=on_note)
    table = suggested.table
    with writing(Ledger(out.parent)):
        write_text(out, without_formulas(table).to_csv(index=False, lineterminator="\n"))
    if len(table) < n:
        note(f"{len(table)} of the {suggested.n_frames} frames differ from one another")
    if copy is not None:
        with writing(Ledger(copy)):
            copy_frames(table, copy, job=job)
    tell(f"of {count_of(suggested.n_frames, 'frame')}, annotate next\n{in_words(table)}")
    tell(f"{out}" if copy is None else f"{out}, images and predicted labels: {copy}")
    for message in suggested.failed.values():
        note(f"failed: {message}")
    return suggested.failed


def in_words(table: pd.DataFrame) -> str:
    """The table as it is shown on the terminal: each frame, and below it the reason."""
    lines = []
    for row in table.itertuples(index=False):
        lines += [f"{row.rank:>3}  {row.file}, frame {row.frame}", f"     {row.reason}"]
    return "\n".join(lines)
