"""What holds for every request, whatever it asks for.

A known host name, own pages only for what changes something, a bound on the body, and on every
answer the headers that keep pages apart.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webvdi.access.origins import same_origin
from webvdi.portal.problems import Problem, problem_response

MAX_BODY_BYTES = 64 << 10
"""Bound on a request's body; what the API takes as JSON is a few hundred bytes."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; "
        "connect-src 'self' ws: wss:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_LOCAL = "webvdi.local"
_BODY = "webvdi.body"


def is_local(connection: HTTPConnection) -> bool:
    """Whether this came over the owner's own socket (:class:`OwnersDoor`)."""
    return connection.scope.get(_LOCAL) is True


def allow_body(connection: HTTPConnection, max_bytes: int) -> None:
    """Let this request's body have up to *max_bytes*; to be called before it is read."""
    limit = connection.scope[_BODY]
    assert isinstance(limit, _BodyLimit)
    limit.max_bytes = max_bytes


class Guard:
    """The door that browsers come to."""

    def __init__(self, app: ASGIApp, *, any_host: bool) -> None:
        """*any_host* false means that only loopback names and bare addresses are served.

        Without logins, a stranger's page could otherwise reach us by pointing its own name here
        (DNS rebinding).
        """
        self._app = app
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # The mark is the other door's alone; whatever server runs us, it does not bring it in.
        scope = {**scope, _LOCAL: False, _BODY: _BodyLimit()}
        connection = HTTPConnection(scope)
        if not self._any_host and not _harmless_host(connection):
            await _refuse(scope, receive, send, "this host name is not served without logins")
        elif scope["type"] == "http" and _foreign_write(scope, connection.headers):
            await _refuse(scope, receive, send, "this request came from another site's page")
        else:
            await self._app(scope, _bounded(scope, receive), _with_headers(send))


class OwnersDoor:
    """The door behind a socket that only the owner of this host's account can open.

    Every request through it is the owner's; there is no browser, so there is no other site.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the owner."""
        if scope["type"] == "http":
            scope = {**scope, _LOCAL: True, _BODY: _BodyLimit()}
            receive = _bounded(scope, receive)
        await self._app(scope, receive, send)


def _harmless_host(connection: HTTPConnection) -> bool:
    # The header itself, for Starlette's URL puts our own address in place of a name it dislikes.
    try:
        host = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
    except ValueError:  # brackets without an address between them
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _foreign_write(scope: Scope, headers: Headers) -> bool:
    if scope["method"] in ("GET", "HEAD"):
        return False
    return not same_origin(headers.get("origin"), headers.get("host"), scope["scheme"])


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    response = problem_response(Problem(403, "foreign", why))
    await response(scope, receive, _with_headers(send))


@dataclass(slots=True)
class _BodyLimit:
    max_bytes: int = MAX_BODY_BYTES


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """*receive*, which fails with 413 once the body is longer than its limit."""
    if scope["type"] != "http":
        return receive
    limit: _BodyLimit = scope[_BODY]
    announced = Headers(scope=scope).get("content-length", "")
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit.max_bytes:
            raise _too_large(limit)
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit.max_bytes:
            raise _too_large(limit)
        return message

    return bounded


def _too_large(limit: _BodyLimit) -> HTTPException:
    return HTTPException(413, f"the body of this request may have {limit.max_bytes} bytes")


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            # Everything is small and on the same host; a page must never mix two versions of us.
            headers.setdefault("Cache-Control", "no-cache")
        await send(message)

    return send_with_headers
