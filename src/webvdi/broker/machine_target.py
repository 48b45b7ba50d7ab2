"""A machine of an engine, as a broker's target."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from webvdi.base.errors import StateError
from webvdi.broker.target import TargetStatus
from webvdi.display.endpoint import Endpoint
from webvdi.vmm.engine import Engine
from webvdi.vmm.machine import MachineId, MachineStatus, PowerState
from webvdi.vmm.qemu import QemuEngine
from webvdi.wire.to_viewer import MachineState


class MachineTarget:
    """Shows one machine, and starts it again when it is off."""

    def __init__(self, engine: Engine, machine: MachineId, *, name: str, title: str) -> None:
        self.name = name
        self.title = title
        self._engine = engine
        self._machine = machine

    async def status(self) -> TargetStatus:
        """What the engine says, in a viewer's words."""
        status = await self._engine.get(self._machine)
        endpoint = await self._endpoint(status)
        generation = str(status.generation)
        match status.state:
            case PowerState.PAUSED:
                return TargetStatus(MachineState.PAUSED, status.detail, endpoint, generation)
            case PowerState.STOPPED | PowerState.CRASHED | PowerState.SAVED:
                why = status.exit.text if status.exit is not None else ""
                return TargetStatus(MachineState.OFF, why, None, generation, can_start=True)
            case PowerState.STARTING | PowerState.RUNNING | PowerState.STOPPING:
                return TargetStatus(MachineState.CONNECTING, "", endpoint, generation)

    async def _endpoint(self, status: MachineStatus) -> Endpoint | None:
        if status.state not in (PowerState.RUNNING, PowerState.PAUSED, PowerState.STOPPING):
            return None
        try:
            return (await self._engine.console(self._machine)).endpoint
        except StateError:  # it ended in between; the next look tells
            return None

    async def start(self) -> None:
        """Boot it, and wait until it runs."""
        operation = await self._engine.start(self._machine)
        await operation.wait()

    async def changes(self) -> AsyncIterator[None]:
        """The engine's events about this machine."""
        async for event in self._engine.events():
            if event.machine == self._machine:
                yield


@contextlib.asynccontextmanager
async def open_machine_target(
    state: Path, run: Path, *, machine: str, name: str, title: str
) -> AsyncIterator[MachineTarget]:
    """The target of a machine of this host's QEMU engine; the engine stays open as long."""
    async with QemuEngine(state, run) as engine:
        yield MachineTarget(engine, MachineId(machine), name=name, title=title)
