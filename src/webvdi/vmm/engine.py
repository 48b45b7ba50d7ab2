"""The contract of an engine: what runs machines.

An engine owns *where* and *how* machines run: placement, processes, host failure.  It knows no
users, no rights and no sessions.  ``qemu`` runs them on this host; a driver for a cluster keeps
the same contract, and one conformance suite (``tests/conformance/test_engine.py``) runs on all.

Rules that hold for every method:

* ``NotFound`` is raised for an id that the engine does not know.
* Verbs (start, save … delete) return an :class:`Operation` as soon as the request is taken;
  whatever goes wrong later is *its* error.  Operations on one machine happen one after the
  other, in order of the calls; ``kill`` and ``delete`` overtake, and a ``stop`` that is not
  graceful overtakes a ``save`` and a graceful ``stop``.
* A verb whose goal is already reached when its turn comes succeeds without doing anything (start,
  pause, resume and save say so: :attr:`Operation.idle`); one that does not fit the state fails
  with ``StateError`` (the table is ``vmm/rules.py``).
* Machines outlive the engine object and its process.  What is on record survives; operations
  under way when the process dies are finished or undone by the next one that opens the engine.
* Every wait inside has a time limit.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from webvdi.display.endpoint import Endpoint
from webvdi.vmm.events import EngineEvent
from webvdi.vmm.machine import Machine, MachineId, MachineSpec, MachineStatus
from webvdi.vmm.operation import Operation

GRACE_S = 60.0
"""How long a guest gets to shut down: what a desktop with open programs needs under load."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do beyond the verbs that all have."""

    placement: bool = False
    """It chooses among hosts."""
    live_migration: bool = False
    """A running machine can move to another host."""
    pause: bool = True
    auto_recovery: bool = False
    """It restarts machines elsewhere when a host dies."""
    screenshot: bool = True
    serial: bool = True
    save: bool = True
    """A machine's memory can be put on disk, and the machine go on from there."""


@dataclass(frozen=True, slots=True)
class Console:
    """Where a machine's display is, for now.

    Only the Managed Server connects there; it is never shown to a browser.
    """

    endpoint: Endpoint
    generation: int
    """Of the machine; when the machine's differs, this console is void."""
    expires: float | None = None
    """Unix time in seconds until which a connection may begin; None has no such limit."""


MAX_SERIAL_BYTES = 64 << 10
"""What may wait for a guest to read its serial port: a long script pasted into a console."""


class Engine(Protocol):
    """What runs machines."""

    def capabilities(self) -> Capabilities:
        """What this engine can do; constant while it is open, never blocks."""
        ...

    async def network_available(self) -> str | None:
        """Why network ``internet`` is not to be had where machines run; None when it is.

        Tries for real, in a fraction of a second; it may be another answer the next time.
        """
        ...

    async def create(self, spec: MachineSpec, *, key: str) -> MachineId:
        """Record a machine; it is ``stopped`` and takes no resources.

        *key* makes the call safe to repeat: with the same *key* and an equal *spec* it returns
        the machine that there is, also after a crash in the middle of the first call.  Files
        named in *spec* are looked at when the machine starts, not now, and stay the caller's;
        relative names mean the working directory of this call.

        Raises :class:`~webvdi.base.errors.Conflict` if *key* names a machine with another spec.
        """
        ...

    async def redefine(self, machine: MachineId, spec: MachineSpec) -> None:
        """Give a machine that is off another *spec*, its name among it; id and key stay.

        From then on ``create`` with its key wants the new spec.  A crash leaves the old spec or
        the new one.  Nothing happens, in any state, where it has this spec already.

        Raises ``StateError`` unless it is stopped or crashed with nothing under way: a saved
        machine's memory fits no other devices, so it is discarded (``stop``) first.
        """
        ...

    async def start(self, machine: MachineId) -> Operation:
        """Boot a machine that is stopped or crashed, or let a saved one go on.

        Done when the guest's first instruction has run; the generation, and so the console, is
        then a new one.  A repeat while it starts returns the same operation; on a running
        machine nothing happens.

        The operation fails with ``LaunchFailed`` (with what was said), ``DiskError``,
        ``CapacityExceeded``, ``Unavailable`` (KVM or the isolated network asked for, but not
        to be had: nothing is ever replaced by something weaker), ``MonitorLost``.  A saved
        machine stays ``saved`` then, and what keeps its memory from being used is a
        ``RestoreFailed``; it never boots afresh before it was discarded (``stop``).
        """
        ...

    async def stop(
        self,
        machine: MachineId,
        *,
        graceful: bool = True,
        timeout_s: float = GRACE_S,
        force: bool = True,
    ) -> Operation:
        """End a machine.

        *graceful* asks the guest to shut down, waits *timeout_s* seconds for it, and then
        switches it off; otherwise it is switched off at once (disks are flushed, the guest's
        own caches are lost).  Done when it runs no more; the exit reason is ``shut_down`` where
        the guest obeyed, ``overdue`` where its time was up, and else ``requested``.

        Switching off at once does not wait for a save, however long that would take: one that
        waits or is under way is undone and fails with ``SaveFailed``.  Nor does it wait for a
        guest that was asked before: its time is over then, and a ``stop`` without *force* fails
        with ``Overtaken``.

        With *graceful* and without *force* a guest that does not go is left running, and the
        operation fails with ``StillRunning``; one that goes a little later has obeyed, too.

        What is ``saved`` is discarded: to the guest it is as if the power had failed when it
        was saved.  Who shuts a host down leaves saved machines alone.
        """
        ...

    async def save(self, machine: MachineId) -> Operation:
        """Put the memory of a running or paused machine on disk, and end its process.

        Done when it is ``saved`` (its ``exit`` is None: the run goes on with the next
        ``start``); until then it is ``stopping``.  If anything fails, the machine goes on as it
        was before.

        The operation fails with ``CapacityExceeded`` (no room for as much as its memory),
        ``SaveFailed``, ``MonitorLost``.
        """
        ...

    async def kill(self, machine: MachineId) -> Operation:
        """End a machine's process by force, whatever it is doing, also in the middle of a start.

        For machines that answer nothing any more.  The exit reason is ``requested``; what is
        ``saved`` is discarded.
        """
        ...

    async def reset(self, machine: MachineId) -> Operation:
        """Press the reset button; the generation and the console stay."""
        ...

    async def pause(self, machine: MachineId) -> Operation:
        """Stop the guest's CPUs; memory, console and generation stay."""
        ...

    async def resume(self, machine: MachineId) -> Operation:
        """Let a paused guest go on.

        Displays may sleep for seconds afterwards: the caller nudges them.
        """
        ...

    async def delete(self, machine: MachineId) -> Operation:
        """Forget a machine, ending it by force if it runs.

        Its record and what the engine made for it are removed; disks named in its spec are not.
        """
        ...

    async def get(self, machine: MachineId) -> MachineStatus:
        """The status of a machine as it is now, not as it was asked to be."""
        ...

    async def list(self) -> tuple[Machine, ...]:
        """Every machine with its status, sorted by id: the truth, where events are hints."""
        ...

    async def console(self, machine: MachineId) -> Console:
        """Where the display is; to be asked again before every connection.

        Raises ``StateError`` while the machine does not run, or not yet.
        """
        ...

    def events(self) -> AsyncIterator[EngineEvent]:
        """Listen from this call on; ends when the engine closes.

        Hints: some may be missing or doubled, and a slow listener loses the oldest.
        """
        ...

    async def screenshot(self, machine: MachineId) -> bytes:
        """What is on the screen, as PNG or PPM, without touching the console.

        Raises ``StateError`` while the machine does not run, ``MonitorLost``.
        """
        ...

    async def serial(self, machine: MachineId) -> Path | None:
        """The file that collects what the guest writes to its serial port.

        None where there is none.  It is emptied when a guest boots, and cut when it grows large.
        """
        ...

    async def serial_write(self, machine: MachineId, data: bytes) -> None:
        """Send *data* to the guest's serial port, after what was sent before.

        Returns as soon as it is queued, all of it; a guest reads when it likes.

        Raises ``StateError`` while the machine does not run, ``SerialFull`` (and nothing is
        queued) where more than :data:`MAX_SERIAL_BYTES` would be waiting.
        """
        ...
