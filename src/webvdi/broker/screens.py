"""The machines' screens, as the Managed Server is told of them."""

import time
from collections.abc import Callable, Sequence
from typing import assert_never

from webvdi.base.errors import NotFound, StateError
from webvdi.broker.sessions import Screen
from webvdi.broker.views import Phase
from webvdi.display.endpoint import Endpoint
from webvdi.store import Database, MachineRecord
from webvdi.vmm.engine import Engine
from webvdi.vmm.machine import Machine, PowerState
from webvdi.vmm.rules import WITH_SCREEN
from webvdi.wire.to_viewer import MachineState

REVOKED_FOR_S = 24 * 3600.0
"""How long a revocation is repeated to a Managed Server that may not have heard of it."""


class MachineScreens:
    """:class:`~webvdi.broker.sessions.Screens` of machines."""

    def __init__(
        self, records: Database, engine: Engine, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._records = records
        self._engine = engine
        self._clock = clock

    async def sessions(self) -> Sequence[str]:
        """As the contract says."""
        async with self._records.read() as q:
            return [r.id for r in await q.machines() if r.phase != Phase.DELETING]

    async def screen(self, session: str) -> Screen | None:
        """As the contract says."""
        async with self._records.read() as q:
            record = await q.machine(session)
        if record is None or record.id != session or record.phase == Phase.DELETING:
            return None
        machine = next((m for m in await self._engine.list() if m.key == record.key), None)
        if machine is None or record.phase != Phase.READY:
            return Screen(record.name, MachineState.OFF, record.failure, None, "0")
        return await self._screen(record, machine)

    async def _screen(self, record: MachineRecord, machine: Machine) -> Screen:
        status = machine.status
        endpoint = await self._endpoint(machine)
        generation = str(status.generation)
        match status.state:
            case PowerState.PAUSED:
                said = MachineState.PAUSED, status.detail
            case PowerState.STOPPED | PowerState.CRASHED | PowerState.SAVED:
                ended = status.detail if status.exit is None else status.exit.text
                said = MachineState.OFF, ended
            case PowerState.STARTING | PowerState.RUNNING | PowerState.STOPPING:
                said = MachineState.CONNECTING, ""
            case _:
                assert_never(status.state)
        return Screen(record.name, *said, endpoint, generation)

    async def _endpoint(self, machine: Machine) -> Endpoint | None:
        if machine.status.state not in WITH_SCREEN:
            return None
        try:
            return (await self._engine.console(machine.id)).endpoint
        except (StateError, NotFound):  # it ended in between; the next look tells
            return None

    async def revoked(self) -> Sequence[str]:
        """As the contract says."""
        return await recently_revoked(self._records, self._clock())


async def recently_revoked(records: Database, now: float) -> Sequence[str]:
    """Shares that were revoked since :data:`REVOKED_FOR_S` ago."""
    async with records.read() as q:
        shares = await q.shares()
    return [s.id for s in shares if s.revoked is not None and s.revoked > now - REVOKED_FOR_S]
