"""A fake engine for the tests of those above, with character.

It keeps the contract of :mod:`webvdi.vmm.engine` (the conformance suite runs on it), needs no
host, and can be slow, stuck, failing or unreliable on demand.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from webvdi.base.errors import Conflict, NotFound
from webvdi.base.tasks import TaskOwner
from webvdi.display.endpoint import Endpoint, UnixEndpoint
from webvdi.vmm.engine import GRACE_S, MAX_SERIAL_BYTES, Capabilities, Console
from webvdi.vmm.errors import (
    LaunchFailed,
    MonitorLost,
    RestoreFailed,
    SaveFailed,
    SerialFull,
    StillRunning,
)
from webvdi.vmm.events import EngineEvent, EventHub, MachineGone, StatusChanged
from webvdi.vmm.machine import (
    Acceleration,
    Accelerator,
    ExitReason,
    Machine,
    MachineExit,
    MachineId,
    MachineSpec,
    MachineStatus,
    PowerState,
    with_absolute_paths,
)
from webvdi.vmm.operation import Operation, Verb, overtaken
from webvdi.vmm.rules import OFF, WITHOUT_PROCESS, require_idle, require_screen, to_do

BLACK_PIXEL = b"P6 1 1 255\n\0\0\0"
"""The smallest screenshot: a PPM of one pixel."""
BAD_WORDS = "the fake engine was told to fail"


class Character(StrEnum):
    """How the fake behaves."""

    NORMAL = "normal"
    SLOW = "slow"
    """Operations stay pending until :meth:`FakeEngine.release`."""
    NEVER = "never"
    """A start never finishes; kill and delete still work."""
    STUCK = "stuck"
    """A save never finishes, nor the time of a deaf guest, and what comes after them waits; what
    overtakes them works."""
    BAD = "bad"
    """Every start fails, with words."""
    VANISHING = "vanishing"
    """A machine that has started is gone right after."""


@dataclass(frozen=True, slots=True)
class _Grace:
    """What a graceful stop gives the guest."""

    timeout_s: float
    force: bool
    """Whether a guest that does not go is switched off."""


@dataclass(slots=True)
class FakeHost:
    """What survives a :class:`FakeEngine`: give it to the next one."""

    machines: dict[MachineId, Machine] = field(default_factory=dict)
    typed: dict[MachineId, bytes] = field(default_factory=dict)
    """What each guest was sent on its serial port since its start and has not read yet: no fake
    guest ever reads, so this is all, and a test may empty it."""


class FakeEngine:
    """An :class:`~webvdi.vmm.engine.Engine` that runs nothing."""

    def __init__(
        self,
        character: Character = Character.NORMAL,
        *,
        host: FakeHost | None = None,
        endpoint: Endpoint | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.character = character
        """May be changed at any time; it holds for operations that begin later."""
        self.host = host or FakeHost()
        self.deaf: set[MachineId] = set()
        """Machines whose guests do not heed the power button."""
        self.network_obstacle: str | None = None
        """Why its host has no network ``internet``; None where it has."""
        self._endpoint = endpoint or UnixEndpoint(Path("/nonexistent/fake-engine"))
        self._clock = clock
        self._hub = EventHub()
        self._tasks = TaskOwner("fake-engine")
        self._locks: dict[MachineId, asyncio.Lock] = {}
        self._starts: dict[MachineId, Operation] = {}
        self._pending: set[Operation] = set()
        self._cuts: dict[MachineId, asyncio.Event] = {}
        """Set when a save that is under way is to be undone."""
        self._graces: dict[Operation, _Grace] = {}
        """Of the graceful stops that are pending."""
        self._hurry: dict[MachineId, asyncio.Event] = {}
        """Set when the guest's time to shut down is over before it is up."""
        self._gate = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End tasks and event streams; the host's machines stay."""
        await self._tasks.close()
        for operation in self._pending:
            operation.fail(MonitorLost("the engine was closed before this was done"))
        self._hub.close()

    def release(self) -> None:
        """Let every operation held by the slow character go on, and later ones too."""
        self._gate.set()

    def vanish(self, machine: MachineId) -> None:
        """Make *machine* disappear, as if its host had burned."""
        self._known(machine)
        del self.host.machines[machine]
        self._hub.publish(MachineGone(machine))

    def end(self, machine: MachineId, how: MachineExit) -> None:
        """Let a running machine end by itself."""
        crashed = how.reason in (ExitReason.CRASHED, ExitReason.KILLED)
        state = PowerState.CRASHED if crashed else PowerState.STOPPED
        self._change(machine, state=state, exit=how, acceleration=None)

    def capabilities(self) -> Capabilities:
        """As the contract says."""
        return Capabilities()

    async def network_available(self) -> str | None:
        """As the contract says: :attr:`network_obstacle`."""
        return self.network_obstacle

    async def create(self, spec: MachineSpec, *, key: str) -> MachineId:
        """As the contract says."""
        machine = MachineId("fake-" + hashlib.sha256(key.encode()).hexdigest()[:8])
        spec = with_absolute_paths(spec)
        there = self.host.machines.get(machine)
        if there is None:
            status = MachineStatus(PowerState.STOPPED, generation=0, since=self._clock())
            self.host.machines[machine] = Machine(machine, key, spec, status)
            self._hub.publish(StatusChanged(machine, status))
        elif there.spec != spec:
            raise Conflict("machine", key)
        return machine

    async def redefine(self, machine: MachineId, spec: MachineSpec) -> None:
        """As the contract says."""
        there = self._known(machine)
        spec = with_absolute_paths(spec)
        if there.spec == spec:
            return
        pending = [o.verb for o in self._pending if o.machine == machine]
        require_idle("redefine", there.status.state, pending, there.spec.name)
        self.host.machines[machine] = replace(there, spec=spec)
        self._hub.publish(StatusChanged(machine, there.status))

    async def start(self, machine: MachineId) -> Operation:
        """As the contract says."""
        self._known(machine)
        running = self._starts.get(machine)
        if running is not None and running.pending:
            return running
        operation = self._begin(Verb.START, machine)
        self._starts[machine] = operation
        return operation

    async def stop(
        self,
        machine: MachineId,
        *,
        graceful: bool = True,
        timeout_s: float = GRACE_S,
        force: bool = True,
    ) -> Operation:
        """As the contract says; guests obey at once, or (:attr:`deaf`) never.

        The time of those that never do is up at once, unless the engine is stuck.
        """
        if not graceful:
            self._cut_short(machine)
        operation = self._begin(Verb.STOP, machine)
        if graceful:
            self._graces[operation] = _Grace(timeout_s, force)
        return operation

    async def kill(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._overtake(Verb.KILL, machine)

    async def reset(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._begin(Verb.RESET, machine)

    async def pause(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._begin(Verb.PAUSE, machine)

    async def resume(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._begin(Verb.RESUME, machine)

    async def save(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._begin(Verb.SAVE, machine)

    async def delete(self, machine: MachineId) -> Operation:
        """As the contract says."""
        return self._overtake(Verb.DELETE, machine)

    async def get(self, machine: MachineId) -> MachineStatus:
        """As the contract says."""
        return self._known(machine).status

    async def list(self) -> tuple[Machine, ...]:
        """As the contract says."""
        return tuple(sorted(self.host.machines.values(), key=lambda m: m.id))

    async def console(self, machine: MachineId) -> Console:
        """As the contract says; the endpoint is the one given to the constructor."""
        status = self._with_screen(machine, "open the console of")
        return Console(self._endpoint, status.generation)

    def events(self) -> AsyncIterator[EngineEvent]:
        """As the contract says."""
        return self._hub.listen()

    async def screenshot(self, machine: MachineId) -> bytes:
        """As the contract says: one black pixel."""
        self._with_screen(machine, "take a picture of")
        return BLACK_PIXEL

    async def serial(self, machine: MachineId) -> Path | None:
        """As the contract says: there is none."""
        self._known(machine)
        return None

    async def serial_write(self, machine: MachineId, data: bytes) -> None:
        """As the contract says; see :attr:`FakeHost.typed`."""
        self._with_screen(machine, "write to the serial port of")
        typed = self.host.typed.get(machine, b"") + data
        if len(typed) > MAX_SERIAL_BYTES:
            raise SerialFull(self._known(machine).spec.name)
        self.host.typed[machine] = typed

    def _known(self, machine: MachineId) -> Machine:
        try:
            return self.host.machines[machine]
        except KeyError:
            raise NotFound("machine", machine) from None

    def _with_screen(self, machine: MachineId, what: str) -> MachineStatus:
        there = self._known(machine)
        require_screen(what, there.status.state, there.spec.name)
        return there.status

    def _change(self, machine: MachineId, **changes: object) -> None:
        there = self._known(machine)
        status = replace(there.status, since=self._clock(), **changes)  # type: ignore[arg-type]
        self.host.machines[machine] = replace(there, status=status)
        self._hub.publish(StatusChanged(machine, status))

    def _begin(self, verb: Verb, machine: MachineId) -> Operation:
        self._known(machine)
        operation = Operation(verb, machine)
        self._pending.add(operation)
        self._tasks.start(self._run(operation), name=f"{verb} {machine}")
        return operation

    async def _run(self, operation: Operation) -> None:
        lock = self._locks.setdefault(operation.machine, asyncio.Lock())
        async with lock:
            if self.character is Character.SLOW:
                await self._gate.wait()
            if not operation.pending:
                self._graces.pop(operation, None)
                return  # a kill or delete overtook it while it waited
            try:
                did = await self._perform(operation)
            except Exception as error:
                operation.fail(error)
            else:
                operation.succeed(idle=not did)
            self._pending.discard(operation)
            self._graces.pop(operation, None)

    async def _perform(self, operation: Operation) -> bool:
        """Do it; whether there was anything to do."""
        machine, verb = operation.machine, operation.verb
        there = self._known(machine)
        if not to_do(verb, there.status.state, there.spec.name):
            return False
        match verb:
            case Verb.START:
                await self._perform_start(operation)
            case Verb.STOP:
                await self._perform_stop(there, self._graces.get(operation))
            case Verb.PAUSE:
                self._change(machine, state=PowerState.PAUSED)
            case Verb.SAVE:
                await self._perform_save(machine)
            case _:
                self._change(machine, state=PowerState.RUNNING)
        return True

    async def _perform_stop(self, there: Machine, grace: _Grace | None) -> None:
        machine, running = there.id, there.status.state not in WITHOUT_PROCESS
        how = MachineExit(ExitReason.REQUESTED, when=self._clock())
        if running and grace is not None and machine not in self.deaf:
            how = replace(how, reason=ExitReason.SHUT_DOWN)
        elif running and grace is not None and not await self._wait_for_deaf(there, grace):
            how = replace(how, reason=ExitReason.OVERDUE, patience_s=grace.timeout_s)
        self.end(machine, how)

    async def _wait_for_deaf(self, there: Machine, grace: _Grace) -> bool:
        """Returns when it is to be switched off; whether that is because of a hurry."""
        self._change(there.id, state=PowerState.STOPPING)
        hurried = self._to_be_switched_off(there.id)
        if self.character is Character.STUCK and not hurried:
            hurried = await self._hurry.setdefault(there.id, asyncio.Event()).wait()
        if grace.force:
            return hurried
        if hurried:
            raise overtaken(Verb.STOP, Verb.STOP)
        self._change(there.id, state=PowerState.RUNNING)
        raise StillRunning(there.spec.name, grace.timeout_s)

    def _to_be_switched_off(self, machine: MachineId) -> bool:
        stops = [o for o in self._pending if o.machine == machine and o.verb is Verb.STOP]
        return any(operation not in self._graces for operation in stops)

    async def _perform_save(self, machine: MachineId) -> None:
        before = self._known(machine).status.state
        self._change(machine, state=PowerState.STOPPING)
        if self.character is Character.STUCK:
            cut = self._cuts[machine] = asyncio.Event()
            await cut.wait()
            self._change(machine, state=before)
            raise SaveFailed("the save was undone")
        self._change(machine, state=PowerState.SAVED, acceleration=None)

    async def _perform_start(self, operation: Operation) -> None:
        machine = operation.machine
        before = self._known(machine).status
        generation = before.generation + 1
        self._change(machine, state=PowerState.STARTING, generation=generation, exit=None)
        if self.character is Character.NEVER:
            await asyncio.Event().wait()
        self.host.typed.pop(machine, None)
        if self.character is Character.BAD and before.state is PowerState.SAVED:
            self._change(machine, state=PowerState.SAVED)
            raise RestoreFailed(f"the saved machine could not go on: {BAD_WORDS}")
        if self.character is Character.BAD:
            how = MachineExit(ExitReason.START_FAILED, self._clock(), code=1, words=BAD_WORDS)
            self.end(machine, how)
            raise LaunchFailed(how.text, exit_code=1, argv=["fake"], output=BAD_WORDS)
        how_fast = Acceleration(Accelerator.TCG, "nothing really runs")
        self._change(machine, state=PowerState.RUNNING, acceleration=how_fast)
        if self.character is Character.VANISHING:
            self.vanish(machine)

    def _overtake(self, verb: Verb, machine: MachineId) -> Operation:
        there = self._known(machine)
        self._abandon(machine, verb)
        if there.status.state not in OFF:
            self.end(machine, MachineExit(ExitReason.REQUESTED, when=self._clock()))
        if verb is Verb.DELETE:
            self.vanish(machine)
        operation = Operation(verb, machine)
        operation.succeed()
        return operation

    def _cut_short(self, machine: MachineId) -> None:
        for operation in [o for o in self._pending if o.machine == machine]:
            if operation.verb is Verb.SAVE:
                operation.fail(overtaken(Verb.SAVE, Verb.STOP))
                self._pending.discard(operation)
        if machine in self._cuts:
            self._cuts.pop(machine).set()
        if machine in self._hurry:
            self._hurry.pop(machine).set()

    def _abandon(self, machine: MachineId, verb: Verb) -> None:
        for operation in [o for o in self._pending if o.machine == machine]:
            operation.fail(overtaken(operation.verb, verb))
            self._pending.discard(operation)
        # A start or save that never ends holds its lock for ever; those to come get a new one.
        self._locks.pop(machine, None)
        self._cuts.pop(machine, None)
        self._hurry.pop(machine, None)
