"""a command line → one of the verbs; heavy imports only inside them."""

from __future__ import annotations

import sys

import typer

from coverslip.cli.demo import demo
from coverslip.cli.doctor import doctor
from coverslip.cli.evaluate import evaluate
from coverslip.cli.export import export
from coverslip.cli.measure import measure
from coverslip.cli.models import models
from coverslip.cli.reproduce import reproduce
from coverslip.cli.robustness import robustness
from coverslip.cli.score import score
from coverslip.cli.segment import segment
from coverslip.cli.suggest import suggest
from coverslip.cli.train import train
from coverslip.cli.view import view

VERBS = (
    segment,
    measure,
    train,
    suggest,
    evaluate,
    score,
    robustness,
    export,
    view,
    reproduce,
    models,
    demo,
    doctor,
)

app = typer.Typer(
    name="coverslip",
    help="From microscope images to masks, cells and tables: on a laptop, offline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help appears twice as fast
    pretty_exceptions_enable=False,
)
for verb in VERBS:
    app.command()(verb)


def main() -> None:
    """Run the command line: 0 all well, 1 some images failed, 2 a mistake to mend, 130 Ctrl-C."""
    from coverslip.errors import CoverslipError

    try:
        app(prog_name="coverslip")
    except CoverslipError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # what typer makes of Ctrl-C
            typer.echo("stopped.", err=True)
        raise
