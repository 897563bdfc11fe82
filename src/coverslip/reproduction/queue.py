"""tasks → runs, each in a process of its own, some side by side, until done or out of time."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, NamedTuple

import torch

from coverslip import only_here, write_text
from coverslip.errors import CoverslipError
from coverslip.reproduction.cache_key import is_finished
from coverslip.reproduction.run_context import OutOfTime
from coverslip.reproduction.run_task import run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from coverslip.reproduction.run_context import RunContext
    from coverslip.reproduction.task import Task

ABOUT_RUNS = """One JSON for each finished run: settings, scores and where they come from.
Delete one to have it run again. Beside it are its predicted masks and its trained network.
"""


class Message(NamedTuple):
    """What a process tells: note, and at its end done, waiting or failed."""

    kind: str
    text: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of the tasks, by their ids.

    Attributes:
        done: those whose JSON is there, now or since earlier.
        waiting: those that the time limit left for the next call.
        failed: the others, with the reason.
    """

    done: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def run_queue(
    tasks: Sequence[Task],
    context: RunContext,
    *,
    jobs: int = 1,
    on_message: Callable[[str], None] = lambda text: None,
) -> Outcome:
    """Run what is not finished, in order.

    A process that is killed or fails costs its own task, and that goes on from its last epoch in
    the next call.

    Args:
        tasks: what is wanted.
        context: folders, weights, device and deadline.
        jobs: processes side by side.
        on_message: called with what the user should be told.

    Raises:
        FileError: the folder cannot be written.
        SettingsError: another process is at work there, or a finished run is of another question.
    """
    # Where nothing can be written, this fails at once and not after hours of training.
    write_text(context.runs / "README.txt", ABOUT_RUNS)
    with only_here(context.runs, what="coverslip reproduce"):
        unfinished = [task for task in tasks if not is_finished(task, context)]
        outcome = Outcome(done=[task.id for task in tasks if task not in unfinished])
        with ending_as_interrupt():
            work_off(unfinished, outcome, context, jobs=jobs, on_message=on_message)
    return outcome


def work_off(
    tasks: list[Task],
    outcome: Outcome,
    context: RunContext,
    *,
    jobs: int,
    on_message: Callable[[str], None],
) -> None:
    """Run tasks until all are settled or the time is over; no process outlives this."""
    running: dict[Connection, tuple[Task, SpawnProcess]] = {}
    try:
        while (tasks and has_time(context)) or running:
            while tasks and len(running) < jobs and has_time(context):
                task = tasks.pop(0)
                connection, process = start(task, context, jobs=jobs)
                running[connection] = task, process
            ready = set(wait(list(running)))
            for connection in [one for one in running if one in ready]:
                task, process = running[connection]
                message = receive(connection, process)
                if message.kind == "note":
                    on_message(message.text)
                    continue
                process.join()
                del running[connection]
                settle(outcome, task, message)
                on_message(f"{task.id}: {message.kind} {message.text}".rstrip())
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()
    outcome.waiting.extend(task.id for task in tasks)


@contextmanager
def ending_as_interrupt() -> Iterator[None]:
    """Let a request to end this process, as schedulers send it, end it as Ctrl-C would."""
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield  # signals cannot be caught here, or the command line does
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def start(task: Task, context: RunContext, *, jobs: int) -> tuple[Connection, SpawnProcess]:
    """Begin a task in a process of its own, and what it tells."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe(duplex=False)
    process = spawning.Process(target=work, args=(there, task, context, jobs), daemon=True)
    process.start()
    there.close()  # so that the end of the process is the end of what it tells
    return here, process


def work(connection: Connection, task: Task, context: RunContext, jobs: int) -> None:
    """What the process does: the task, telling all that is to be said about it."""
    torch.set_num_threads(max(1, torch.get_num_threads() // jobs))
    torch.backends.cudnn.benchmark = True  # all images of a task have one size
    try:
        clock = time.perf_counter()
        run_task(task, context, on_message=lambda text: tell(connection, "note", text))
        tell(connection, "done", f"in {time.perf_counter() - clock:.0f} s")
    except KeyboardInterrupt:
        return  # who stopped it knows
    except OutOfTime:
        tell(connection, "waiting", "for more time")
    except CoverslipError as error:
        tell(connection, "failed", str(error))
    except Exception as error:  # a system that fails in a way nobody foresaw costs its own task
        tell(connection, "failed", f"{error!r}\n{traceback.format_exc()}")


def tell(connection: Connection, kind: str, text: str) -> None:
    """Send a message."""
    connection.send(Message(kind, text))


def receive(connection: Connection, process: SpawnProcess) -> Message:
    """The next message of a process; one of ours where it ended without."""
    try:
        message: Message = connection.recv()
    except EOFError:
        process.join()
        return Message("failed", f"its process ended with exit code {process.exitcode}")
    return message


def settle(outcome: Outcome, task: Task, message: Message) -> None:
    """Put a task that ended where it belongs."""
    if message.kind == "done":
        outcome.done.append(task.id)
    elif message.kind == "waiting":
        outcome.waiting.append(task.id)
    else:
        outcome.failed[task.id] = message.text


def has_time(context: RunContext) -> bool:
    """Whether another task may begin."""
    return context.deadline is None or time.time() < context.deadline
