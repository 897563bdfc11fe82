"""an address, or a number of workers → a client of the scheduler."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from coverslip.errors import FileError
from coverslip.optional import need

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 10  # for the scheduler's answer


@contextmanager
def connected(scheduler: str | None = None, *, workers: int | None = None) -> Iterator[Any]:
    """A client of a scheduler, or of one that is started here and ends with the block.

    Args:
        scheduler: its address, such as ``tcp://10.0.0.1:8786``; unused with `workers`.
        workers: how many to start on this computer; they share its processors.

    Raises:
        SettingsError: the package distributed is not installed.
        FileError: no scheduler answers.
    """
    distributed = need("distributed", extra="cluster", what="work on several processes or machines")
    with ExitStack() as stack:
        stack.enter_context(quiet("distributed.client"))
        if workers is not None:
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,  # Dask's: so many pieces wait in a worker
                dashboard_address=None,
                memory_limit=0,  # else Dask ends a worker that takes more than an equal share
                silence_logs="CRITICAL",
            )
            scheduler = stack.enter_context(cluster).scheduler_address
        try:
            client = distributed.Client(scheduler, timeout=WAIT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise FileError(
                f"{scheduler}: no Dask scheduler answers there ({error}). Start one by `dask "
                "scheduler`, and give the address that it prints, such as tcp://10.0.0.1:8786."
            ) from error
        yield stack.enter_context(client)


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Let a logger tell no errors, which are told in our own words."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
