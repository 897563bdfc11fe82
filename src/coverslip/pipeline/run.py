"""many image files + model → a folder of labels, overlays, tables and one report.

Batch processing: a folder of images, time-lapses or whole-slide images in one call.
"""

from __future__ import annotations

import os
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.errors import CoverslipError, FileError, StoppedError, say_why
from coverslip.io import (
    Ledger,
    find_images,
    list_series,
    only_here,
    part_masks,
    remove_leftovers,
    write_error,
    write_text,
    writing,
)
from coverslip.pipeline.executors import Threads
from coverslip.pipeline.folder_scale import FolderScales, group_by_folder
from coverslip.pipeline.methods import describe_job
from coverslip.pipeline.old import adopt_old_tables
from coverslip.pipeline.outputs import Outputs, find_thumbnails, name_outputs
from coverslip.pipeline.page_tiles import write_tiles
from coverslip.pipeline.plan import OpenedImage, begin_image, moved_message
from coverslip.pipeline.record import BatchResult, Record, make_job
from coverslip.pipeline.settings import scale_words
from coverslip.pipeline.summary import Page, flat_settings, write_summary
from coverslip.pipeline.tasks import finish_image, how_far, image_to_tasks
from coverslip.progress import Pace
from coverslip.provenance import package_version
from coverslip.report import Run, methods_to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from coverslip.pipeline.executors import Executor, Outcome
    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.record import Job
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.pipeline.tasks import Task
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
    job: Job | None = None,
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
        model: its name or path, or what `coverslip.load_model` gives.
        settings: as for `segment`; what is not set is the model's own.
        job: in place of model and settings, with all that can be said of the work.
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
    job = job or make_job(model, settings)
    out, paths = Path(out), list_paths(paths)
    result = BatchResult()
    started, clock = datetime.now(), time.perf_counter()
    executor = executor or Threads()
    targets = name_outputs(paths, out, form=job.labels, names=names, on_note=on_note)
    with only_here(out) as check_there:
        # Where nothing can be written, this fails at once and not after hours of work.
        begin_folder(out, form=job.table)
        for folder in (out, out / "records"):
            remove_leftovers(folder)
        try:
            job = executor.open(job, out, on_note)
            work = Work(
                job,
                executor,
                targets,
                find_thumbnails(out),
                check_there,
                overwrite,
                on_frame,
                on_note,
                FolderScales(job, group_by_folder(paths)),
                on_progress,
                Pace("segmenting", n_all=len(targets)),
            )
            for path in dict.fromkeys(paths):
                check_there()
                work.begin_ahead()
                _try_one(path, work, result)
            if job.tiles:
                write_tiles(result, targets, job=job, on_note=on_note)
        finally:
            executor.close()
            check_there()
            methods = describe_job(job, **count_result(result))
            run = Run(
                model=job.model_name,
                version=package_version("coverslip"),
                started=started,
                seconds=time.perf_counter() - clock,
                settings=flat_settings(job),
                methods=methods,
                model_hash=job.model_hash,
                scale=scale_words(job.settings),
            )
            ledger = Ledger(out, sets_aside=True)
            with writing(ledger):
                page = Page("Cells found", run)
                write_summary(
                    out,
                    result,
                    page=page,
                    targets=targets,
                    form=job.table,
                    conditions=job.conditions,
                )
                write_text(out / METHODS, methods_to_text(methods))
            ledger.compact()
            for old, new in ledger.moved:
                on_note(moved_message(old, new))
    return result


def count_result(result: BatchResult) -> dict[str, int]:
    """How many images are done, and how many cells were found in them."""
    n_cells = sum(int(record.images["n_cells"].sum()) for record in result.done.values())
    return {"n_images": len(result.done), "n_cells": n_cells}


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


@dataclass
class Work:
    """The images of a command, and how far each is.

    Attributes:
        job: what to do with each image.
        executor: who does the tasks.
        targets: where each image's results go, in the order of the images.
        thumbnails: of earlier jobs, by the names of their images.
        check_there: raises FileError once the folder of the results is gone.
        overwrite: do again what is done already.
        on_frame: called with each frame or region that is done.
        on_note: called with what the user should be told.
        scales: those of the images' folders.
        on_progress: called with how far all of it is.
        pace: of the images that are being done.
        begun: each image that could be begun, or its earlier record.
        errors: of each image, what went wrong, by frame and region.
        waiting: tasks that rest on another, by that task's name.
        left: how many tasks of each image are not done.
        n_done: frames or regions of each image that are done.
        n_all: and that there are.
    """

    job: Job
    executor: Executor
    targets: Mapping[Path, Outputs]
    thumbnails: Mapping[str, Sequence[Path]]
    check_there: Callable[[], None]
    overwrite: bool
    on_frame: Callable[[Path, int, int], None]
    on_note: Callable[[str], None]
    scales: FolderScales
    on_progress: Callable[[Progress], None]
    pace: Pace
    begun: dict[Path, OpenedImage | Record] = field(default_factory=dict)
    errors: dict[Path, list[tuple[tuple[int, int], Exception]]] = field(default_factory=dict)
    waiting: dict[tuple[object, ...], list[Task]] = field(default_factory=dict)
    left: Counter[Path] = field(default_factory=Counter)
    n_done: Counter[Path] = field(default_factory=Counter)
    n_all: Counter[Path] = field(default_factory=Counter)

    def begin_ahead(self) -> None:
        """Begin images, in their order, until the executor has enough to do."""
        for path in self.targets:
            if self.left.total() >= self.executor.n_ahead:
                return
            if path not in self.begun and path not in self.errors:
                self._begin(path)

    def _begin(self, path: Path) -> None:
        """Begin an image, and hand its first tasks to the executor."""
        target = self.targets[path]
        old = self.thumbnails.get(target.name, [])
        try:
            opened = begin_image(
                path, target, job=self.job, thumbnails=old, overwrite=self.overwrite
            )
            if isinstance(opened, OpenedImage):
                opened = replace(opened, guess=self.scales.guess(opened))
            self.begun[path] = opened
            if isinstance(opened, Record):
                self.on_progress(self.pace.skip(1, item=path.name))
                return
            for note in opened.notes:
                self.on_note(f"{path}: {note}")
            far = how_far(opened, self.job)
            self.n_done[path], self.n_all[path] = far.n_done, far.n_all
            if far.n_done:
                self.pace.skip(far.n_done / far.n_all, item=path.name)
                self.on_note(f"{path}: {far.n_done} of {far.n_all} {far.what} were done before")
            groups = image_to_tasks(opened, self.job, run=self.executor.frames_per_task)
            if groups[0][0].kind != "image":
                # So that no image that is finished takes away the folder above it meanwhile.
                make_folder(opened.parts(self.job))
        except StoppedError:
            raise
        except Exception as error:
            self.errors[path] = [((0, 0), error)]
            return
        self._take(path, groups)

    def _take(self, path: Path, groups: list[list[Task]]) -> None:
        """Submit the first task; the others when those are done that they rest on."""
        first = groups[0][0]
        for head, *others in groups:
            self.waiting[head.name] = others
        self.waiting[first.name] += [head for head, *_ in groups[1:]]
        self.left[path] = sum(map(len, groups))
        self.executor.submit(first)

    def wait_for(self, path: Path) -> OpenedImage | Record:
        """Wait until all tasks of an image are done; it, to be finished, or its record.

        Raises:
            CoverslipError: what kept it from being begun, or a task from being done.
            StoppedError: no task can be done any more.
        """
        while self.left[path]:
            self._note(self.executor.next_outcome())
            self.check_there()
            self.begin_ahead()
        if path in self.errors:  # the one that a single process would have come to first
            raise min(self.errors[path], key=lambda one: one[0])[1]
        opened = self.begun[path]
        if isinstance(opened, OpenedImage):
            done = opened.done()
            return opened if done is None else replace(done, skipped=False)
        return opened

    def _note(self, outcome: Outcome) -> None:
        """Enter what became of a task, and hand on those that waited for it."""
        task, error = outcome.task, outcome.error
        path = task.opened.file.path
        self.left[path] -= 1
        waited = self.waiting.pop(task.name, [])
        if error is not None:
            self.errors.setdefault(path, []).append((task.place, error))
            self._give_up(path, waited)
            return
        for _ in range(task.n_done):
            self.n_done[path] += 1
            n, n_all = self.n_done[path], self.n_all[path]
            self.on_frame(path, n, n_all)
            item = path.name if n_all == 1 else f"{path.name} {n}/{n_all}"
            self.on_progress(self.pace.reach(self.pace.n_done + 1 / n_all, item=item))
        for one in waited:
            self.executor.submit(one)

    def note_failed(self, path: Path) -> None:
        """Count what is not done of an image, so that the work comes to its end."""
        share = self.n_done[path] / self.n_all[path] if self.n_all[path] else 0.0
        self.on_progress(self.pace.skip(1 - share, item=path.name))

    def _give_up(self, path: Path, tasks: Sequence[Task]) -> None:
        """Do without the tasks that rest on one that could not be done."""
        for task in tasks:
            self.left[path] -= 1
            self._give_up(path, self.waiting.pop(task.name, []))


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        FileError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def _try_one(path: Path, work: Work, result: BatchResult) -> None:
    """Segment one image, and enter into the result what became of it."""
    try:
        found = work.wait_for(path)
        record = found if isinstance(found, Record) else finish_image(found, job=work.job)
    except StoppedError:
        raise
    except Exception as error:
        more = f", with records/{TRACEBACKS} of the results"
        result.failed[path] = say_why(path, error, more=more)
        work.note_failed(path)
        if not isinstance(error, CoverslipError | MemoryError):
            keep_traceback(path, error, work)
        return
    if record.skipped:
        result.skipped.append(path)
    for note in record.notes:
        work.on_note(f"{path}: {note}")
    result.done[path] = record


def keep_traceback(path: Path, error: Exception, work: Work) -> None:
    """Add to a file what went wrong and where, for a bug report."""
    kept = work.targets[path].folder / "records" / TRACEBACKS
    with suppress(OSError):
        before = kept.read_text(encoding="utf-8") if kept.is_file() else ""
        text = "".join(traceback.format_exception(error))
        write_text(kept, f"{before}{path}\n{text}\n")
