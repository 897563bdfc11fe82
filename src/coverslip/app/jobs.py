"""work that takes minutes → a job: it waits, tells how far it is, and can be stopped."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coverslip.app.folder import MissingError
from coverslip.errors import CoverslipError, SettingsError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WAITING = 64
MOST_KEPT = 200  # jobs that are over, and can still be asked for
TELL_S = 0.2  # between two events of one job


class BusyError(SettingsError):
    """There is too much to do."""


@dataclass(eq=False)
class Job:
    """A piece of work.

    Attributes:
        number: from 1.
        kind: "segment", "train", "track", "suggest".
        work: does it; it calls `step` and asks `check`.
        on_change: called when there is something new to tell.
        state: waiting, running, done, failed or stopped.
        result: what it gave, for who asked for it; not told.
        stops: what is done as soon as it is to stop.
    """

    number: int
    kind: str
    work: Callable[[Job], Any]
    on_change: Callable[[Job], None]
    state: str = "waiting"
    done: int = 0
    total: int = 0
    message: str = ""
    curve: list[dict[str, float]] = field(default_factory=list)
    image: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    improved: bool | None = None
    model: str | None = None
    left_s: float | None = None
    began: float = 0.0
    told: float = 0.0
    result: Any = None
    stops: list[Callable[[], None]] = field(default_factory=list)
    is_stopped: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)

    def step(self, done: int, total: int, message: str | None = None) -> None:
        """Say how far it is.

        Raises:
            StoppedError: it is to stop.
        """
        self.check()
        self.done, self.total = done, total
        if message is not None:
            self.message = message
        self.tell()

    def on_stop(self, do: Callable[[], None]) -> None:
        """Have something done as soon as it is to stop."""
        self.stops.append(do)
        if self.is_stopped.is_set():
            do()

    def request_stop(self) -> None:
        """Have it stop."""
        self.is_stopped.set()
        for do in self.stops:
            do()

    def check(self) -> None:
        """End the work where it is to stop.

        Raises:
            StoppedError: it is.
        """
        if self.is_stopped.is_set():
            raise StoppedError("stopped. What was done is kept.")

    def tell(self, *, at_once: bool = False) -> None:
        """Tell who listens, but not too often."""
        clock = time.monotonic()
        if at_once or clock - self.told > TELL_S:
            self.told = clock
            self.on_change(self)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take, by how long it took; None where that is not known."""
        if self.state != "running":
            return None
        if self.left_s is not None:
            return self.left_s
        if not 0 < self.done <= self.total:
            return None
        spent = time.monotonic() - self.began
        return round(spent / self.done * (self.total - self.done), 1)

    def to_json(self) -> dict[str, Any]:
        """As it is told."""
        return {
            "job": self.number,
            "kind": self.kind,
            "image": self.image,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "seconds_left": self.seconds_left,
            "message": self.message,
            "curve": self.curve,
            "before": self.before,
            "after": self.after,
            "improved": self.improved,
            "model": self.model,
        }


@dataclass
class Jobs:
    """Does jobs one after the other, in a thread of its own: a network takes all cores anyway.

    Attributes:
        on_change: called when there is something new to tell of one.
        jobs: those that can be asked for, by their numbers.
    """

    on_change: Callable[[Job], None] = lambda job: None
    jobs: OrderedDict[int, Job] = field(default_factory=OrderedDict)
    waiting: queue.Queue[Job | None] = field(default_factory=queue.Queue)
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    last: int = 0
    is_over: bool = False

    def add(
        self,
        kind: str,
        work: Callable[[Job], Any],
        *,
        image: str | None = None,
        most: int = MOST_WAITING,
    ) -> Job:
        """Have something done, of one image or of several.

        Raises:
            BusyError: too much is waiting already.
        """
        with self.lock:
            n_waiting = sum(job.state in ("waiting", "running") for job in self.jobs.values())
            if self.is_over or n_waiting >= most:
                raise BusyError(
                    f"{n_waiting} jobs are waiting already, and {most} can: try again later."
                )
            self.last += 1
            job = Job(self.last, kind, work, self.on_change, image=image)
            self.jobs[job.number] = job
            for old in list(self.jobs.values()):
                if len(self.jobs) > MOST_KEPT and old.is_over.is_set():
                    del self.jobs[old.number]
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="jobs", daemon=True)
                self.thread.start()
        self.waiting.put(job)
        job.tell(at_once=True)
        return job

    def get(self, number: int) -> Job:
        """A job by its number.

        Raises:
            MissingError: there is none.
        """
        with self.lock:
            if number in self.jobs:
                return self.jobs[number]
        raise MissingError(f"no job {number}: it may be long over.")

    def all(self) -> list[Job]:
        """Those that can be asked for, in their order."""
        with self.lock:
            return list(self.jobs.values())

    def stop(self, number: int) -> Job:
        """Have a job stop, at once where it has not begun."""
        job = self.get(number)
        job.request_stop()
        if job.state == "waiting":
            self.finish(job, "stopped", "stopped before it began.")
        return job

    def run(self) -> None:
        """Do what comes."""
        while (job := self.waiting.get()) is not None:
            if job.is_over.is_set():
                continue
            if job.is_stopped.is_set():
                self.finish(job, "stopped", "stopped before it began.")
                continue
            self.do(job)

    def do(self, job: Job) -> None:
        """Do a job, whatever becomes of it."""
        job.state, job.began = "running", time.monotonic()
        job.tell(at_once=True)
        try:
            job.result = job.work(job)
        except StoppedError as error:
            self.finish(job, "stopped", str(error))
        except CoverslipError as error:
            self.finish(job, "failed", str(error))
        except MemoryError:
            self.finish(job, "failed", "the memory of this computer is too small for it.")
        except Exception as error:
            traceback.print_exc()
            what = f"{type(error).__name__}: {error}"
            self.finish(job, "failed", f"something went wrong that was not expected ({what}).")
        else:
            self.finish(job, "done", job.message)

    def finish(self, job: Job, state: str, message: str) -> None:
        """Say how a job ended."""
        job.state, job.message = state, message
        job.is_over.set()
        job.tell(at_once=True)

    def close(self, timeout: float = 30.0) -> None:
        """Stop all jobs, and wait for the one at work."""
        with self.lock:
            self.is_over = True
            jobs = list(self.jobs.values())
        for job in jobs:
            job.request_stop()
        self.waiting.put(None)
        if self.thread is not None:
            self.thread.join(timeout)
