"""a request → passed on, or refused: who may talk to the server, from where, and how much.

The server listens on this computer alone, but so can every other user of it, and every page that a
browser has open can send requests there. So a request needs the token, must be addressed to the
server by its own name (against DNS rebinding), and must not come from another page.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "coverslip"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; "
        b"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
)


@dataclass(frozen=True)
class Limits:
    """What a request may cost."""

    body_bytes: int = 256 * 2**20  # an image of 8,192 × 8,192 pixels of 16 bits is half of it
    upload_s: float = 120.0  # a body that trickles in for longer is given up


@dataclass(frozen=True)
class Guard:
    """Stands before the application, and lets in who has the token.

    Attributes:
        app: what answers.
        token: of this start.
        hosts: the names by which the server may be addressed; None: any, and then no cookie is
            taken, so that no page of a browser can use one.
        limits: what a request may cost.
        cookie: its name; cookies know no ports, and there may be several servers.
    """

    app: App
    token: str
    hosts: frozenset[str] | None
    limits: Limits = Limits()
    cookie: str = COOKIE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it in a sentence."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self.refuse(scope, headers)
        if refusal is not None:
            await answer(send, *refusal)
            return
        if self.is_first(scope):
            await self.give_cookie(scope, send)
            return
        await self.pass_on(scope, receive, send)

    def refuse(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """The status and the sentence with which a request is refused; None: it is not."""
        host = headers.get("host", "")
        if self.hosts is not None and host.lower() not in self.hosts:
            return 403, (
                f"this server is not called {host[:80]!r}: use the address that it printed when it "
                "was started."
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "a page of another address may not use this server: open its own page."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            if not self.is_first(scope):
                return 403, "a page of another address may not use this server: open its own page."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.limits.body_bytes:
            return 413, too_long(self.limits)
        if not self.is_known(scope, headers):
            return 401, (
                "the token is missing or wrong: open the address that was printed when the server "
                "was started, or send the header 'Authorization: Bearer TOKEN'."
            )
        return None

    def is_known(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Whether a request brings the token."""
        given = headers.get("authorization", "")
        if given[:7].lower() == "bearer ":
            return same(given[7:].strip(), self.token)
        if self.hosts is None:
            return False
        if self.is_first(scope):
            return True
        return any(
            same(value, self.token) for value in cookies(headers.get("cookie", ""), self.cookie)
        )

    def is_first(self, scope: Scope) -> bool:
        """Whether it is the first request of a browser, which has the token in its address."""
        if self.hosts is None or scope["path"] != "/" or scope["method"] != "GET":
            return False
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return any(same(one, self.token) for one in given)

    async def give_cookie(self, scope: Scope, send: Send) -> None:
        """Take the token out of the address, where it would stand in the browser's history."""
        cookie = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), *HEADERS]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, as long as the body is not too long or too slow."""
        body = Body(receive, self.limits, asyncio.get_running_loop().time() + self.limits.upload_s)
        is_refused = False

        async def with_headers(message: Message) -> None:
            nonlocal is_refused
            if is_refused:
                return
            if message["type"] == "http.response.start":
                if body.refusal is not None:  # in place of what is said of half a body
                    is_refused = True
                    await answer(send, *body.refusal)
                    return
                message = {**message, "headers": with_ours(message.get("headers", []))}
            await send(message)

        await self.app(scope, body.receive, with_headers)


@dataclass
class Body:
    """The body of a request, which is cut off where it is too long or too slow.

    Attributes:
        source: gives the next piece.
        limits: what it may cost.
        gives_up: when it must be whole, by the clock of the loop.
        refusal: why it was cut off, as a status and a sentence.
    """

    source: Receive
    limits: Limits
    gives_up: float
    n_bytes: int = 0
    is_whole: bool = False
    refusal: tuple[int, str] | None = None

    async def receive(self) -> Message:
        """The next piece."""
        if self.is_whole:
            return await self.source()
        left = self.gives_up - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(self.source(), max(0.0, left))
        except TimeoutError:
            return self.refuse(408, "the request came too slowly, and was given up: try again.")
        self.n_bytes += len(message.get("body", b""))
        self.is_whole = not message.get("more_body", False)
        if self.n_bytes > self.limits.body_bytes:
            return self.refuse(413, too_long(self.limits))
        return message

    def refuse(self, status: int, text: str) -> Message:
        """Cut it off."""
        self.refusal, self.is_whole = (status, text), True
        return {"type": "http.disconnect"}


def too_long(limits: Limits) -> str:
    """What is said of a body that is too long."""
    return (
        f"the request is too long: {limits.body_bytes:,} bytes at most are taken. Send a smaller "
        "image, or segment it on the command line."
    )


def with_ours(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that every answer has."""
    known = {name.lower() for name, _ in headers}
    ours = [*HEADERS, (b"cache-control", b"no-store")]
    return [*headers, *(one for one in ours if one[0] not in known)]


def same(given: str, token: str) -> bool:
    """Whether two texts are the same, in a time that does not tell how far they agree."""
    return secrets.compare_digest(given.encode("utf-8", "replace"), token.encode())


def cookies(text: str, name: str) -> list[str]:
    """The values of a cookie in a header."""
    try:
        found = SimpleCookie(text).get(name)
    except CookieError:
        return []
    return [] if found is None else [found.value]


async def answer(send: Send, status: int, error: str) -> None:
    """Refuse a request in a sentence."""
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def host_names(port: int) -> frozenset[str]:
    """How a server on this computer may be addressed."""
    names = ("127.0.0.1", "localhost", "[::1]")
    return frozenset(f"{name}:{port}" for name in names) | (
        frozenset(names) if port == 80 else frozenset()
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this computer alone."""
    return host in LOOPBACK
