"""many image files + model → a folder of labels, overlays, tables and one report.

Batch processing: a folder of images, time-lapses or whole-slide images in one call.
"""

from __future__ import annotations

import os
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.checkpoints import shipped_models
from coverslip.errors import CoverslipError, FileError, StoppedError, say_why
from coverslip.io import (
    Ledger,
    find_images,
    list_series,
    only_here,
    part_masks,
    remove_leftovers,
    write_text,
    writing,
)
from coverslip.pipeline.auto import part_images
from coverslip.pipeline.choose import AUTO
from coverslip.pipeline.executors import Threads
from coverslip.pipeline.folder_scale import FolderScales, group_by_folder
from coverslip.pipeline.job import Job, make_job
from coverslip.pipeline.methods import describe_jobs
from coverslip.pipeline.old import adopt_old_tables
from coverslip.pipeline.outputs import Outputs, find_thumbnails, name_outputs
from coverslip.pipeline.page_tiles import write_tiles
from coverslip.pipeline.plan import moved_message
from coverslip.pipeline.record import BatchResult, Record
from coverslip.pipeline.schedule import Listener, Schedule
from coverslip.pipeline.settings import scale_words
from coverslip.pipeline.summary import Page, join_settings, write_summary
from coverslip.pipeline.tasks import finish_image
from coverslip.progress import Pace
from coverslip.provenance import package_version
from coverslip.report import Run, methods_to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coverslip.pipeline.executors import Executor
    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.progress import Progress

TRACEBACKS = "tracebacks.txt"
METHODS = "methods.txt"
ABOUT_RECORDS = """What was done to each image, so that a second start need not do it again.
Nothing here is a result. Without this folder, coverslip no longer knows which files beside it are
its own, and replaces none of them.
"""


def segment_files(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    model: Model | str | None = None,
    settings: SegmentSettings | None = None,
    job: Job | Sequence[Job] | None = None,
    names: Mapping[Path, str] | None = None,
    overwrite: bool = False,
    executor: Executor | None = None,
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
    on_note: Callable[[str], None] = lambda text: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> BatchResult:
    """Segment image files and write everything into a folder.

    What is done already with the same model and settings, be it some frames of a film, is not done
    again. An image that fails is reported and does not stop the others. The tables and the report
    cover the images of this start that are done, now or earlier, also when the work is broken off;
    what an earlier start made of other images stays in the folder, but is no longer in them.

    Args:
        paths: image files; a file of many frames is a series. A text may also be a folder or a
            pattern, as on the command line.
        out: the folder; it is made where it is missing.
        model: its name or path, or what `coverslip.load_model` gives; "auto": of those that ship,
            the one that fits each image best.
        settings: as for `segment`; what is not set is the model's own.
        job: in place of model and settings, with all that can be said of the work; of several that
            differ in the model, each image gets the one whose model fits it best.
        names: what the results of some images are to be called; of the others, as the image.
        overwrite: do again what is done already.
        executor: who does the work; None: `Threads` of this process.
        on_frame: called after each frame with the file, the frames done and the frames in all; of
            large frames, after each region with the regions.
        on_note: called with every decision that the user should be told.
        on_progress: called with how much is done, and how long the rest takes: after each frame
            and region, and with each image that was done before.

    Raises:
        FileError: the folder cannot be written, or was deleted meanwhile.
        SettingsError: two images would write the same file, or write among the images; or another
            process is at work in the folder.
        StoppedError: the workers are gone, or can do nothing of it.

    Example:
        >>> import tempfile
        >>> import coverslip, numpy as np
        >>> from PIL import Image
        >>> folder = tempfile.TemporaryDirectory()
        >>> Image.fromarray(np.zeros((64, 64), np.uint8)).save(f"{folder.name}/a.png")
        >>> result = coverslip.segment_files(
        ...     [f"{folder.name}/a.png"], f"{folder.name}/results", model="nuclei"
        ... )
        >>> len(result.done), len(result.failed)
        (1, 0)
        >>> folder.cleanup()
    """
    jobs = make_jobs(model, settings) if job is None else [job] if isinstance(job, Job) else job
    out, paths = Path(out), list_paths(paths)
    result = BatchResult()
    started, clock = datetime.now(), time.perf_counter()
    executor = executor or Threads()
    targets = name_outputs(paths, out, form=jobs[0].labels, names=names, on_note=on_note)
    with only_here(out) as check_there:
        # Where nothing can be written, this fails at once and not after hours of work.
        begin_folder(out, form=jobs[0].table)
        groups, choices = part_images(
            targets, jobs, overwrite=overwrite, on_note=on_note, on_progress=on_progress
        )
        pace = Pace("segmenting", n_all=len(targets))
        opened: list[Job] = []
        try:
            for chosen, theirs in groups:
                opened.append(executor.open(chosen, out, on_note))
                schedule = Schedule(
                    opened[-1],
                    executor,
                    {path: targets[path] for path in theirs},
                    thumbnails=find_thumbnails(out),
                    scales=FolderScales(opened[-1], group_by_folder(theirs)),
                    choices=choices,
                    listener=Listener(on_frame, on_note, on_progress),
                    check_there=check_there,
                    overwrite=overwrite,
                    pace=pace,
                )
                segment_group(schedule, result)
                executor.close()
        finally:
            executor.close()
            check_there()
            result = in_order(result, list(targets))
            seconds = time.perf_counter() - clock
            run = describe_run(opened or jobs, result, started=started, seconds=seconds)
            for note in finish_folder(out, result, run=run, job=jobs[0], targets=targets):
                on_note(note)
    return result


def segment_group(schedule: Schedule, result: BatchResult) -> None:
    """Segment the images of a schedule, in their order, and enter what became of each."""
    targets, job = schedule.targets, schedule.job
    for path in targets:
        schedule.check_there()
        schedule.begin_ahead()
        _try_one(path, schedule, result)
    if job.tiles:
        done = {path: result.done[path] for path in targets if path in result.done}
        write_tiles(done, targets, job=job, on_note=schedule.listener.on_note)


def make_jobs(model: Model | str | None, settings: SegmentSettings | None) -> list[Job]:
    """What to do with images by a model, or by one of those that ship, "auto".

    Raises:
        ModelError: no such model.
        SettingsError: no model, or settings that do not go with it.
    """
    names = list(shipped_models()) if isinstance(model, str) and model == AUTO else [model]
    return [make_job(name, settings) for name in names]


def in_order(result: BatchResult, paths: Sequence[Path]) -> BatchResult:
    """The same in the order of the images, whichever were done first."""
    return BatchResult(
        {path: result.done[path] for path in paths if path in result.done},
        [path for path in paths if path in result.skipped],
        {path: result.failed[path] for path in paths if path in result.failed},
    )


def describe_run(
    jobs: Sequence[Job], result: BatchResult, *, started: datetime, seconds: float
) -> Run:
    """What the report says of how its results were made."""
    return Run(
        model=", ".join(job.model_name for job in jobs),
        version=package_version("coverslip"),
        started=started,
        seconds=seconds,
        settings=join_settings(jobs),
        methods=describe_jobs(jobs, n_images=len(result.done), n_cells=result.n_cells),
        model_hashes=tuple(job.model_hash for job in jobs),
        scale=scale_words(jobs[0].settings),
    )


def list_paths(sources: Sequence[str | Path]) -> list[Path]:
    """The image files that are meant; of a text, those that the command line would find.

    Raises:
        FileError: nothing is there.
    """
    found: list[Path] = []
    for source in [sources] if isinstance(sources, str | Path) else sources:
        named = [source] if isinstance(source, Path) else part_masks(find_images([source]))[0]
        found += [image for path in named for image in list_series(path)]
    return found


def begin_folder(out: Path, *, form: str) -> None:
    """See that nothing which is not ours stands where tables and page go, and write the first file.

    What we wrote and a person changed is no hindrance: it is kept under another name in the end.

    Raises:
        FileError: something is in the way, or the folder cannot be written.
    """
    adopt_old_tables(out)
    ledger = Ledger(out)
    known = ledger.entries()
    about = out / "records" / "README.txt"
    names = (f"cells.{form}", f"images.{form}", "report.html", METHODS)
    for path in (*(out / name for name in names), about):
        if os.path.lexists(path) and ledger.relative(path) not in known:
            raise FileError(
                f"{path}: is there already, and there is no record that coverslip wrote it: it is "
                "left as it is. Move it away, or choose another folder for the results."
            )
    with writing(replace(ledger, sets_aside=True)):
        write_text(about, ABOUT_RECORDS)
    for folder in (out, out / "records"):
        remove_leftovers(folder)


def finish_folder(
    out: Path, result: BatchResult, *, run: Run, job: Job, targets: Mapping[Path, Outputs]
) -> list[str]:
    """Write the tables, the report and the methods of what is done.

    Returns:
        What the user should know: the files that a person had changed, and where they are now.
    """
    ledger = Ledger(out, sets_aside=True)
    with writing(ledger):
        write_summary(
            out,
            result,
            page=Page("Cells found", run),
            targets=targets,
            form=job.table,
            conditions=job.conditions,
        )
        if run.methods is not None:
            write_text(out / METHODS, methods_to_text(run.methods))
    ledger.compact()
    return [moved_message(old, new) for old, new in ledger.moved]


def _try_one(path: Path, schedule: Schedule, result: BatchResult) -> None:
    """Segment one image, and enter into the result what became of it."""
    try:
        found = schedule.wait_for(path)
        record = found if isinstance(found, Record) else finish_image(found, job=schedule.job)
    except StoppedError:
        raise
    except Exception as error:
        more = f", with records/{TRACEBACKS} of the results"
        result.failed[path] = say_why(path, error, more=more)
        schedule.note_failed(path)
        if not isinstance(error, CoverslipError | MemoryError):
            keep_traceback(path, error, schedule)
        return
    if record.skipped:
        result.skipped.append(path)
    for note in record.notes:
        schedule.listener.on_note(f"{path}: {note}")
    result.done[path] = record


def keep_traceback(path: Path, error: Exception, schedule: Schedule) -> None:
    """Add to a file what went wrong and where, for a bug report."""
    kept = schedule.targets[path].folder / "records" / TRACEBACKS
    with suppress(OSError):
        before = kept.read_text(encoding="utf-8") if kept.is_file() else ""
        text = "".join(traceback.format_exception(error))
        write_text(kept, f"{before}{path}\n{text}\n")
