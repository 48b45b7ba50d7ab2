"""What can go wrong with machines.

::

    WebvdiError
    ├── MachineError
    │   ├── InvalidSpec      the description makes no machine
    │   ├── LaunchFailed     it did not start (exit_code, argv, output)
    │   ├── MonitorLost      it runs, but does not answer its engine
    │   ├── DiskError        a disk or boot file is missing, unreadable or not what it should be
    │   └── EngineInUse      another process looks after these machines
    ├── Refused
    │   ├── CapacityExceeded the host has not enough memory or disk
    │   └── Unavailable      this host cannot do what was asked (KVM, an isolated network)
    └── NotFound · Conflict · StateError   as everywhere
"""

from collections.abc import Sequence

from webvdi.base.errors import Refused, WebvdiError


class MachineError(WebvdiError):
    """Something failed about a machine."""


class InvalidSpec(MachineError):
    """A description that no engine could run."""


class LaunchFailed(MachineError):
    """A machine did not come up; *output* is what the engine's program said."""

    def __init__(
        self,
        message: str,
        *,
        exit_code: int | None = None,
        argv: Sequence[str] = (),
        output: str = "",
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.argv = tuple(argv)
        self.output = output


class MonitorLost(MachineError):
    """The machine may run, but its control connection is gone or silent."""


class DiskError(MachineError):
    """A disk, or another file to boot from, cannot be used."""


class EngineInUse(MachineError):
    """Another process holds the engine's state; the message names it."""


class CapacityExceeded(Refused):
    """The host has not enough of something; the message has the numbers."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="capacity_exceeded")


class Unavailable(Refused):
    """This host cannot do what was asked; *reason* labels what."""
