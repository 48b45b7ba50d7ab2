"""Errors as HTTP answers: ``application/problem+json`` (RFC 9457).

``reason`` is short, stable and for programs; ``title`` and ``detail`` are for people.  The list of
reasons is in docs/reference/errors.md.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from webvdi.base.errors import Conflict, NotFound, Refused, StateError, WebvdiError
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.portal.wrong import wrongs
from webvdi.store.errors import StoreError
from webvdi.vmm.errors import (
    CapacityExceeded,
    DiskError,
    EngineInUse,
    InvalidSpec,
    LaunchFailed,
    MonitorLost,
    Overtaken,
    RestoreFailed,
    SaveFailed,
    StillRunning,
    Unavailable,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

MAX_OUTPUT = 4096
"""Characters of a program's output that an answer repeats."""

TITLES = {
    400: "Not understood",
    401: "Not logged in",
    403: "Refused",
    404: "Not found",
    405: "Not possible here",
    409: "Not possible just now",
    413: "Too large",
    422: "Not valid",
    429: "Too often",
    500: "An error of webvdi",
    502: "The machine failed",
    503: "Not available just now",
}

STATUS_OF_REASON = {
    "bad_request": 400,
    "bad_name": 400,
    "body_too_large": 413,
    "upload_offset": 409,
    "image_exists": 409,
    "in_use": 409,
    "not_ours": 409,
    "not_served": 409,
    "serial_full": 409,
    "too_many": 409,
    "too_many_uploads": 409,
    "too_many_streams": 429,
}
"""Of :class:`Refused`; the others are 403."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error answer says."""

    status: int
    reason: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)
    """Members of this reason."""
    headers: Mapping[str, str] = field(default_factory=dict)


class NotLoggedIn(WebvdiError):
    """Nobody we know asks."""

    def __str__(self) -> str:
        return "log in first: open the link that webvdi printed; webvdi url prints another"


class TooOften(WebvdiError):
    """Too many wrong tokens came from one address."""

    def __init__(self, pause_s: int) -> None:
        super().__init__(f"too many wrong tokens came from your address; wait {pause_s} seconds")
        self.pause_s = pause_s


class WrongOffset(Refused):
    """A piece of an upload for another place than the next; *offset* is the right one."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message, reason="upload_offset")
        self.offset = offset


FAILURES: tuple[tuple[type[WebvdiError], int, str], ...] = (
    (NotLoggedIn, 401, "not_logged_in"),
    (TooOften, 429, "too_often"),
    (NotFound, 404, "not_found"),
    (Conflict, 409, "conflict"),
    (StateError, 409, "state"),
    (InvalidSpec, 422, "invalid"),
    (DiskError, 422, "disk"),
    (LaunchFailed, 502, "launch_failed"),
    (SaveFailed, 502, "save_failed"),
    (RestoreFailed, 502, "restore_failed"),
    (StillRunning, 409, "still_running"),
    (Overtaken, 409, "overtaken"),
    (MonitorLost, 502, "monitor_lost"),
    (EngineInUse, 503, "engine_in_use"),
    (ServerUnavailable, 503, "server_unavailable"),
    (StoreError, 503, "store"),
    (WebvdiError, 409, "failed"),
)
"""Everything but :class:`Refused`, which brings its reason along; the first that fits counts."""


def problem_of(error: WebvdiError) -> Problem:
    """What *error* is over HTTP."""
    more, headers = _more(error), {}
    if isinstance(error, Refused):
        status = STATUS_OF_REASON.get(error.reason, 403)
        if isinstance(error, CapacityExceeded | Unavailable):
            status = 409
        return Problem(status, error.reason, str(error), more)
    status, reason = next((s, r) for kind, s, r in FAILURES if isinstance(error, kind))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": "1"}
    elif isinstance(error, TooOften):
        headers = {"Retry-After": str(error.pause_s)}
    return Problem(status, reason, str(error), more, headers)


def _more(error: WebvdiError) -> dict[str, object]:
    """What programs are told beside the reason."""
    match error:
        case TooOften():
            return {"retry_after_s": error.pause_s}
        case NotFound() | Conflict():
            return {"kind": error.kind}
        case StateError():
            return {"state": error.state, "required": error.required}
        case WrongOffset():
            return {"offset": error.offset}
        case LaunchFailed():
            return {"output": error.output[-MAX_OUTPUT:], "exit_code": error.exit_code}
        case RestoreFailed():
            return {"output": error.output[-MAX_OUTPUT:]}
        case _:
            return {}


def problem_response(problem: Problem) -> Response:
    """*problem* as an answer."""
    body = {
        "type": f"urn:webvdi:problem:{problem.reason}",
        "title": TITLES.get(problem.status) or HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "reason": problem.reason,
        **problem.more,
    }
    headers = dict(problem.headers)
    return JSONResponse(body, problem.status, headers, media_type=MEDIA_TYPE)


def handle_errors(app: FastAPI) -> None:
    """Let every error of *app* be a problem."""
    app.add_exception_handler(WebvdiError, _webvdi_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)


async def _webvdi_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, WebvdiError)
    if isinstance(error, Refused) and error.log_message != str(error):
        logger.info("refused (%s): %s", error.reason, error.log_message)
    return problem_response(problem_of(error))


async def _invalid(request: Request, error: Exception) -> Response:
    """What the request's shape got wrong, field by field."""
    assert isinstance(error, RequestValidationError)
    document = request.app.openapi()
    operation = document["paths"][request.scope["route"].path][request.method.lower()]
    errors = wrongs(error.errors(), operation, document["components"]["schemas"])
    words = "; ".join(
        f"{e['field'] or 'the ' + str(e['where'])} {e['message']}" for e in errors[:5]
    )
    return problem_response(Problem(422, "invalid", words, {"errors": errors}))


_HTTP_REASONS = {404: "not_found", 405: "method", 413: "body_too_large"}


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    reason = _HTTP_REASONS.get(error.status_code, "bad_request")
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "there is nothing at this address"
    elif error.status_code == HTTPStatus.BAD_REQUEST:
        detail = "the body cannot be read: it must be JSON in UTF-8"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = "this address does not take that method"
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return problem_response(Problem(error.status_code, reason, detail, headers=headers))


def _methods_at(request: Request) -> set[str]:
    """All methods of this address, each a route of its own (Allow: RFC 9110 §10.2.1)."""
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


async def _bug(_: Request, __: Exception) -> Response:
    """The server logs it; a stranger learns nothing."""
    return problem_response(Problem(500, "internal", "an error of webvdi; its log says more"))
