"""coverslip serve: requests of other programs → cells, by one model that stays open for all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.messages import note, tell
from coverslip.errors import SettingsError

TOKEN = "COVERSLIP_TOKEN"
LEAST_TOKEN = 16  # characters that a token must have where others reach the port


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(help="That every request needs; better in COVERSLIP_TOKEN, as ps shows it."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model to open at once; others open when asked for.")
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(help="Folder of further models: those of the app."),
    ] = None,
    max_mb: Annotated[int, typer.Option(min=1, help="Largest request, in MB.")] = 256,
    max_waiting: Annotated[int, typer.Option(min=1, help="Images that may wait.")] = 64,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds that a request may wait for its cells.")
    ] = 300,
) -> None:
    """Segment images that other programs send: a service for a laboratory."""
    from coverslip._optional import need

    for package in ("fastapi", "uvicorn"):
        need(package, extra="app", what="coverslip serve")
    from coverslip.app import Limits, Service
    from coverslip.app.jobs import Jobs
    from coverslip.app.warm import Warm

    warm = Warm(models or Path("no-models"))
    service = Service(Jobs(), warm, most_waiting=max_waiting, most_s=timeout)
    if model is not None:
        warm.open(model)
    limits = Limits(body_bytes=max_mb * 2**20)
    run_serve(host, port, token=choose_token(host, token), service=service, limits=limits)


def choose_token(host: str, token: str | None) -> str:
    """The token that was given, or a new one where nobody else reaches the port.

    Raises:
        SettingsError: there is none for a port that others reach, or one that can be guessed.
    """
    from coverslip.app import is_loopback, new_token

    given = token or os.environ.get(TOKEN)
    if is_loopback(host):
        return given or new_token()
    if given is None:
        raise SettingsError(
            f"--host {host}: others reach this computer there, so wanted --token, or better a "
            f"token in {TOKEN}; without one, coverslip listens on 127.0.0.1 alone."
        )
    if len(given) < LEAST_TOKEN:
        raise SettingsError(
            f"a token of {len(given)} characters can be guessed: wanted {LEAST_TOKEN} or more, "
            f"such as {new_token()}"
        )
    return given


def run_serve(host: str, port: int, *, token: str, service: object, limits: object) -> None:
    """Answer requests until Ctrl-C.

    Raises:
        SettingsError: the port is taken.
    """
    from typing import cast

    from coverslip.app import (
        Limits,
        Service,
        guarded,
        host_names,
        is_loopback,
        make_service,
        serving,
    )
    from coverslip.inference.runtime import respect_quota

    respect_quota()
    listener = serving.listen(host, port)
    port = listener.getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    tell(f"http://{name}:{port}/docs")
    if is_loopback(host):
        note(f"only this computer reaches it; every request needs: Authorization: Bearer {token}")
    else:
        note(
            "requests travel as they are, so that whoever listens in reads images and token: keep "
            "it in a network that you trust, or behind a proxy with TLS"
        )
    web = guarded(
        make_service(cast("Service", service)),
        token=token,
        hosts=host_names(port) if is_loopback(host) else None,
        limits=cast("Limits", limits),
    )
    serving.serve(web, listener, on_end=lambda: None)
