"""tasks → done: by threads of this process, by processes of this computer.

Whoever does a task does it by the same code and keeps it in the same files, so all executors come
to the same bytes, and each goes on where another was stopped. `coverslip.cluster` has one more, for
the workers of a Dask scheduler.
"""

from __future__ import annotations

import math
import multiprocessing
import threading
from collections import Counter, deque
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from coverslip.errors import FileError, StoppedError
from coverslip.inference.runtime import count_threads
from coverslip.io import remove_leftovers
from coverslip.pipeline.plan import is_large
from coverslip.pipeline.tasks import do_task
from coverslip.pipeline.worker import do_on_worker, job_to_order, settle_backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coverslip.pipeline.job import Job
    from coverslip.pipeline.tasks import Task
    from coverslip.pipeline.worker import Order

SHARED_PX = 2048**2  # of frames: larger ones are done one at a time, so that memory suffices
MAX_TRIES = 4  # of a task that its process died of


@dataclass(frozen=True)
class Outcome:
    """What became of a task: nothing but what it kept, or why it could not be done."""

    task: Task
    error: Exception | None = None


class Executor(Protocol):
    """Does tasks, several at a time, in any order.

    Attributes:
        frames_per_task: of a film.
        n_ahead: so many tasks are begun before the first of them must be done.
    """

    frames_per_task: int
    n_ahead: int

    def open(self, job: Job, folder: Path, on_message: Callable[[str], None]) -> Job:
        """Begin work for a job whose results go into a folder; the job as all are to do it.

        Once closed, it may be opened again for another job.
        """

    def submit(self, task: Task) -> None:
        """Take a task on."""

    def next_outcome(self) -> Outcome:
        """Wait for a task that is done.

        Raises:
            StoppedError: no task can be done any more.
        """

    def close(self) -> None:
        """Forget what is not begun, and wait for the rest."""


class Threads:
    """Does tasks by threads of this process, which share one network.

    While the network works on one image, another is read, or its cells are parted and measured.
    Frames of more than `SHARED_PX` pixels, and regions of larger ones, are done one at a time.
    """

    def __init__(self, n: int = 2) -> None:
        self.n = n
        self.frames_per_task = 4
        self.n_ahead = n
        self.room = threading.Semaphore(n)
        self.alone = threading.Lock()  # so that two large frames cannot each hold half of the room
        self.running: dict[Future[None], Task] = {}
        self.pool = self._new_pool()  # which starts its threads with the first tasks

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.n, thread_name_prefix="coverslip")

    def open(self, job: Job, folder: Path, on_message: Callable[[str], None]) -> Job:
        """Begin work for a job."""
        del folder, on_message
        self.job = job
        return job

    def submit(self, task: Task) -> None:
        """Take a task on."""
        self.running[self.pool.submit(self._do, task)] = task

    def _do(self, task: Task) -> None:
        file = task.opened.file
        shared = math.prod(file.frame_shape) <= SHARED_PX and not is_large(file, self.job)
        needed = 1 if shared else self.n
        with self.alone:
            for _ in range(needed):
                self.room.acquire()
        try:
            do_task(task, self.job)
        finally:
            self.room.release(needed)

    def next_outcome(self) -> Outcome:
        """Wait for a task that is done."""
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        future = done.pop()
        return Outcome(self.running.pop(future), _error_of(future))

    def close(self) -> None:
        """Forget what is not begun, and wait for the rest; then it may be opened again."""
        self.pool.shutdown(cancel_futures=True)
        self.pool = self._new_pool()


class Serial:
    """Does one task after the other, in the calling thread."""

    def __init__(self) -> None:
        self.frames_per_task = 4
        self.n_ahead = 1
        self.waiting: deque[Task] = deque()

    def open(self, job: Job, folder: Path, on_message: Callable[[str], None]) -> Job:
        """Begin work for a job."""
        del folder, on_message
        self.job = job
        return job

    def submit(self, task: Task) -> None:
        """Take a task on."""
        self.waiting.append(task)

    def next_outcome(self) -> Outcome:
        """Do the next task."""
        task = self.waiting.popleft()
        try:
            do_task(task, self.job)
        except StoppedError:
            raise
        except Exception as error:
            return Outcome(task, error)
        return Outcome(task)

    def close(self) -> None:
        """Forget what is not begun."""
        self.waiting.clear()


class Processes:
    """Does tasks by processes of this computer, each with a network and threads of its own.

    Nothing listens on a port: tasks go through pipes that are this command's alone. A process that
    dies is replaced, and what was being done is tried again, by another.

    Args:
        n: how many processes.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.frames_per_task = 16
        self.n_ahead = 2 * n
        self.running: dict[Future[None], Task] = {}
        self.tries: Counter[tuple[object, ...]] = Counter()
        self.failed: deque[Outcome] = deque()
        self.pool = self._new_pool()  # which starts its processes with the first tasks

    def open(self, job: Job, folder: Path, on_message: Callable[[str], None]) -> Job:
        """Begin work for a job."""
        del on_message
        self.folder = folder
        job = settle_backend(job)
        threads = max(1, count_threads() // self.n)
        self.order: Order = job_to_order(job, folder, threads=threads)
        return job

    def _new_pool(self) -> ProcessPoolExecutor:
        # Not forked: threads of PyTorch or of ONNX Runtime would not come along.
        return ProcessPoolExecutor(self.n, mp_context=multiprocessing.get_context("spawn"))

    def submit(self, task: Task) -> None:
        """Take a task on."""
        self.tries[task.name] += 1
        try:
            self.running[self.pool.submit(do_on_worker, self.order, task)] = task
        except BrokenProcessPool:
            self._replace_pool()
            self.running[self.pool.submit(do_on_worker, self.order, task)] = task

    def next_outcome(self) -> Outcome:
        """Wait for a task that is done.

        Raises:
            StoppedError: a process can do no task of this job.
        """
        while not self.failed:
            done, _ = wait(self.running, return_when=FIRST_COMPLETED)
            future = done.pop()
            if isinstance(future.exception(), BrokenProcessPool):
                self._replace_pool()
                continue
            return Outcome(self.running.pop(future), _error_of(future))
        return self.failed.popleft()

    def _replace_pool(self) -> None:
        """A process has died, and with it the pool: all that was being done is tried again."""
        lost = list(self.running.values())
        self.running.clear()
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.pool = self._new_pool()
        for task in lost:
            if self.tries[task.name] < MAX_TRIES:
                self.submit(task)
            else:
                self.failed.append(Outcome(task, died(task.opened.file.path)))

    def close(self) -> None:
        """Forget what is not begun, wait for the rest, and clear away what killed ones left."""
        self.pool.shutdown(cancel_futures=True)
        self.pool = self._new_pool()
        for folder in (self.folder, self.folder / "records"):
            remove_leftovers(folder)


def _error_of(future: Future[None]) -> Exception | None:
    """Why a task could not be done.

    Raises:
        StoppedError: no task can be.
        BaseException: what is no Exception, such as KeyboardInterrupt.
    """
    error = future.exception()
    if isinstance(error, StoppedError) or not isinstance(error, Exception | None):
        raise error
    return error


def died(path: Path) -> FileError:
    """What to tell of an image whose tasks several processes died of.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.pipeline import died
        >>> "a.tif" in str(died(Path("a.tif")))
        True
    """
    return FileError(
        f"{path}: several workers died one after the other while they had a piece of it. "
        "Most often their memory is too small: give each more, or start fewer on a "
        "machine, or use a smaller --tile and --region."
    )
