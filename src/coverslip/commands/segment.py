"""coverslip segment and coverslip demo: options → a job → files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from coverslip.checkpoint import load_checkpoint
from coverslip.commands.console import new_progress, note, tell
from coverslip.files import find_images
from coverslip.pipeline import Job, SegmentSettings, segment_examples, segment_files
from coverslip.shipped import find_model, shipped_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def run_segment(sources: Sequence[str], out: Path, *, job: Job, overwrite: bool) -> dict[Path, str]:
    """Segment image files and say what came of it; the files that failed, with the reason."""
    paths = find_images(sources)
    note(f"{len(paths)} {'file' if len(paths) == 1 else 'files'}, model {job.model_name}")
    with new_progress() as progress:
        task = progress.add_task("segmenting", total=len(paths), info="")

        def on_frame(path: Path, frame: int, n_frames: int) -> None:
            info = path.name if n_frames == 1 else f"{path.name} {frame}/{n_frames}"
            progress.update(task, advance=1 / n_frames, info=info)

        result = segment_files(
            paths, out, job=job, overwrite=overwrite, on_frame=on_frame, on_note=note
        )
    if result.skipped:
        note(f"{len(result.skipped)} were done before with the same settings (--overwrite)")
    n_cells = sum(len(record.cells) for record in result.done.values())
    tell(f"{n_cells} cells in {len(result.done)} files: {out / 'report.html'}")
    for message in result.failed.values():
        note(f"failed: {message}")
    return result.failed


def load_job(
    model: str,
    *,
    settings: SegmentSettings,
    axes: str | None = None,
    channel: int = 0,
    keep_probs: bool = False,
    keep_spread: bool = False,
) -> Job:
    """The model, found and loaded, with what is to be done with it."""
    path = find_model(model)
    return Job(
        model=load_checkpoint(path),
        model_name=model,
        model_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        settings=settings,
        axes=axes,
        channel=channel,
        keep_probs=keep_probs,
        keep_spread=keep_spread,
    )


def run_demo(examples: Path, out: Path) -> None:
    """Segment the examples with the models that ship, and say where the page is."""
    jobs = {name: load_job(name, settings=SegmentSettings()) for name in shipped_models()}
    with new_progress() as progress:
        task = progress.add_task("segmenting", total=None, info="")
        page = segment_examples(
            examples,
            out,
            jobs=jobs,
            on_frame=lambda path, frame, n: progress.update(task, advance=1, info=path.name),
        )
    tell(f"masks, overlays and tables: {out}\nopen in a browser: {page.resolve()}")
