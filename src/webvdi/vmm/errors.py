"""What can go wrong with machines.

::

    WebvdiError
    ├── MachineError
    │   ├── InvalidSpec      the description makes no machine
    │   ├── LaunchFailed     it did not start (exit_code, argv, output)
    │   ├── SaveFailed       its memory could not be written down; it goes on as before
    │   ├── RestoreFailed    its saved memory could not be used; it is kept
    │   ├── StillRunning     the guest did not shut down in time, and was not to be forced
    │   ├── Overtaken        what was under way came to nothing because more was asked for
    │   ├── MonitorLost      it runs, but does not answer its engine
    │   ├── DiskError        a disk or boot file is missing, unreadable or not what it should be
    │   └── EngineInUse      another process looks after these machines
    ├── Refused
    │   ├── CapacityExceeded the host has not enough memory or disk
    │   ├── SerialFull       the guest does not read what was sent to its serial port
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


class SaveFailed(MachineError):
    """A machine's memory could not be saved; what became of the machine is in the message."""


class RestoreFailed(MachineError):
    """A saved machine could not go on; what was saved is still there, *output* tells more."""

    def __init__(self, message: str, *, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class StillRunning(MachineError):
    """A guest was asked to shut down, and did not within its time."""

    def __init__(self, name: str, timeout_s: float) -> None:
        super().__init__(f"the guest of {name!r} did not shut down within {timeout_s:.0f} s")


class Overtaken(MachineError):
    """What was under way, or waited, came to nothing because something else overtook it."""


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


class SerialFull(Refused):
    """A guest's serial port takes no more for now."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the guest of the machine {name!r} does not read what was sent to its serial port; "
            "send less at a time, or wait",
            reason="serial_full",
        )


class Unavailable(Refused):
    """This host cannot do what was asked; *reason* labels what."""
