"""How commands end: the exit codes, and the errors that only the command line knows."""

from enum import IntEnum

from webvdi.base.errors import Conflict, NotFound, Refused, StateError, WebvdiError


class Exit(IntEnum):
    """What a command's exit code says (docs/reference/command-line.md)."""

    DONE = 0
    FAILED = 1
    """Refused or failed."""
    USAGE = 2
    """What was typed cannot be meant, whoever noticed: typer, a command, or the service.

    What is right but refused, or fails, is :attr:`FAILED`: a file that is not there, a port in use.
    """
    NOT_FOUND = 3
    CONFLICT = 4
    """It exists already, or is in a state that does not allow this."""
    UNAVAILABLE = 5
    """The service, or its machines, cannot be had just now."""
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "refused or failed; stderr says why",
    Exit.USAGE: "the command line is wrong: an option, or a value that cannot be meant",
    Exit.NOT_FOUND: "there is no such machine, guest, image, upload or share",
    Exit.CONFLICT: "it exists already, or its state does not allow this",
    Exit.UNAVAILABLE: "the service does not answer, or another command is at work",
    Exit.INTERRUPTED: "Ctrl-C",
}

_USAGE = ("bad_options", "bad_amount", "bad_endpoint", "bad_listen", "bad_url")
"""Reasons of what commands themselves refuse, that are about the words which were typed."""

_CONFLICTS = ("conflict", "state", "in_use", "image_exists")
"""Reasons of an HTTP 409 that a script may want to tell from a plain refusal."""


class ServiceUnavailable(WebvdiError):
    """Nobody can be asked about the machines just now."""


class Interrupted(WebvdiError):
    """Ctrl-C came while something was going on that is worth a word."""

    reason = "interrupted"


class Problem(WebvdiError):
    """An error as the REST interface told it (RFC 9457)."""

    def __init__(self, status: int, reason: str, title: str, detail: str) -> None:
        super().__init__(detail or title)
        self.status = status
        self.reason = reason
        self.title = title


def exit_code(error: Exception) -> Exit:
    """What the process ends with after *error*."""
    match error:
        case Problem():
            return _of_problem(error)
        case NotFound():
            return Exit.NOT_FOUND
        case Conflict() | StateError():
            return Exit.CONFLICT
        case ServiceUnavailable():
            return Exit.UNAVAILABLE
        case Interrupted():
            return Exit.INTERRUPTED
        case Refused() if error.reason in _USAGE:
            return Exit.USAGE
        case Refused() if error.reason == "file_exists":
            return Exit.CONFLICT
        case _:
            return Exit.FAILED


def _of_problem(problem: Problem) -> Exit:
    if problem.status == 404:
        return Exit.NOT_FOUND
    if problem.status == 503:
        return Exit.UNAVAILABLE
    if problem.status == 409 and problem.reason in _CONFLICTS:
        return Exit.CONFLICT
    if (problem.status, problem.reason) in ((422, "invalid"), (400, "bad_name")):
        return Exit.USAGE
    return Exit.FAILED


def as_problem(error: Exception) -> dict[str, object]:
    """*error* as ``--json`` shows it on stderr: the fields of a problem, and the exit code."""
    code = exit_code(error)
    if isinstance(error, Problem):
        title, status, reason = error.title, error.status, error.reason
    else:
        status = {Exit.NOT_FOUND: 404, Exit.CONFLICT: 409, Exit.UNAVAILABLE: 503}.get(code, 400)
        title = MEANINGS[code]
        reason = str(getattr(error, "reason", "") or type(error).__name__)
    return {
        "title": title,
        "status": status,
        "reason": reason,
        "detail": str(error),
        "exit_code": int(code),
    }
