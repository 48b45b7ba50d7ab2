"""Waiting for another command that is at work on the same machines."""

from pathlib import Path

from webvdi.cli import errors_as
from webvdi.cli.claim import Holder
from webvdi.cli.exits import ServiceUnavailable
from webvdi.cli.terminal import note

BUSY_S = 60.0
"""How long to wait for other commands to be done with the machines: several may come at once."""

SAY_AFTER_S = 3.0
"""Whoever waits longer is told for what."""


class Patience:
    """Waiting for another command, and saying so once."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._since: float | None = None
        self._said = False

    def wait_on(self, holder: Holder | None, now: float) -> None:
        """*holder* is at work still, at monotonic time *now*.

        Raises :class:`ServiceUnavailable` when that has been so for too long.
        """
        self._since = now if self._since is None else self._since
        waited_s = now - self._since
        if waited_s > BUSY_S:
            raise ServiceUnavailable(busy(holder, self._state))
        if waited_s >= SAY_AFTER_S and holder is not None and not self._said:
            self._said = True
            if errors_as.json:  # a program reads stderr, too
                return
            note(f"Waiting for {_who(holder)} to be done with the machines in {self._state}.")


def busy(holder: Holder | None, state: Path) -> str:
    """Why *state* cannot be had."""
    who = "another command" if holder is None else _who(holder)
    return f"{who} is at work on the machines in {state}; try again when it is done"


def _who(holder: Holder) -> str:
    return f"`webvdi {holder.what}` (process {holder.pid})"
