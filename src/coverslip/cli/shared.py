"""a verb → the same verb with the options that every verb has: settings, log, quiet, JSON."""

from __future__ import annotations

import inspect
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli.config import (
    FromFile,
    config_message,
    read_config,
    save_config,
    spell_command,
    write_section,
)
from coverslip.cli.listeners import Listeners, listening
from coverslip.cli.messages import note

if TYPE_CHECKING:
    from collections.abc import Callable

FOUND = "coverslip.config"  # where the context keeps what a file said


def take_config(ctx: typer.Context, name: str | None) -> str | None:
    """Read a file of settings, before the other options are looked at: these are its defaults."""
    if name is not None and not ctx.resilient_parsing:
        group: Any = ctx.parent.command if ctx.parent is not None else None
        found = read_config(name, ctx, verbs=getattr(group, "commands", None) or [ctx.info_name])
        ctx.meta[FOUND] = found
        ctx.default_map = {**(ctx.default_map or {}), **found.values}
    return name


SHARED: dict[str, tuple[Any, Any]] = {
    "config": (
        Annotated[
            str | None,
            typer.Option(
                "--config",
                is_eager=True,
                callback=take_config,
                help="Take what is not typed here from this TOML file, or a preset of this name.",
            ),
        ],
        None,
    ),
    "save_config": (
        Annotated[
            str | None,
            typer.Option("--save-config", help="Write all settings into this file, or a preset."),
        ],
        None,
    ),
    "log_file": (
        Annotated[
            Path | None,
            typer.Option("--log-file", help="Add all that is said, with its time, to this file."),
        ],
        None,
    ),
    "quiet": (
        Annotated[bool, typer.Option("--quiet", help="Say results, failures and errors only.")],
        False,
    ),
    "json": (
        Annotated[
            bool,
            typer.Option("--json", help="One JSON object a line on stdout: for pipelines."),
        ],
        False,
    ),
}


def with_shared(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with the options of `SHARED` behind its own; `doctor` has a --json of its own."""
    own = inspect.signature(verb, eval_str=True)
    shared_here = {name: it for name, it in SHARED.items() if f"as_{name}" not in own.parameters}

    @wraps(verb)
    def run(**values: Any) -> None:
        ctx, shared = values.pop("ctx"), {name: values.pop(name) for name in shared_here}
        heard = Listeners(
            verb=ctx.info_name,
            command=spell_command(ctx),
            config=write_section(ctx),
            quiet=shared["quiet"],
            json_lines=shared.get("json", False),
        )
        with listening(heard, log_file=shared["log_file"]):
            found: FromFile | None = ctx.meta.get(FOUND)
            if found is not None:
                note(config_message(found, ctx))
            if shared["save_config"] is not None:
                note(f"settings saved: {save_config(shared['save_config'], ctx)}")
            verb(**values)

    kind = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter(name, kind, default=default, annotation=annotation)
        for name, (annotation, default) in shared_here.items()
    ]
    context = inspect.Parameter("ctx", kind, annotation=typer.Context)
    parameters = [one.replace(kind=kind) for one in own.parameters.values()]
    run.__signature__ = own.replace(parameters=[context, *parameters, *more])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in [context, *parameters, *more]}
    del run.__wrapped__  # else its annotations would be read
    return run
