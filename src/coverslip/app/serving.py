"""a web application → a process that listens on a port until it is told to end."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import webbrowser
from contextlib import contextmanager, suppress
from html import escape
from typing import TYPE_CHECKING, Any

import uvicorn

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from coverslip.app.guard import App
    from coverslip.app.server import Address

SHUT_DOWN_S = 3  # that open requests have, once the server is told to end
FIRST_PORT, N_PORTS = 20_000, 10_000  # below those that systems give away
OPENER = "open_app.html"


class Server(uvicorn.Server):
    """A server that ends its streams of events first, which would else keep it from ending."""

    def __init__(self, config: uvicorn.Config, on_end: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_end = on_end

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End at a signal."""
        self.on_end()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0: any that is free.

    Raises:
        SettingsError: the port is taken, or the host is not of this computer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(128)  # so that nobody is turned away while the application starts
    except (OSError, OverflowError) as error:
        found.close()
        why = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"--host {host} --port {port}: cannot be listened on ({why}). Choose another port, or "
            "leave --port out for a free one."
        ) from error
    return found


def listen_again(host: str, port: int, *, folder: Path) -> socket.socket:
    """A socket that listens; port 0: the same for a folder each time, where that is free.

    So a page that was open when the program ended finds it again with what it has not sent yet.

    Raises:
        SettingsError: a port that was asked for is taken.
    """
    if port:
        return listen(host, port)
    number = int(hashlib.sha256(os.path.abspath(folder).encode("utf-8", "replace")).hexdigest(), 16)
    try:
        return listen(host, FIRST_PORT + number % N_PORTS)
    except SettingsError:
        return listen(host, 0)


def serve(app: App, listener: socket.socket, *, on_end: Callable[[], None]) -> None:
    """Answer requests until a signal comes.

    Args:
        app: the application, with its guard.
        listener: of `listen`.
        on_end: called when it is told to end, before open requests are waited for.
    """
    config = uvicorn.Config(
        app,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        ws="none",
        http="h11",
        lifespan="on",
        timeout_graceful_shutdown=SHUT_DOWN_S,
        timeout_keep_alive=30,
        limit_concurrency=512,
    )
    Server(config, on_end).run(sockets=[listener])


@contextmanager
def opener(folder: Path, address: Address) -> Iterator[Path]:
    """A file that leads a browser to the address, which only its owner may read.

    A browser that is started with an address shows it, token and all, to every user of the
    computer who lists the processes.
    """
    path = folder / OPENER
    target = escape(address.link, quote=True)
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><title>coverslip</title>'
        f'<meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0; url={target}"><a href="{target}">coverslip</a>\n',
        encoding="utf-8",
    )
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink()


def open_browser(path: Path) -> bool:
    """Show a file in the browser; False where there is none."""
    try:
        return webbrowser.open(path.absolute().as_uri())
    except (webbrowser.Error, OSError):
        return False
