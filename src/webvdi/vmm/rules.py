"""Which verb fits which state, for every engine alike.

Three answers: there is something to do; it is so already (a repeat, not an error); or the verb
makes no sense now.  ``kill`` and ``delete`` fit every state.
"""

from collections.abc import Sequence

from webvdi.base.errors import StateError
from webvdi.vmm.machine import PowerState
from webvdi.vmm.operation import Verb

OFF = frozenset({PowerState.STOPPED, PowerState.CRASHED})
"""States in which nothing of a run is left, so that the machine may become another."""

WITHOUT_PROCESS = OFF | {PowerState.SAVED}
"""States that cost the host no more than disk."""

WITH_SCREEN = frozenset({PowerState.RUNNING, PowerState.PAUSED, PowerState.STOPPING})
"""States in which there is a console to connect to."""

_EVERY = frozenset(PowerState)
_P = PowerState

# verb: (states in which there is something to do, states in which it is so already)
_TABLE: dict[Verb, tuple[frozenset[PowerState], frozenset[PowerState]]] = {
    Verb.START: (OFF | {_P.SAVED}, frozenset({_P.STARTING, _P.RUNNING})),
    Verb.STOP: (_EVERY - OFF, OFF),
    Verb.KILL: (_EVERY - OFF, OFF),
    Verb.RESET: (frozenset({_P.RUNNING, _P.PAUSED}), frozenset()),
    Verb.PAUSE: (frozenset({_P.RUNNING}), frozenset({_P.PAUSED})),
    Verb.RESUME: (frozenset({_P.PAUSED}), frozenset({_P.RUNNING})),
    Verb.SAVE: (frozenset({_P.RUNNING, _P.PAUSED}), frozenset({_P.SAVED})),
    Verb.DELETE: (_EVERY, frozenset()),
}


def require_screen(what: str, state: PowerState, name: str) -> None:
    """Raise :class:`~webvdi.base.errors.StateError` unless there is a screen in *state*."""
    if state not in WITH_SCREEN:
        required = " or ".join(sorted(WITH_SCREEN))
        raise StateError(f"cannot {what} the machine {name!r}", state=state, required=required)


def require_idle(what: str, state: PowerState, pending: Sequence[Verb], name: str) -> None:
    """Raise :class:`~webvdi.base.errors.StateError` unless a machine is off and stays so.

    *pending* are the verbs that wait or are under way.
    """
    if state in OFF and not pending:
        return
    now = f"about to {pending[0]}" if state in OFF else state.value
    required = " or ".join(sorted(OFF))
    raise StateError(f"cannot {what} the machine {name!r}", state=now, required=required)


def to_do(verb: Verb, state: PowerState, name: str) -> bool:
    """Whether *verb* has something to do in *state*; False means that it is so already.

    Raises :class:`~webvdi.base.errors.StateError` where the verb does not fit.
    """
    fits, already = _TABLE[verb]
    if state in fits:
        return True
    if state in already:
        return False
    required = " or ".join(sorted(fits))
    raise StateError(f"cannot {verb} the machine {name!r}", state=state, required=required)
