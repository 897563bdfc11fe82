"""image files of a command → their tasks, handed to the executor in order; how far each image is.

While the tasks of one image are done, those of the next are handed on, so that nobody waits.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coverslip.errors import StoppedError
from coverslip.io import write_error
from coverslip.pipeline.plan import OpenedImage, begin_image
from coverslip.pipeline.record import Record
from coverslip.pipeline.tasks import WHOLE, Task, count_done_before, image_to_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from coverslip.pipeline.auto import Choice
    from coverslip.pipeline.executors import Executor, Outcome
    from coverslip.pipeline.folder_scale import FolderScales
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs
    from coverslip.progress import Pace, Progress


@dataclass(frozen=True)
class Listener:
    """Who is told while images are done; `segment_files` says what each is called with."""

    on_frame: Callable[[Path, int, int], None]
    on_note: Callable[[str], None]
    on_progress: Callable[[Progress], None]


@dataclass
class Schedule:
    """The images of a command, and how far each is.

    Attributes:
        job: what to do with each image.
        executor: who does the tasks.
        targets: where each image's results go, in the order of the images.
        thumbnails: of earlier jobs, by the names of their images.
        scales: those of the images' folders.
        choices: of several models, which each image got and why; empty where there is one.
        listener: who is told of it.
        check_there: raises FileError once the folder of the results is gone.
        overwrite: do again what is done already.
        pace: how fast the images are done.
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
    scales: FolderScales
    choices: Mapping[Path, Choice]
    listener: Listener
    check_there: Callable[[], None]
    overwrite: bool
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
        try:
            self.begun[path] = opened = self._open(path)
            if isinstance(opened, Record):
                self.listener.on_progress(self.pace.skip(1, item=path.name))
                return
            self._note_done_before(opened)
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

    def _open(self, path: Path) -> OpenedImage | Record:
        """Open an image, with the scale of its folder; its record where it was done before."""
        target = self.targets[path]
        opened = begin_image(
            path,
            target,
            job=self.job,
            thumbnails=self.thumbnails.get(target.name, []),
            overwrite=self.overwrite,
        )
        why = self.choices[path].why if path in self.choices else ""
        if isinstance(opened, Record):
            if why and not opened.choice:  # done before by this model, which was named then
                self.listener.on_note(f"{path}: {why}")
            return opened
        why = "" if opened.truth else why
        return replace(opened, guess=self.scales.guess(opened), choice=why)

    def _note_done_before(self, opened: OpenedImage) -> None:
        """Say what there is to say of an image, and how much of it earlier starts have done."""
        path = opened.file.path
        for note in opened.notes:
            self.listener.on_note(f"{path}: {note}")
        n_done, n_all, what = count_done_before(opened, self.job)
        self.n_done[path], self.n_all[path] = n_done, n_all
        if n_done:
            self.pace.skip(n_done / n_all, item=path.name)
            self.listener.on_note(f"{path}: {n_done} of {n_all} {what} were done before")

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
            self.listener.on_frame(path, n, n_all)
            item = path.name if n_all == 1 else f"{path.name} {n}/{n_all}"
            self.listener.on_progress(self.pace.reach(self.pace.n_done + 1 / n_all, item=item))
        for one in waited:
            self.executor.submit(one)
        if not self.left[path] and path not in self.errors and task.kind not in WHOLE:
            # a task too, so that the next image's are handed on meanwhile
            self.left[path] = 1
            self.executor.submit(Task(task.opened, "finish"))

    def note_failed(self, path: Path) -> None:
        """Count what is not done of an image, so that the work comes to its end."""
        share = self.n_done[path] / self.n_all[path] if self.n_all[path] else 0.0
        self.listener.on_progress(self.pace.skip(1 - share, item=path.name))

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
