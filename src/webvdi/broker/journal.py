"""The journal of each machine: what happened to it, in plain words."""

import logging
import time
from collections.abc import Callable

from webvdi.base.errors import WebvdiError
from webvdi.broker.views import JournalEntry
from webvdi.store import Database, JournalRecord
from webvdi.vmm.machine import MachineStatus

logger = logging.getLogger(__name__)


class Journal:
    """Writes down and reads; the store keeps the newest entries of each machine."""

    def __init__(self, records: Database, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._clock = clock

    async def note(self, machine: str, kind: str, text: str) -> None:
        """Write something down.  What cannot be written is logged, and stops nobody."""
        logger.info("= %s: %s: %s", machine, kind, text)
        try:
            async with self._records.write() as q:
                await q.note(JournalRecord(machine, self._clock(), kind, text))
        except WebvdiError as error:
            logger.warning("! %s: not written down (%s): %s", machine, error, text)

    async def note_exit(self, machine: str, status: MachineStatus) -> None:
        """Write down how a run ended, once, however often it is told."""
        if status.exit is None:
            return
        token = f"{status.generation}:{status.exit.reason}"
        when = self._clock() if status.exit.when is None else status.exit.when
        try:
            async with self._records.write() as q:
                record = await q.machine(machine)
                if record is None or record.id != machine or record.exit_noted == token:
                    return
                await q.note(JournalRecord(machine, when, "exit", status.exit.text))
                await q.set_machine(machine, exit_noted=token)
        except WebvdiError as error:
            logger.warning("! %s: its end was not written down: %s", machine, error)

    async def read(self, machine: str, limit: int) -> tuple[JournalEntry, ...]:
        """The newest *limit* entries, the newest last."""
        async with self._records.read() as q:
            entries = await q.journal(machine, limit)
        return tuple(JournalEntry(entry.when, entry.kind, entry.text) for entry in entries)
