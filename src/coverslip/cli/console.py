"""text → the terminal, as it is, and silent when nobody reads any more."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console

from coverslip._text import printable


class Unheard(Console):
    """A console that goes silent when nobody reads it any more, as after ``| head``.

    The work that it tells of goes on.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich does; its older versions have no `on_broken_pipe`."""
        texts = [printable(it) if isinstance(it, str) else it for it in objects]
        try:
            super().print(*texts, **options)
        except OSError as error:
            # What is said on the way may be lost, where a full disk holds it; what was asked for
            # may not.
            if not (self.stderr or isinstance(error, BrokenPipeError)):
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Send all that comes to nowhere; Python would else complain when it ends."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def plain_console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: a file may be called ``[red].png`` or ``:cat:.tif``."""
    return Unheard(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)
