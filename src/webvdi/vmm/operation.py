"""An operation: something an engine does to a machine that takes time.

It can be waited for, asked now and then, or forgotten; forgetting one does not stop it.
"""

import asyncio
import logging
from enum import StrEnum

from webvdi.vmm.errors import LaunchFailed, MachineError, Overtaken, SaveFailed
from webvdi.vmm.machine import MachineId

logger = logging.getLogger(__name__)


class Verb(StrEnum):
    """What can be done to a machine."""

    START = "start"
    STOP = "stop"
    KILL = "kill"
    RESET = "reset"
    PAUSE = "pause"
    RESUME = "resume"
    SAVE = "save"
    DELETE = "delete"


class OperationState(StrEnum):
    """Where an operation is."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Operation:
    """One verb applied to one machine.  Made and finished by engines only."""

    def __init__(self, verb: Verb, machine: MachineId) -> None:
        self.verb = verb
        self.machine = machine
        self.state = OperationState.PENDING
        self.error: Exception | None = None
        """Why it failed; a :class:`~webvdi.base.errors.WebvdiError` unless we have a bug."""
        self.idle = False
        """When its turn came, there was nothing to do: it was so already."""
        self._settled = asyncio.Event()

    @property
    def pending(self) -> bool:
        """Whether it is still going on."""
        return self.state is OperationState.PENDING

    async def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it is over; raises its error if it failed.

        Raises :class:`TimeoutError` after *timeout_s* seconds; the operation goes on.
        """
        async with asyncio.timeout(timeout_s):
            await self._settled.wait()
        if self.error is not None:
            raise self.error

    def succeed(self, *, idle: bool = False) -> None:
        """For the engine: it is done, or was (*idle*).  Ignored when it is over already."""
        if self.pending:
            self.idle = idle
        self._settle(OperationState.DONE, None)

    def fail(self, error: Exception) -> None:
        """For the engine: it failed with *error*.  Ignored when it is over already."""
        self._settle(OperationState.FAILED, error)

    def _settle(self, state: OperationState, error: Exception | None) -> None:
        if not self.pending:
            return
        self.state = state
        self.error = error
        self._settled.set()
        if error is not None:
            logger.info("! machine %s: %s failed: %s", self.machine, self.verb, error)


def overtaken(verb: Verb, by: Verb) -> MachineError:
    """The error of an operation that came to nothing because another overtook it."""
    if verb is by is Verb.STOP:
        return Overtaken("the guest's time to shut down was cut short: it is being switched off")
    words = f"the {verb} was overtaken by a {by}"
    match verb:
        case Verb.SAVE:
            return SaveFailed(words)
        case Verb.START:
            return LaunchFailed(words)
        case _:
            return Overtaken(words)
