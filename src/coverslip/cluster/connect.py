"""an address → a client of the Dask scheduler there."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from coverslip._optional import need
from coverslip.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 10  # for the scheduler's answer


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """Connect to a scheduler.

    Args:
        scheduler: its address, such as ``tcp://10.0.0.1:8786``.

    Raises:
        SettingsError: the package distributed is not installed.
        FileError: no scheduler answers.
    """
    distributed = need("distributed", extra="cluster", what="work on several machines")
    with ExitStack() as stack:
        stack.enter_context(quiet("distributed.client"))
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
