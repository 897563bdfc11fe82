"""many image files + model → a folder of labels, overlays, tables and one report."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from coverslip.errors import CoverslipError, FileError, StoppedError
from coverslip.files import only_here, remove_leftovers, write_text
from coverslip.pipeline.begin import Begun, begin, finish
from coverslip.pipeline.outputs import Outputs, find_thumbnails, name_outputs
from coverslip.pipeline.pieces import how_far
from coverslip.pipeline.record import BatchResult, Record
from coverslip.pipeline.tables import (
    flat_settings,
    read_thumbnails,
    write_report,
    write_tables,
)
from coverslip.provenance import package_version
from coverslip.report import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from coverslip.pipeline.begin import Begin
    from coverslip.pipeline.record import Job

ABOUT_RECORDS = """What was done to each image, so that a second start need not do it again.
Nothing here is a result: this folder may be deleted.
"""


def segment_files(
    paths: Sequence[Path],
    out: Path,
    *,
    job: Job,
    overwrite: bool = False,
    ahead: Callable[[Sequence[Path], Begin], Begin] | None = None,
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> BatchResult:
    """Segment image files one after the other and write everything into a folder.

    What is done already with the same model and settings, be it some frames of a film, is not done
    again. An image that fails is reported and does not stop the others. The tables and the report
    cover the images of this start that are done, now or earlier, also when the work is broken off;
    what an earlier start made of other images stays in the folder, but is no longer in them.

    Args:
        paths: image files; a file of many frames is a series.
        out: the folder; it is made where it is missing.
        job: model, settings and what to keep.
        overwrite: do again what is done already.
        ahead: who does images, or pieces of them, before their turn comes, such as the workers of
            `coverslip.cluster`: is given all paths and what begins one of them, and gives back what
            does the same, but waits until all is done that others do of it.
        on_frame: called after each frame with the file, the frames done and the frames in all; of
            large frames, after each region with the regions.
        on_note: called with every decision that the user should be told.

    Raises:
        FileError: the folder cannot be written, or was deleted meanwhile.
        SettingsError: two images would write the same file, or write among the images; or another
            process is at work in the folder.
    """
    result = BatchResult()
    started, clock = datetime.now(), time.perf_counter()
    targets = name_outputs(paths, out, form=job.labels)
    with only_here(out) as check_there:
        # Where nothing can be written, this fails at once and not after hours of work.
        write_text(out / "records" / "README.txt", ABOUT_RECORDS)
        for folder in (out, out / "records"):
            remove_leftovers(folder)
        thumbnails = find_thumbnails(out)

        def start(path: Path) -> Begun | Record:
            target = targets[path]
            old = thumbnails.get(target.name, [])
            return _begin_and_say(
                path, target=target, thumbnails=old, job=job, overwrite=overwrite, on_note=on_note
            )

        try:
            begin_or_wait = start if ahead is None else ahead(paths, start)
            for path in paths:
                check_there()
                _try_one(path, begin_or_wait, result, job=job, on_frame=on_frame, on_note=on_note)
        finally:
            check_there()
            write_tables(out, list(result.done.values()), form=job.table)
            run = Run(
                model=job.model_name,
                version=package_version("coverslip"),
                started=started,
                seconds=time.perf_counter() - clock,
                settings=flat_settings(job),
            )
            _write_report(out, result, targets=targets, run=run, form=job.table)
    return result


def _begin_and_say(
    path: Path,
    *,
    target: Outputs,
    thumbnails: Sequence[Path],
    job: Job,
    overwrite: bool,
    on_note: Callable[[str], None],
) -> Begun | Record:
    """Begin an image, and say how much of it an earlier start has done."""
    begun = begin(path, target, job=job, thumbnails=thumbnails, overwrite=overwrite)
    if isinstance(begun, Begun):
        far = how_far(begun, job)
        if far.n_done:
            on_note(f"{path}: {far.n_done} of {far.n_all} {far.what} were done before")
    return begun


def _try_one(
    path: Path,
    start: Begin,
    result: BatchResult,
    *,
    job: Job,
    on_frame: Callable[[Path, int, int], None],
    on_note: Callable[[str], None],
) -> None:
    """Segment one image, and enter into the result what became of it."""
    try:
        begun = start(path)
        if isinstance(begun, Record):
            record = begun
        else:
            record = finish(begun, job=job, on_frame=on_frame)
    except StoppedError:
        raise
    except (CoverslipError, MemoryError) as error:
        result.failed[path] = _reason(path, error)
        return
    if record.skipped:
        result.skipped.append(path)
    for note in record.notes:
        on_note(f"{path}: {note}")
    result.done[path] = record


def _write_report(
    out: Path, result: BatchResult, *, targets: Mapping[Path, Outputs], run: Run, form: str
) -> None:
    write_report(
        out,
        list(result.done.values()),
        title="Cells found",
        run=run,
        targets=targets,
        thumbnails=read_thumbnails(result, targets),
        failed=result.failed,
        form=form,
    )


def _reason(path: Path, error: Exception) -> str:
    """Why an image failed; a file's error names the file itself."""
    if isinstance(error, MemoryError):
        return (
            f"{path}: the memory of this computer is too small for it ({error or 'no details'}). "
            "Close other programs, or cut the image into smaller ones."
        )
    return str(error) if isinstance(error, FileError) else f"{path}: {error}"
