"""The machines of this host: the catalogue on records and an engine.

The record is changed first, then the world is made to follow it (:mod:`webvdi.broker.workshop`);
so every use case may be cut off anywhere, and is finished or undone by the next one, or at the
next opening.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from webvdi.base.errors import Refused, WebvdiError
from webvdi.broker.catalogue import MAX_SERIAL_CHUNK_BYTES, MAX_SERIAL_WRITE_BYTES
from webvdi.broker.doing import Doing
from webvdi.broker.guests import GuestShelf
from webvdi.broker.hub import ChangeHub
from webvdi.broker.images import ImageShelf
from webvdi.broker.journal import Journal
from webvdi.broker.machine_records import MachineRecords
from webvdi.broker.making import Making
from webvdi.broker.own_system import disk_size
from webvdi.broker.pictures import as_png
from webvdi.broker.record_view import machine_view, spec_of
from webvdi.broker.refit import Refit
from webvdi.broker.sessions import Sessions
from webvdi.broker.settings import HARDWARE, checked_settings, in_words
from webvdi.broker.views import (
    Change,
    Changes,
    JournalEntry,
    MachineView,
    NewMachine,
    Person,
    SerialChunk,
    Thumbnail,
    Visitor,
)
from webvdi.broker.workshop import Workshop
from webvdi.store import Database, MachineRecord
from webvdi.vmm.engine import Engine
from webvdi.vmm.machine import Machine, MachineId
from webvdi.vmm.rules import WITH_SCREEN

_TOLD = HARDWARE | {"name", "at_shutdown", "autostart", "notes"}
"""Settings whose change is written down."""


class Machines:
    """:class:`~webvdi.broker.catalogue.Catalogue` of this host's machines."""

    def __init__(
        self,
        records: Database,
        engine: Engine,
        state: Path,
        images: ImageShelf,
        guests: GuestShelf,
        journal: Journal,
        hub: ChangeHub,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._hub = hub
        self._machines = MachineRecords(records, engine)
        self._refit = Refit(records, engine, guests, images)
        self._workshop = Workshop(
            records, engine, state, images, guests, journal, self.changed, clock=clock
        )
        self._making = Making(
            self._machines,
            self._workshop,
            images,
            state,
            self.changed,
            self._gone,
            clock=clock,
        )
        self._doing = Doing(
            engine, self._machines, self._making, self._refit, journal, self.changed
        )
        self.sessions: Sessions
        """Set by the service that puts the two together."""

    async def open(self, *, resume: bool = True) -> None:
        """Finish or undo what earlier processes left half done, and note what ended meanwhile.

        Without *resume* that is left to the next one.
        """
        await self._making.repair(resume=resume)
        for record, machine in await self._machines.pairs():
            if machine is not None:
                await self._journal.note_exit(record.id, machine.status)

    async def close(self) -> None:
        """Stop working; what was begun is finished by the next one to open the state."""
        await self._making.close()
        await self._doing.close()

    async def stop_making(self) -> None:
        """Make, remove and start nothing more of what was begun; the next to open goes on."""
        await self._making.close()

    async def settled(self, ref: str) -> MachineView:
        """Wait until nothing is being made or removed of a machine; how it is then."""
        record = await self._machines.find(ref)
        await self._making.settled(record.id)
        return await self.get(record.id)

    async def engine_id(self, ref: str) -> MachineId:
        """What the engine calls a machine.  Raises ``StateError`` where it knows none."""
        return await self._machines.engine_id(ref)

    def changed(self, machine: str) -> None:
        """Tell everybody that something about a machine may have changed."""
        self._hub.publish(Change("machine", machine))
        self.sessions.refresh(machine)

    def _gone(self, machine: str) -> None:
        self._hub.publish(Change("gone", machine))
        self.sessions.refresh(machine)

    # What there is ----------------------------------------------------------------------------

    async def list(self) -> tuple[MachineView, ...]:
        """As the contract says."""
        return await self._views(await self._machines.pairs())

    async def get(self, ref: str) -> MachineView:
        """As the contract says."""
        record = await self._machines.find(ref)
        machine = await self._machines.in_engine(record.key)
        (view,) = await self._views([(record, machine)])
        return view

    async def journal(self, ref: str, *, limit: int = 200) -> tuple[JournalEntry, ...]:
        """As the contract says."""
        return await self._journal.read((await self._machines.find(ref)).id, limit)

    def changes(self) -> AsyncIterator[Change]:
        """As the contract says."""
        return self._hub.listen()

    async def _views(
        self, pairs: Sequence[tuple[MachineRecord, Machine | None]]
    ) -> tuple[MachineView, ...]:
        sizes = await asyncio.to_thread(lambda: [_disk_sizes(record) for record, _ in pairs])
        can_save = self._engine.capabilities().save
        views = [
            machine_view(
                record,
                machine,
                progress=self._workshop.progress.get(record.id),
                sizes=size,
                viewers=self.sessions.count(record.id),
                can_save=can_save,
            )
            for (record, machine), size in zip(pairs, sizes, strict=True)
        ]
        return tuple(views)

    # What is done -----------------------------------------------------------------------------

    async def create(self, wanted: NewMachine) -> MachineView:
        """As the contract says."""
        return await self.get(await self._making.create(wanted))

    async def delete(self, ref: str) -> None:
        """As the contract says."""
        await self._making.delete(await self._machines.find(ref))

    async def change(self, ref: str, changes: Changes) -> MachineView:
        """As the contract says."""
        asked = changes.asked()
        checked_settings(asked)
        record = await self._machines.find(ref)
        async with self._making.lock(record.id):
            record = await self._machines.ready(record.id, "change")
            await self._refit.change(record, asked)
            told = {name: value for name, value in asked.items() if name in _TOLD}
            if told.get("notes") == record.notes:
                del told["notes"]
            if told:
                only_notes = told.keys() == {"notes"}
                await self._journal.note(
                    record.id, "notes" if only_notes else "changed", in_words(told)
                )
        self.changed(record.id)
        return await self.get(record.id)

    async def do(
        self,
        verb: str,
        ref: str,
        *,
        graceful: bool = True,
        timeout_s: float = 60.0,
        force: bool = False,
    ) -> MachineView:
        """As the contract says."""
        return await self.get(
            await self._doing.do(verb, ref, graceful=graceful, timeout_s=timeout_s, force=force)
        )

    # Looking in -------------------------------------------------------------------------------

    async def screenshot(self, ref: str) -> tuple[bytes, str]:
        """As the contract says."""
        picture = await self._engine.screenshot(await self._machines.engine_id(ref))
        return await asyncio.to_thread(as_png, picture), "image/png"

    async def thumbnail(self, ref: str, width: int, height: int, known: str | None) -> Thumbnail:
        """As the contract says."""
        # Pages ask for many of these, so the whole view is made only where there is no picture.
        record = await self._machines.find(ref)
        machine = await self._machines.in_engine(record.key)
        if machine is None or machine.status.state not in WITH_SCREEN:
            view = await self.get(ref)
            return Thumbnail("", "", None, missing=view.detail or "It is off.")
        return await self.sessions.thumbnail(record.id, width, height, known)

    async def ticket(self, ref: str, who: Visitor, *, view_only: bool, name: str) -> str:
        """As the contract says."""
        record = await self._machines.find(ref)
        return await self.sessions.ticket(record.id, who, view_only=view_only, name=name)

    async def viewers(self, ref: str) -> tuple[Person, ...]:
        """As the contract says."""
        return await self.sessions.people((await self._machines.find(ref)).id)

    async def serial(self, ref: str, offset: int) -> SerialChunk:
        """As the contract says."""
        machine = await self._machines.in_engine((await self._machines.find(ref)).key)
        path = None if machine is None else await self._engine.serial(machine.id)
        return await asyncio.to_thread(_serial_chunk, path, offset)

    async def serial_write(self, ref: str, data: bytes) -> None:
        """As the contract says."""
        if len(data) > MAX_SERIAL_WRITE_BYTES:
            raise Refused(
                f"at most {MAX_SERIAL_WRITE_BYTES} bytes are typed at once", reason="body_too_large"
            )
        await self._engine.serial_write(await self._machines.engine_id(ref), data)


def _disk_sizes(record: MachineRecord) -> Sequence[int | None]:
    spec = spec_of(record)
    if spec is None:
        return ()
    sizes: list[int | None] = []
    for disk in spec.disks:
        try:
            sizes.append(disk_size(disk.path, disk.format))
        except WebvdiError:
            sizes.append(None)
    return sizes


_NOWHERE = Path("/nonexistent")


def _serial_chunk(path: Path | None, offset: int) -> SerialChunk:
    """From *offset* on; the log starts anew with the guest, and when it has grown large."""
    try:
        with (path or _NOWHERE).open("rb") as file:
            end = file.seek(0, 2)
            offset = offset if 0 <= offset <= end else 0
            file.seek(offset)
            data = file.read(MAX_SERIAL_CHUNK_BYTES)
    except FileNotFoundError:
        return SerialChunk(0, b"", 0, 0)
    return SerialChunk(offset, data, offset + len(data), 0)
