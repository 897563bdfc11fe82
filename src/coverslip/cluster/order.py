"""a job ↔ what a worker needs of it; an order + a piece → the piece done there."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch

from coverslip.checkpoint import Checkpoint
from coverslip.errors import CoverslipError, SettingsError
from coverslip.optional import need
from coverslip.pipeline import Job, do_piece
from coverslip.predict import pick_backend
from coverslip.provenance import package_version
from coverslip.shipped import find_model, hash_file, load_model, shipped_models

if TYPE_CHECKING:
    from coverslip.method import Method
    from coverslip.pipeline import Piece

ONE_AT_A_TIME = threading.Lock()  # a piece takes all threads of its worker, and much memory


@dataclass(frozen=True)
class Order:
    """A job as it travels: without its network, which each worker loads once.

    Attributes:
        about: the job's attributes but for its model.
        model: a name or path, or a method without learning itself.
        version: of the coverslip that made it.
    """

    about: dict[str, Any]
    model: str | Method
    version: str


@dataclass(frozen=True)
class Outcome:
    """What became of a piece.

    Attributes:
        notes: what the user should know.
        error: why it could not be done.
    """

    notes: list[str] = field(default_factory=list)
    error: Exception | None = None


def settle_backend(job: Job) -> Job:
    """The job with what "auto" comes to here as its backend, so that all workers have the same."""
    if not isinstance(job.model, Checkpoint):
        return job
    predict = job.settings.predict
    backend = pick_backend(job.model.network, predict)
    return replace(job, settings=replace(job.settings, predict=replace(predict, backend=backend)))


def job_to_order(job: Job) -> Order:
    """Pack a job.

    Raises:
        ModelError: its model is in no file.
    """
    about = {one.name: getattr(job, one.name) for one in fields(job) if one.name != "model"}
    version = package_version("coverslip")
    if not isinstance(job.model, Checkpoint):
        return Order(about, job.model, version)
    name = job.model_name
    own = name not in shipped_models()  # at the same path on all machines; others come with ours
    return Order(about, str(find_model(name).absolute()) if own else name, version)


def order_to_job(order: Order) -> Job:
    """The job, with the model loaded here.

    Raises:
        SettingsError: another version of coverslip is installed here, or another model of its name.
        ModelError: the model's file is not there, or damaged.
    """
    here = package_version("coverslip")
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
    if hash_file(find_model(name)) != wanted:
        raise SettingsError(
            f"the model {name} of a worker is another than here: install the same coverslip "
            "everywhere; a model of your own must not be changed while it is used."
        )
    return load_model(name)


def work(order: Order, piece: Piece, before: Outcome | None) -> Outcome:
    """Do a piece on a worker.

    Args:
        order: of `job_to_order`.
        piece: of `coverslip.pipeline.image_to_pieces`.
        before: what became of the piece that this one rests on.
    """
    if before is not None and before.error is not None:
        return before
    notes: list[str] = []
    with ONE_AT_A_TIME:
        worker = need("distributed", extra="cluster", what="a worker").get_worker()
        torch.set_num_threads(worker.state.nthreads)
        try:
            do_piece(piece, order_to_job(order), tell=notes.append)
        except (CoverslipError, MemoryError) as error:
            return Outcome(notes, error)
    return Outcome(notes)
