"""coverslip suggest: images → those to annotate next, and copies of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.commands.console import (
    count_files,
    count_frames,
    count_of,
    new_progress,
    note,
    tell,
)
from coverslip.files import Ledger, find_images, write_text, writing
from coverslip.suggest import copy_frames, suggest_frames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from coverslip.pipeline import Job


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
    paths = find_images(sources)
    note(f"{count_files(len(paths))}, model {job.model_name}")
    with new_progress() as progress:
        on_frame = count_frames(progress, "looking", n_files=len(paths))
        suggested = suggest_frames(paths, job, n=n, every=every, on_frame=on_frame)
    table = suggested.table
    with writing(Ledger(out.parent)):
        write_text(out, table.to_csv(index=False, lineterminator="\n"))
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
