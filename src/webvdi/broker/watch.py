"""Follows an engine's events: tells listeners and the Managed Server, writes down how runs end."""

import asyncio
import logging
from collections.abc import Callable

from webvdi.base.errors import WebvdiError
from webvdi.broker.journal import Journal
from webvdi.store import Database
from webvdi.vmm.engine import Engine
from webvdi.vmm.events import EngineEvent, MachineGone, StatusChanged
from webvdi.vmm.machine import MachineId

logger = logging.getLogger(__name__)

RECHECK_S = 30.0


class Watch:
    """One per engine.

    Records that cannot be read for a while cost a while: what was missed is made up for by the
    next look at everything.
    """

    def __init__(
        self,
        records: Database,
        engine: Engine,
        journal: Journal,
        on_change: Callable[[str], None],
        on_recheck: Callable[[str], None],
    ) -> None:
        """*on_recheck* is for machines about which nothing need have changed."""
        self._records = records
        self._engine = engine
        self._journal = journal
        self._on_change = on_change
        self._on_recheck = on_recheck
        self._events = engine.events()  # from now on, not from whenever the task runs
        self._names: dict[MachineId, str] = {}
        self._missed = False
        """An event was heard and could not be heeded: anything may have changed."""

    async def run(self) -> None:
        """Follow until the engine closes."""
        async for event in self._events:
            try:
                await self._heed(event)
            except WebvdiError as error:
                self._missed = True
                logger.warning(
                    "! machine %s changed, but how is not known: %s", event.machine, error
                )

    async def _heed(self, event: EngineEvent) -> None:
        name = await self._name(event.machine)
        match event:
            case MachineGone():
                self._names.pop(event.machine, None)
            case StatusChanged(status=status) if name is not None:
                await self._journal.note_exit(name, status)
        if name is not None:
            self._on_change(name)

    async def recheck(self) -> None:
        """Look at everything now and then: events are hints, of which some may be missing."""
        while True:
            await asyncio.sleep(RECHECK_S)
            try:
                await self.look_at_all()
            except WebvdiError as error:
                logger.warning("! the machines could not be looked at: %s", error)

    async def look_at_all(self) -> None:
        """Write down ends that were missed, and let everybody look again."""
        async with self._records.read() as q:
            names = {record.key: record.id for record in await q.machines()}
        for machine in await self._engine.list():
            if machine.key in names:
                await self._journal.note_exit(names[machine.key], machine.status)
        tell, self._missed = self._on_change if self._missed else self._on_recheck, False
        for name in names.values():
            tell(name)

    async def _name(self, machine: MachineId) -> str | None:
        """Our id of the engine's machine; None where it has no record (yet)."""
        known = self._names.get(machine)
        if known is not None:
            return known
        key = next((m.key for m in await self._engine.list() if m.id == machine), None)
        async with self._records.read() as q:
            found = next((r.id for r in await q.machines() if r.key == key), None)
        if found is not None:
            self._names[machine] = found
        return found
