"""a request to end → the end of a command, in order."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def ending_when_asked() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, with tables written and files whole: status 143."""
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield  # signals cannot be caught here, or someone else does
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def end(number: int, frame: FrameType | None) -> None:
    """End as a shell says of a process that a signal has ended."""
    raise SystemExit(128 + number)


def tell_end(text: str) -> None:
    """Say why it ends, if anybody still listens."""
    with suppress(OSError):
        typer.echo(text, err=True)
