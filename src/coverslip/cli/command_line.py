"""a command line → one of the verbs; heavy imports only inside them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip._text import printable
from coverslip.cli.compare import compare
from coverslip.cli.demo import demo
from coverslip.cli.doctor import doctor
from coverslip.cli.evaluate import evaluate
from coverslip.cli.evaluate_tracks import evaluate_tracks
from coverslip.cli.export import export
from coverslip.cli.export_model import export_model
from coverslip.cli.measure import measure
from coverslip.cli.models import models
from coverslip.cli.open_app import app as app_verb
from coverslip.cli.other_words import Verb
from coverslip.cli.reproduce import reproduce
from coverslip.cli.robustness import robustness
from coverslip.cli.score import score
from coverslip.cli.segment import segment
from coverslip.cli.serve import serve
from coverslip.cli.shared import with_shared
from coverslip.cli.stack import stack
from coverslip.cli.suggest import suggest
from coverslip.cli.track import track
from coverslip.cli.train import train
from coverslip.cli.tune import tune
from coverslip.cli.view import view

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

VERBS = (
    app_verb,
    segment,
    track,
    stack,
    measure,
    compare,
    train,
    tune,
    suggest,
    evaluate,
    evaluate_tracks,
    score,
    robustness,
    export,
    export_model,
    view,
    serve,
    reproduce,
    models,
    demo,
    doctor,
)

app = typer.Typer(
    name="coverslip",
    add_completion=False,
    rich_markup_mode=None,  # plain help appears twice as fast
    pretty_exceptions_enable=False,
)


for verb in VERBS:
    app.command(cls=Verb)(with_shared(verb))


def tell_version(wanted: bool) -> None:
    """Print the version, in a checkout with the state of its source, and end."""
    if wanted:
        from coverslip.provenance import __version__, code_version

        running = code_version()
        typer.echo(f"coverslip {__version__}" + f" (source: {running})" * (running != __version__))
        raise typer.Exit()


FIRST = """coverslip finds the cells in microscope images. Three commands to begin with:

  coverslip demo                            see it work, on images inside the package
  coverslip segment IMAGES -o RESULTS       your own, with --model phase, nuclei, general or auto
  coverslip doctor                          what this computer can do, and what to mend

All verbs: coverslip --help. The options of one: coverslip segment --help."""


@app.callback(invoke_without_command=True)
def begin(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=tell_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """From microscope images to masks, cells and tables: on a laptop, offline."""
    if ctx.invoked_subcommand is None:
        typer.echo(FIRST)


def main() -> None:
    """Run the command line.

    Its exit status: 0 all well, 1 some images failed, 2 a mistake to mend, 130 Ctrl-C, 143 a
    request to end, as schedulers send it.
    """
    from coverslip.errors import CoverslipError

    open_streams()
    try:
        with ending_when_asked():
            app(prog_name="coverslip")
    except CoverslipError as error:
        tell_end(f"error: {error}")
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        from coverslip._optional import NEEDS_TORCH

        tell_end(f"error: {NEEDS_TORCH}")
        sys.exit(2)
    except SystemExit as end:
        if end.code in (130, 143):
            tell_end("stopped. What is done is kept: the same command goes on (train: --resume).")
        raise
    except OSError as error:
        from coverslip.io import CURES

        if error.errno not in CURES:
            raise
        where = f"{error.filename}: " if error.filename else ""
        tell_end(f"error: {where}{error.strerror}. {CURES[error.errno]}")
        sys.exit(2)


def open_streams() -> None:
    """Open the standard streams that a caller has closed, to nowhere: the work is done anyhow.

    Else the first file that is opened would get their number, and what is said go into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))


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
        typer.echo(printable(text), err=True)
