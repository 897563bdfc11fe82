"""a session → a web application, and the process that serves it."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from coverslip.app import routes_edits, routes_images, routes_models, routes_service, routes_tracks
from coverslip.app.corrections import Corrections
from coverslip.app.docs_page import docs_page
from coverslip.app.folder import MissingError
from coverslip.app.guard import COOKIE, Guard, Limits
from coverslip.app.jobs import BusyError
from coverslip.app.service import Service
from coverslip.app.session import Session
from coverslip.errors import CoverslipError, SettingsError
from coverslip.provenance import package_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from coverslip.app.folder import Folder

PAGE = Path(__file__).parent / "page"
NO_PAGE = "<!doctype html><title>coverslip</title><p>The page is not installed."


def make_session(folder: Folder) -> Session:
    """All that the pages of one start share, with what earlier starts left.

    Raises:
        CoverslipError: what they left cannot be read.
    """
    return Session(folder, Corrections(folder).open())


def make_app(session: Session) -> FastAPI:
    """The web application of a folder, without its guard."""

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        session.start()
        try:
            yield
        finally:
            session.stop()

    app = new_app("coverslip app", lifespan=run)
    app.state.session = session
    app.include_router(routes_images.router)
    app.include_router(routes_edits.router)
    app.include_router(routes_models.router)
    app.include_router(routes_tracks.router)
    app.include_router(routes_service.router)
    app.state.service = Service(session.jobs, session.warm)
    app.mount("/page", StaticFiles(directory=PAGE, check_dir=False), name="page")

    @app.get("/", include_in_schema=False)
    def get_page() -> Response:
        index = PAGE / "index.html"
        return FileResponse(index) if index.is_file() else HTMLResponse(NO_PAGE)

    return app


def make_service(service: Service) -> FastAPI:
    """The web application of a laboratory's server, without its guard."""

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            service.jobs.close()

    app = new_app("coverslip serve", lifespan=run)
    app.state.service = service
    app.include_router(routes_service.router)
    return app


def new_app(title: str, **more: Any) -> FastAPI:
    """An application whose errors are sentences, and whose documents come from nowhere else."""
    app = FastAPI(
        title=title, version=package_version("coverslip"), docs_url=None, redoc_url=None, **more
    )
    app.add_exception_handler(CoverslipError, tell_mistake)
    app.add_exception_handler(RequestValidationError, tell_misfit)
    app.add_exception_handler(HTTPException, tell_status)
    app.add_exception_handler(Exception, tell_surprise)

    @app.get("/docs", include_in_schema=False)
    def get_docs() -> Response:
        return HTMLResponse(docs_page(app))

    return app


def tell_mistake(request: Request, error: Exception) -> Response:
    """What a person can mend, in a sentence."""
    status = 400
    is_page = request.url.path.startswith("/api/")
    if is_page and isinstance(error, SettingsError):
        status = 409
    if request.url.path in ("/api/undo", "/api/redo"):
        status = 409
    if isinstance(error, BusyError):
        return JSONResponse({"error": str(error)}, 503, headers={"Retry-After": "10"})
    if isinstance(error, MissingError):
        status = 404
    return JSONResponse({"error": str(error)}, status_code=status)


def tell_misfit(request: Request, error: Exception) -> Response:
    """What of a request is not as it should be."""
    assert_misfit: Any = error
    found = assert_misfit.errors()[:3]
    parts = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in found]
    return JSONResponse(
        {"error": f"the request is not as it should be ({'; '.join(parts)})."}, status_code=422
    )


def tell_status(request: Request, error: Exception) -> Response:
    """That an address is not there, in a sentence."""
    known: Any = error
    text = "there is nothing at this address." if known.status_code == 404 else str(known.detail)
    return JSONResponse(
        {"error": text}, status_code=known.status_code, headers=getattr(known, "headers", None)
    )


def tell_surprise(request: Request, error: Exception) -> Response:
    """What nobody expected, in a sentence; the traceback goes to the terminal."""
    text = f"something went wrong that coverslip did not expect ({type(error).__name__}: {error})."
    return JSONResponse({"error": text}, status_code=500)


@dataclass(frozen=True)
class Address:
    """Where a server is reached.

    Attributes:
        host: that it listens on.
        port: that it listens on.
        token: that every request needs.
    """

    host: str
    port: int
    token: str

    @property
    def link(self) -> str:
        """What a person opens in a browser."""
        return f"http://{self.host}:{self.port}/?token={self.token}"


def guarded(
    app: FastAPI,
    *,
    token: str,
    hosts: frozenset[str] | None,
    port: int = 0,
    limits: Limits | None = None,
) -> Guard:
    """An application that answers those alone who have the token."""
    cookie = f"{COOKIE}_{port}" if port else COOKIE
    return Guard(app, token, hosts, limits or Limits(), cookie=cookie)


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)
