"""a job ↔ what another process needs of it; an order + a task → the task done there."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from coverslip.checkpoints import Checkpoint, find_model, load_model, shipped_models
from coverslip.errors import CoverslipError, SettingsError, StoppedError
from coverslip.inference.runtime import IN_TORCH, set_threads
from coverslip.io import IN_USE
from coverslip.pipeline.job import Job
from coverslip.pipeline.tasks import do_task
from coverslip.provenance import code_version

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.checkpoints import Method
    from coverslip.pipeline.tasks import Task

ONE_AT_A_TIME = threading.Lock()  # a task takes all threads of its worker, and much memory
SHARE_S = 60.0  # so long a share may at most show what was there before


@dataclass(frozen=True)
class Order:
    """A job as it travels: without its network, which each worker loads once.

    Attributes:
        about: the job's attributes but for its model.
        model: a name or path, or a method without learning itself.
        version: of the coverslip that made it.
        folder: of the results.
        holder: what the file ``in-use`` there holds as long as the order stands.
        threads: of a worker; None: as many as it was started with.
    """

    about: dict[str, Any]
    model: str | Method
    version: str
    folder: Path
    holder: str
    threads: int | None = None


def settle_backend(job: Job) -> Job:
    """The job with what "auto" comes to here, so that all workers run the network alike."""
    if not isinstance(job.model, Checkpoint):
        return job
    predict = job.model.settle(job.settings.predict)
    # What runs on the CPU alone must do so on a worker with a GPU too.
    device = predict.device if predict.backend in IN_TORCH else "cpu"
    predict = replace(predict, device=device)
    return replace(job, settings=replace(job.settings, predict=predict))


def job_to_order(job: Job, folder: Path, *, threads: int | None = None) -> Order:
    """Pack a job.

    Args:
        job: what to do with each image.
        folder: of the results, which this process holds.
        threads: of a worker.

    Raises:
        ModelError: its model is in no file.
    """
    model: str | Method
    if not isinstance(job.model, Checkpoint):
        model = job.model
    elif job.model_name in shipped_models():
        model = job.model_name
    else:  # at the same path on all machines
        model = str(find_model(job.model_name).absolute())
    return Order(
        about={one.name: getattr(job, one.name) for one in fields(job) if one.name != "model"},
        model=model,
        version=code_version(),
        folder=folder,
        holder=holder_of(folder),
        threads=threads,
    )


def order_to_job(order: Order) -> Job:
    """The job, with the model loaded here.

    Raises:
        SettingsError: another version of coverslip is installed here, or another model of its name.
        ModelError: the model's file is not there, or damaged.
    """
    here = code_version()
    if here != order.version:
        raise SettingsError(
            f"a worker has coverslip {here} and not {order.version}: install the same everywhere."
        )
    if not isinstance(order.model, str):
        return Job(model=order.model, **order.about)
    return Job(model=load_once(order.model, order.about["model_hash"]), **order.about)


@lru_cache(maxsize=1)
def load_once(name: str, wanted: str) -> Checkpoint | Method:
    """A model, kept for the next piece.

    Raises:
        SettingsError: its file is another than wanted.
        ModelError: it is not there, or damaged.
    """
    model = load_model(name)
    if model.hash != wanted:
        raise SettingsError(
            f"the model {name} of a worker is another than here: install the same coverslip "
            "everywhere; a model of your own must not be changed while it is used."
        )
    return model


def do_on_worker(order: Order, task: Task, *, who: str = "a worker") -> None:
    """Do a task on a worker.

    Args:
        order: of `job_to_order`.
        task: of `coverslip.pipeline.image_to_tasks`.
        who: the worker, for the user.

    Raises:
        StoppedError: this worker can do no task of the order, and nor can others like it.
        CoverslipError: the image cannot be read or predicted, or a result not be written.
    """
    check_stands(order)
    with ONE_AT_A_TIME:
        if order.threads is not None:
            set_threads(order.threads)
        try:
            job = order_to_job(order)
        except CoverslipError as error:
            raise StoppedError(f"{who}: {error}") from error
        do_task(task, job)


def check_stands(order: Order) -> None:
    """See that who gave an order still holds the folder, and that this is the same folder.

    A share may show for some seconds what was there before.

    Raises:
        StoppedError: it is another folder, or the order was given by a process that has ended.
    """
    give_up = time.monotonic() + SHARE_S
    while holder_of(order.folder) != order.holder:
        if time.monotonic() > give_up:
            raise StoppedError(
                f"{order.folder}: a worker does not find there what the command has written. The "
                "folder of the results must be the same one, at the same path, on all machines."
            )
        time.sleep(SHARE_S / 60)


def holder_of(folder: Path) -> str:
    """Who holds a folder, by host and process; "" if nobody does, or the folder is not there."""
    try:
        return (folder / IN_USE).read_text()
    except OSError:
        return ""
