"""Machines by id or name, on record and in the engine."""

from collections.abc import Sequence
from typing import Any

from webvdi.base.errors import NotFound, StateError
from webvdi.broker.views import Phase
from webvdi.store import Database, MachineRecord
from webvdi.vmm.engine import Engine
from webvdi.vmm.machine import Machine, MachineId


class MachineRecords:
    """Looks machines up; a *ref* is an id or a name."""

    def __init__(self, records: Database, engine: Engine) -> None:
        self.database = records
        self._engine = engine

    async def find(self, ref: str) -> MachineRecord:
        """The record.  Raises ``NotFound``."""
        async with self.database.read() as q:
            record = await q.machine(ref)
        if record is None:
            raise NotFound("machine", ref)
        return record

    async def ready(self, ref: str, what: str) -> MachineRecord:
        """The record of a machine that is made.  Raises ``StateError``: it cannot *what* yet."""
        record = await self.find(ref)
        if record.phase != Phase.READY:
            raise StateError(
                f"cannot {what} the machine {record.name!r}",
                state=record.phase,
                required=Phase.READY.value,
            )
        return record

    async def all(self) -> tuple[MachineRecord, ...]:
        """All records, sorted by name."""
        async with self.database.read() as q:
            return await q.machines()

    async def set(self, machine: str, **changes: Any) -> None:
        """Change some columns of one, by id.  Raises ``NotFound``."""
        async with self.database.write() as q:
            if not await q.set_machine(machine, **changes):
                raise NotFound("machine", machine)

    async def in_engine(self, key: str) -> Machine | None:
        """What the engine has under this key."""
        return next((m for m in await self._engine.list() if m.key == key), None)

    async def engine_id(self, ref: str) -> MachineId:
        """What the engine calls a machine.  Raises ``StateError`` where it knows none."""
        record = await self.find(ref)
        machine = await self.in_engine(record.key)
        if machine is None:
            raise StateError(
                f"the machine {record.name!r} cannot be used", state=record.phase, required="ready"
            )
        return machine.id

    async def pairs(self) -> Sequence[tuple[MachineRecord, Machine | None]]:
        """Every record with what the engine has of it."""
        machines = {machine.key: machine for machine in await self._engine.list()}
        return [(record, machines.get(record.key)) for record in await self.all()]
