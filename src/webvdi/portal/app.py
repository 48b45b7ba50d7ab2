"""The portal's ASGI application.

Every path is relative to where the portal is mounted, so it works below any prefix.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import URL, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webvdi.access.claims import ClaimsInvalid
from webvdi.access.origins import same_origin
from webvdi.base.errors import Refused, WebvdiError
from webvdi.broker.broker import Broker
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.portal.login import Logins

BROWSER = Path(__file__).parents[1] / "browser"

MAX_BODY_BYTES = 64 << 10
"""Bound on a request's body; the API's are a few dozen bytes."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; "
        "connect-src 'self' ws: wss:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def portal(
    broker: Broker,
    logins: Logins,
    websocket: ASGIApp,
    *,
    any_host: bool,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
) -> ASGIApp:
    """The whole site.

    *websocket* serves the viewers' WebSockets.  *any_host* false means that only loopback names
    and bare addresses are served: without logins, a stranger's page could otherwise reach us by
    pointing its own name here (DNS rebinding).
    """
    api = _Api(broker, logins)
    routes: list[BaseRoute] = [
        Route("/", api.page),
        Route("/login", api.login, methods=["GET", "POST"]),
        Route("/api/ticket", api.ticket, methods=["POST"]),
        Route("/api/machine", api.machine),
        Route("/api/machine/start", api.start, methods=["POST"]),
        WebSocketRoute("/ws", websocket),
        *(
            Mount(f"/static/{part}", StaticFiles(directory=BROWSER / part))
            for part in ("viewer", "portal", "locale")
        ),
    ]
    app = Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={WebvdiError: _webvdi_error}
    )
    return _Guard(app, any_host=any_host)


class _Api:
    def __init__(self, broker: Broker, logins: Logins) -> None:
        self._broker = broker
        self._logins = logins

    async def page(self, request: Request) -> Response:
        """The viewer page; a login token in the query becomes a cookie first."""
        token = request.query_params.get("token")
        if token is not None and request.method == "GET":  # a HEAD is somebody's preview
            return self._redeem(request, token)
        if self._logins.subject(request) is None:
            return RedirectResponse("login", 303)
        return FileResponse(BROWSER / "portal" / "viewer.html")

    async def login(self, request: Request) -> Response:
        """The form for a token, and what it sends."""
        if request.method == "POST":
            form = parse_qs((await _body(request)).decode("ascii", "replace"))
            return self._redeem(request, _token_in(form.get("token", [""])[0].strip()))
        return FileResponse(BROWSER / "portal" / "login.html")

    def _redeem(self, request: Request, token: str) -> Response:
        try:
            self._logins.redeem(token)
        except ClaimsInvalid as error:
            if self._logins.subject(request) is not None:
                return RedirectResponse(_home(request), 303)  # a used link, a known browser
            return RedirectResponse(f"login?error={error.reason}", 303)
        response = RedirectResponse(_home(request), 303)
        self._logins.let_in(response, request)
        return response

    async def ticket(self, request: Request) -> Response:
        """A ticket for the viewer protocol's *Attach*."""
        subject = self._required(request)
        view_only = _wants_view_only(await _body(request))
        ticket = await self._broker.ticket(subject, view_only=view_only)
        return JSONResponse({"ticket": ticket, "name": self._broker.target.title})

    async def machine(self, request: Request) -> Response:
        """How the machine is."""
        self._required(request)
        status = await self._broker.target.status()
        return JSONResponse(
            {
                "name": self._broker.target.title,
                "state": status.state.name.lower(),
                "detail": status.detail,
                "can_start": status.can_start,
            }
        )

    async def start(self, request: Request) -> Response:
        """Start the machine."""
        self._required(request)
        await self._broker.start()
        return JSONResponse({"ok": True})

    def _required(self, request: Request) -> str:
        subject = self._logins.subject(request)
        if subject is None:
            raise _NotLoggedIn
        return subject


class _NotLoggedIn(WebvdiError):
    def __str__(self) -> str:
        return "log in first: open the link that webvdi printed"


def _wants_view_only(body: bytes) -> bool:
    """What a ticket's request asks for; what is no JSON object is refused, not guessed at."""
    try:
        asked = json.loads(body or b"{}")
        return bool(asked.get("view_only", False))
    except (ValueError, AttributeError) as error:
        raise Refused("the body must be a JSON object", reason="bad_request") from error


def _token_in(pasted: str) -> str:
    """The token, of which people paste the whole link."""
    return parse_qs(urlsplit(pasted).query).get("token", [pasted])[0]


def _home(request: Request) -> str:
    """The page, with the query's other parameters."""
    query = [(k, v) for k, v in request.query_params.multi_items() if k != "token"]
    return f"./?{urlencode(query)}" if query else "./"


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(f"a body is at most {MAX_BODY_BYTES} bytes", reason="body_too_large")
    return body


async def _webvdi_error(_: Request, error: Exception) -> Response:
    """An error as problem+json (RFC 9457)."""
    match error:
        case _NotLoggedIn():
            status, title = 401, "Not logged in"
        case ServerUnavailable():
            status, title = 503, "Not available just now"
        case Refused(reason="bad_request"):
            status, title = 400, "Not understood"
        case Refused(reason="body_too_large"):
            status, title = 413, "Too large"
        case Refused():
            status, title = 403, "Refused"
        case _:
            status, title = 409, "That did not work"
    problem = {"title": title, "detail": str(error), "status": status}
    return JSONResponse(problem, status, media_type="application/problem+json")


class _Guard:
    """What holds for every request: known host, own pages for POST, headers on every answer."""

    def __init__(self, app: ASGIApp, *, any_host: bool) -> None:
        self._app = app
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if not self._any_host and not _harmless_host(connection.url):
            await _refuse(scope, receive, send, "this host name is not served without logins")
        elif scope["type"] == "http" and _foreign_post(scope, connection):
            await _refuse(scope, receive, send, "this request came from another site's page")
        else:
            await self._app(scope, receive, _with_headers(send))


def _harmless_host(url: URL) -> bool:
    host = url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _foreign_post(scope: Scope, connection: HTTPConnection) -> bool:
    if scope["method"] in ("GET", "HEAD"):
        return False
    headers = connection.headers
    return not same_origin(headers.get("origin"), headers.get("host"), scope["scheme"])


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    problem: dict[str, Any] = {"title": "Refused", "detail": why, "status": 403}
    response = JSONResponse(problem, 403, media_type="application/problem+json")
    await response(scope, receive, send)


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
