"""tasks → done by the workers of a Dask scheduler: the executor for several machines."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coverslip._optional import need
from coverslip.errors import FileError, StoppedError
from coverslip.pipeline import Outcome, died, do_on_worker, job_to_order, settle_backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coverslip.pipeline import Job, Order, Task


class DaskExecutor:
    """Does tasks by the workers of a scheduler.

    All machines see the images, the folder of the results and a model of one's own at the same
    paths. Where they are of one kind, the results have the bytes that one process would give.

    Args:
        client: a `distributed.Client`, such as that of `coverslip.cluster.connected`.
        threads: of each worker; None: as many as it was started with.
    """

    def __init__(self, client: Any, *, threads: int | None = None) -> None:
        self.client = client
        self.threads = threads
        self.frames_per_task = 16
        self.n_ahead = 10_000  # Dask sends to a worker no more than it can begin
        self.tasks: dict[Any, Task] = {}
        self.futures: Any = None
        self.group = uuid.uuid4().hex

    def open(self, job: Job, folder: Path, on_message: Callable[[str], None]) -> Job:
        """Wait for the first worker: until then, nothing of an earlier job is removed.

        Raises:
            StoppedError: the scheduler is gone.
        """
        distributed = need("distributed", extra="cluster", what="several workers")
        job = settle_backend(job)
        self.order: Order = job_to_order(job, folder, threads=self.threads)
        self.futures = distributed.as_completed(loop=self.client.loop)
        try:
            if not self.client.scheduler_info()["workers"]:
                address = self.client.scheduler.address
                on_message(f"{address}: no worker has joined yet; waiting for the first")
            self.client.wait_for_workers(1)
        except OSError as error:
            raise gone() from error
        return job

    def submit(self, task: Task) -> None:
        """Take a task on."""
        # Dask holds all tasks of one group alike.
        key = (f"coverslip-{task.kind}-{self.group}", len(self.tasks))
        self.tasks[key] = task
        self.futures.add(self.client.submit(work, self.order, task, key=key))

    def next_outcome(self) -> Outcome:
        """Wait for a task that is done.

        Raises:
            StoppedError: the scheduler is gone, or a worker can do no task.
        """
        future = next(self.futures)
        task = self.tasks[future.key]
        error = future_to_error(future, task.opened.file.path)
        future.release()  # else it is done again when the worker that did it dies
        return Outcome(task, error)

    def close(self) -> None:
        """Forget what is not begun."""
        if self.futures is not None:
            self.futures.clear()


def work(order: Order, task: Task) -> Exception | None:
    """Do a task on a worker; why it could not be done.

    Raises:
        StoppedError: this worker can do no task of the order, and nor can others like it.
    """
    worker = need("distributed", extra="cluster", what="a worker").get_worker()
    order = replace(order, threads=order.threads or worker.state.nthreads)
    try:
        do_on_worker(order, task, who=worker.address)
    except StoppedError:
        raise
    except Exception as error:
        return error
    return None


def gone() -> StoppedError:
    """What to tell when the scheduler is lost."""
    return StoppedError(
        "the scheduler is gone: it has ended, or cannot be reached any more. What is done stays "
        "done: start a scheduler and workers, and then the same command again."
    )


def future_to_error(future: Any, path: Path) -> Exception | None:
    """What a worker says of a task, or Dask of the worker; None where it is done.

    Raises:
        StoppedError: the scheduler is gone, or a worker can do no task.
    """
    distributed = need("distributed", extra="cluster", what="several workers")
    if future.status in ("cancelled", "lost"):
        raise gone()
    try:
        error: Exception | None = future.result()
    except distributed.KilledWorker:
        return died(path)
    except distributed.CancelledError as error:
        raise gone() from error
    except OSError as error:
        return FileError(f"{path}: a worker could not do a piece of it ({error}).")
    except (ImportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "deserialization" not in str(error):
            raise
        raise StoppedError(
            f"the scheduler or a worker cannot import what it needs ({error}): install the same "
            "coverslip there, with its extra: pip install '.[cluster]'."
        ) from error
    return error
