"""coverslip app: a folder of images → a page in the browser to correct their cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.messages import note, tell
from coverslip.cli.options import Axes, Channel, Project


def app(
    folder: Annotated[Path, typer.Argument(help="Folder of images.")] = Path("."),
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the results; otherwise FOLDER/coverslip."),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Take the images of folders in folders too.")
    ] = False,
    channel: Channel = None,
    axes: Axes = None,
    project: Project = "none",
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port to listen on; 0: the folder's own."),
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and open no browser.")
    ] = False,
) -> None:
    """Look at images, segment them, correct their cells and train on them, in the browser."""
    from coverslip._optional import need

    for package in ("fastapi", "uvicorn"):
        need(package, extra="app", what="coverslip app")
    from coverslip.io import Reading

    reading = Reading(channel, axes, project)
    run_app(folder, out, reading=reading, recursive=recursive, port=port, browser=not no_browser)


def run_app(
    folder: Path, out: Path | None, *, reading: object, recursive: bool, port: int, browser: bool
) -> None:
    """Serve the page of a folder until Ctrl-C.

    Raises:
        CoverslipError: there is no image in the folder, or it is open in another process.
    """
    from typing import cast

    from coverslip.app import (
        Address,
        guarded,
        host_names,
        make_app,
        make_session,
        new_token,
        open_folder,
    )
    from coverslip.app.serving import listen_again, open_browser, opener, serve
    from coverslip.inference.runtime import respect_quota
    from coverslip.io import Reading, only_here

    opened = open_folder(folder, out=out, reading=cast("Reading", reading), recursive=recursive)
    respect_quota()
    records = opened.out / "records"
    with only_here(records / "app", what="coverslip app"):
        session = make_session(opened)
        listener = listen_again("127.0.0.1", port, folder=opened.out)
        address = Address("127.0.0.1", listener.getsockname()[1], new_token())
        hosts = host_names(address.port)
        with opener(records, address) as page:
            tell(f"{folder}: open {address.link}")
            note("nothing leaves this computer; Ctrl-C ends it, and all corrections are kept")
            if browser and not open_browser(page):
                note("no browser was found: open the address above in one")
            web = guarded(make_app(session), token=address.token, hosts=hosts, port=address.port)
            serve(web, listener, on_end=session.events.close)
