"""coverslip reproduce: a part of the paper → its tables and figures, made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Device, Out


def reproduce(
    part: Annotated[
        str,
        typer.Argument(help="table1, table2, table3, table4, ablations, figures or all."),
    ],
    data: Annotated[
        list[Path], typer.Argument(help="Folders of data sets, or one that holds them.")
    ],
    out: Out,
    budget: Annotated[
        str, typer.Option(help="How long every network is trained: trial, cpu, long or full.")
    ] = "cpu",
    steps: Annotated[
        int | None, typer.Option(help="Steps of every training, in place of the budget's.")
    ] = None,
    systems: Annotated[
        str | None, typer.Option(help="Only these systems, with commas between them.")
    ] = None,
    splits: Annotated[
        str | None, typer.Option(help="Only these seeds or folds, such as seed0,fold0.")
    ] = None,
    weights: Annotated[
        str,
        typer.Option(help="ImageNet weights: none, imagenet (downloads) or a folder of copies."),
    ] = "none",
    device: Device = "auto",
    jobs: Annotated[int, typer.Option(help="Trainings side by side.")] = 1,
    time_limit: Annotated[
        float | None, typer.Option(help="Stop in time for so many minutes; start again to go on.")
    ] = None,
    tables_only: Annotated[
        bool, typer.Option("--tables-only", help="Run nothing; tables and figures of what is done.")
    ] = False,
) -> None:
    """Make the paper's tables and figures: train, score, compare."""
    from coverslip.cli.messages import note, tell
    from coverslip.reproduction import Effort, run_reproduce

    effort = Effort(
        budget=budget,
        steps=steps,
        systems=systems,
        splits=splits,
        weights=weights,
        device=device,
        jobs=jobs,
        time_limit_min=time_limit,
        tables_only=tables_only,
    )
    page, failed = run_reproduce(part, data, out=out, effort=effort, on_message=note)
    tell(f"{page}")
    raise typer.Exit(1 if failed else 0)
