"""The roots of every error tree.

::

    WebvdiError
    ├── ProtocolError ── LocalProtocolError (our bug) · RemoteProtocolError (the peer's fault)
    ├── StateError                    a call that this state does not allow
    ├── Refused                       policy said no; expected, counted by reason, no traceback
    ├── NotFound · Conflict           a thing that is not there · one that is there already
    └── (each room adds its own below these)

Every message is written for the person who will read it: what was wrong, and what to do.
"""


class WebvdiError(Exception):
    """Anything that webvdi raises on purpose; ``str(error)`` may be shown to the user."""


class ProtocolError(WebvdiError):
    """A conversation broke its rules."""


class LocalProtocolError(ProtocolError):
    """We broke the rules: a bug of ours."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules; the link to it is closed, nothing else is."""


class StateError(WebvdiError):
    """An operation came at the wrong time; both states are named."""

    def __init__(self, message: str, *, state: str, required: str) -> None:
        super().__init__(f"{message} (it is {state}; it would have to be {required})")
        self.state = state
        self.required = required


class Refused(WebvdiError):
    """Policy refused a request.

    *reason* is a short stable label for counting and for programs, *log_message* is what an
    operator may read but a stranger may not.
    """

    def __init__(self, message: str, *, reason: str, log_message: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.log_message = log_message or message


class NotFound(WebvdiError):
    """There is no such thing."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} named {name!r}")
        self.kind = kind
        self.name = name


class Conflict(WebvdiError):
    """The thing exists already, with other properties."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"a {kind} named {name!r} exists already")
        self.kind = kind
        self.name = name
